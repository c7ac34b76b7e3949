/* Writes down what a program does to the files below one folder, in the order it happens.
 *
 * Loaded before libc (LD_PRELOAD) with POWER_ROOT, an absolute folder, and POWER_LOG, the file that receives one record
 * for each change and each sync: 40 bytes of head (operation, inode, two numbers, length of data; all u64, little-endian
 * on the machines this runs on), then the data. tests/it/power/log.rs reads it. Every call is made by its raw number:
 * no look-up of the replaced function, so allocators may call in before anything is set up.
 *
 * POWER_ROOM, if it is set, is how many bytes the folder still takes: a write beyond them gets ENOSPC, as on a full disk.
 *
 * One lock is held over a call and its record: the order of records is the order of effects.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPENED = 1, WRITTEN, TRUNCATED, SYNCED, RENAMED, UNLINKED, MADE_FOLDER, FOLDER_SYNCED, LINKED, MAPPED, LOST };

static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static int64_t room = INT64_MAX;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Which descriptors are files below the folder: 1 a file, 2 a folder. */
#define MOST 65536
static unsigned char kept[MOST];

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("POWER_ROOT"), *log = getenv("POWER_LOG");
    if (!folder || !log) return;
    if (getenv("POWER_ROOM")) room = strtoll(getenv("POWER_ROOM"), NULL, 10);
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) {
        dprintf(2, "power: the log cannot be opened\n");
        _exit(90);
    }
}

/* What cannot be written down would make the test lie: end at once. */
static void record(uint64_t what, uint64_t inode, uint64_t a, uint64_t b, const void *data, uint64_t length) {
    uint64_t head[5] = {what, inode, a, b, length};
    struct iovec parts[2] = {{head, sizeof head}, {(void *)data, length}};
    ssize_t all = (ssize_t)(sizeof head + length);
    int before = errno;
    if (syscall(SYS_writev, log_fd, parts, 2) != all) {
        dprintf(2, "power: the log is full\n");
        _exit(91);
    }
    errno = before;
}

static int is_kept(int fd) { return log_fd >= 0 && fd >= 0 && fd < MOST && kept[fd]; }

static uint64_t inode_of(int fd) {
    struct stat is;
    return fstat(fd, &is) == 0 ? (uint64_t)is.st_ino : 0;
}

/* The absolute path of `path` seen from `at`; 0 when it is outside the folder. */
static int below(int at, const char *path, char *full) {
    if (log_fd < 0 || !path) return 0;
    if (path[0] == '/') {
        snprintf(full, PATH_MAX, "%s", path);
    } else {
        char link[64], base[PATH_MAX];
        ssize_t n;
        if (at == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
        else snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        n = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        if (n < 0) return 0;
        base[n] = 0;
        if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    return strncmp(full, root, root_length) == 0 && (full[root_length] == '/' || full[root_length] == 0);
}

/* Whether the folder takes so many bytes more. */
static int fits(size_t length) {
    if (room < (int64_t)length) {
        errno = ENOSPC;
        return 0;
    }
    room -= (int64_t)length;
    return 1;
}

#define HOLD pthread_mutex_lock(&lock)
#define LEAVE do { int e_ = errno; pthread_mutex_unlock(&lock); errno = e_; } while (0)

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    int ours = below(at, path, full);
    if (!ours) return (int)syscall(SYS_openat, at, path, flags, mode);
    HOLD;
    int there = syscall(SYS_faccessat, AT_FDCWD, full, F_OK) == 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && fd < MOST) {
        struct stat is;
        if (fstat(fd, &is) == 0 && S_ISDIR(is.st_mode)) {
            kept[fd] = 2;
        } else {
            kept[fd] = 1;
            /* An unnamed temporary file has no path: whatever is in it is not durable before it is linked. */
            int unnamed = (flags & O_TMPFILE) == O_TMPFILE;
            record(OPENED, inode_of(fd), !there && !unnamed, (flags & O_TRUNC) != 0, full, unnamed ? 0 : strlen(full));
        }
    }
    LEAVE;
    return fd;
}

#define MODE(last) mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, last); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_at(at, path, flags | O_LARGEFILE, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    if (is_kept(fd)) kept[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

static int copied(int from, int to) {
    if (to >= 0 && to < MOST) kept[to] = is_kept(from) ? kept[from] : 0;
    return to;
}
int dup(int fd) { return copied(fd, (int)syscall(SYS_dup, fd)); }
int dup3(int fd, int to, int flags) { return copied(fd, (int)syscall(SYS_dup3, fd, to, flags)); }
int dup2(int fd, int to) { return fd == to ? to : dup3(fd, to, 0); }

static int control(int fd, int command, long argument) {
    int answer = (int)syscall(SYS_fcntl, fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(fd, answer) : answer;
}
int fcntl(int fd, int command, ...) { va_list rest; va_start(rest, command); long a = va_arg(rest, long); va_end(rest); return control(fd, command, a); }
int fcntl64(int fd, int command, ...) { va_list rest; va_start(rest, command); long a = va_arg(rest, long); va_end(rest); return control(fd, command, a); }

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    if (!is_kept(fd)) return syscall(SYS_pwrite64, fd, data, length, offset);
    HOLD;
    ssize_t n = !fits(length) ? -1 : syscall(SYS_pwrite64, fd, data, length, offset);
    if (n > 0) record(WRITTEN, inode_of(fd), (uint64_t)offset, 0, data, (uint64_t)n);
    LEAVE;
    return n;
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return pwrite(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
    if (!is_kept(fd)) return syscall(SYS_write, fd, data, length);
    HOLD;
    ssize_t n = !fits(length) ? -1 : syscall(SYS_write, fd, data, length);
    /* Afterwards the position is the end of what was written, appended or not. */
    if (n > 0) record(WRITTEN, inode_of(fd), (uint64_t)(syscall(SYS_lseek, fd, 0, SEEK_CUR) - n), 0, data, (uint64_t)n);
    LEAVE;
    return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!is_kept(fd)) return syscall(SYS_writev, fd, parts, count);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (n < 0) return all ? all : n;
        all += n;
        if ((size_t)n < parts[i].iov_len) break;
    }
    return all;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (!is_kept(fd)) return syscall(SYS_pwritev, fd, parts, count, offset, 0);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = pwrite(fd, parts[i].iov_base, parts[i].iov_len, offset + all);
        if (n < 0) return all ? all : n;
        all += n;
        if ((size_t)n < parts[i].iov_len) break;
    }
    return all;
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return pwritev(fd, parts, count, offset); }

/* Copies inside the kernel show no data: refused, so that the caller reads and writes. */
#define BY_HAND(fd, call) if (is_kept(fd)) { errno = ENOSYS; return -1; } return call
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t n, unsigned flags) { BY_HAND(to, syscall(SYS_copy_file_range, from, a, to, b, n, flags)); }
ssize_t sendfile(int to, int from, off_t *at, size_t n) { BY_HAND(to, syscall(SYS_sendfile, to, from, at, n)); }
ssize_t sendfile64(int to, int from, off64_t *at, size_t n) { BY_HAND(to, syscall(SYS_sendfile, to, from, at, n)); }
ssize_t splice(int from, off64_t *a, int to, off64_t *b, size_t n, unsigned flags) { BY_HAND(to, syscall(SYS_splice, from, a, to, b, n, flags)); }

int ftruncate(int fd, off_t length) {
    if (!is_kept(fd)) return (int)syscall(SYS_ftruncate, fd, length);
    HOLD;
    int done = (int)syscall(SYS_ftruncate, fd, length);
    if (done == 0) record(TRUNCATED, inode_of(fd), (uint64_t)length, 0, "", 0);
    LEAVE;
    return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int posix_fallocate(int fd, off_t offset, off_t length) {
    if (!is_kept(fd)) return syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : errno;
    struct stat is;
    if (fstat(fd, &is) != 0) return errno;
    return offset + length > is.st_size && ftruncate(fd, offset + length) != 0 ? errno : 0;
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }
int fallocate(int fd, int mode, off_t offset, off_t length) { if (is_kept(fd)) { errno = EOPNOTSUPP; return -1; } return (int)syscall(SYS_fallocate, fd, mode, offset, length); }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

static int sync_fd(long number, int fd) {
    if (!is_kept(fd)) return (int)syscall(number, fd);
    HOLD;
    int done = (int)syscall(number, fd);
    if (done == 0 && kept[fd] == 2) {
        char link[64], path[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path);
        if (n > 0) record(FOLDER_SYNCED, 0, 0, 0, path, (uint64_t)n);
    } else if (done == 0) {
        record(SYNCED, inode_of(fd), 0, 0, "", 0);
    }
    LEAVE;
    return done;
}
int fsync(int fd) { return sync_fd(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_fd(SYS_fdatasync, fd); }

static int two_paths(uint64_t what, int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char a[PATH_MAX], both[2 * PATH_MAX];
    int ours = below(from_at, from, a), there = below(to_at, to, both);
    long number = what == RENAMED ? SYS_renameat2 : SYS_linkat;
    if (!ours && !there) return (int)syscall(number, from_at, from, to_at, to, flags);
    HOLD;
    int done = (int)syscall(number, from_at, from, to_at, to, flags);
    if (done == 0) {
        size_t n = strlen(a), m;
        char second[PATH_MAX];
        below(to_at, to, second);
        m = strlen(second);
        memcpy(both, a, n + 1);
        memcpy(both + n + 1, second, m);
        /* Across the folder's edge the data is not known. */
        record(ours && there ? what : LOST, 0, 0, 0, both, n + 1 + m);
    }
    LEAVE;
    return done;
}
int rename(const char *from, const char *to) { return two_paths(RENAMED, AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return two_paths(RENAMED, a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return two_paths(RENAMED, a, from, b, to, flags); }
int link(const char *from, const char *to) { return two_paths(LINKED, AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return two_paths(LINKED, a, from, b, to, (unsigned)flags); }

int unlinkat(int at, const char *path, int flags) {
    char full[PATH_MAX];
    if (!below(at, path, full)) return (int)syscall(SYS_unlinkat, at, path, flags);
    HOLD;
    int done = (int)syscall(SYS_unlinkat, at, path, flags);
    if (done == 0) record(UNLINKED, 0, 0, 0, full, strlen(full));
    LEAVE;
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int at, const char *path, mode_t mode) {
    char full[PATH_MAX];
    if (!below(at, path, full)) return (int)syscall(SYS_mkdirat, at, path, mode);
    HOLD;
    int done = (int)syscall(SYS_mkdirat, at, path, mode);
    if (done == 0) record(MADE_FOLDER, 0, 0, 0, full, strlen(full));
    LEAVE;
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* Writes through memory are not seen: the reader accepts them for SQLite's -shm alone, which is rebuilt at need. */
void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    if (is_kept(fd) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) {
        HOLD;
        record(MAPPED, inode_of(fd), 0, 0, "", 0);
        LEAVE;
    }
    return (void *)syscall(SYS_mmap, where, length, protection, flags, fd, offset);
}
void *mmap64(void *where, size_t length, int protection, int flags, int fd, off64_t offset) { return mmap(where, length, protection, flags, fd, offset); }
