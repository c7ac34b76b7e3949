//! The store of files: the same tests on a folder and on a real S3 server.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use anxiao::platform::files::settings::{Given, Settings};
use anxiao::platform::files::{ContentHash, Files, Key, Rendition};
use anxiao::platform::ids::built_in;
use futures_util::StreamExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Result, s3_error};
use tempfile::TempDir;

/// As other servers do: nobody writes into a bucket that was not made. This one would make it.
struct BucketsThatAreThere(PathBuf);

impl S3Access for BucketsThatAreThere {
    fn check<'me, 'call, 'of, 'all>(
        &'me self,
        call: &'call mut S3AccessContext<'of>,
    ) -> Pin<Box<dyn Future<Output = S3Result<()>> + Send + 'all>>
    where
        'me: 'all,
        'call: 'all,
        'of: 'all,
        Self: 'all,
    {
        let there = call.s3_path().get_bucket_name().is_none_or(|bucket| self.0.join(bucket).is_dir());
        let answer = match (call.credentials(), there) {
            (None, _) => Err(s3_error!(AccessDenied)),
            (Some(_), false) => Err(s3_error!(NoSuchBucket)),
            (Some(_), true) => Ok(()),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// A real S3 server on a port of its own; it ends with the process.
pub fn s3_server(root: &Path) -> String {
    s3_server_at("127.0.0.1:0", root)
}

/// The same on a port of the test's choice.
pub fn s3_server_at(address: &str, root: &Path) -> String {
    std::fs::create_dir(root.join("photos")).unwrap();
    let listen = std::net::TcpListener::bind(address).unwrap();
    listen.set_nonblocking(true).unwrap();
    let files = s3s_fs::FileSystem::new(root).unwrap();
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single("anxiao", "geheim"));
    service.set_access(BucketsThatAreThere(root.to_owned()));
    let service = service.build();
    let (address_out, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listen).unwrap();
            address_out.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let service = service.clone();
                tokio::spawn(async move {
                    let builder = Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
    });
    format!("http://{}", address.recv().unwrap())
}

/// A bucket of it.
pub fn s3(endpoint: &str, secret: &str, bucket: &str, data: &Path) -> Settings {
    let given = Given {
        store: Some(format!("s3://{bucket}/anxiao")),
        endpoint: Some(endpoint.to_owned()),
        key_id: Some("anxiao".into()),
        secret: Some(secret.to_owned()),
        ..Given::default()
    };
    given.settle(data).unwrap()
}

fn run(test: impl AsyncFn(&Files)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = TempDir::new().unwrap();
    let files = Files::open(&Given::default().settle(folder.path()).unwrap()).unwrap();
    runtime.block_on(test(&files));
    let (root, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let endpoint = s3_server(root.path());
    let files = Files::open(&s3(&endpoint, "geheim", "photos", data.path())).unwrap();
    runtime.block_on(test(&files));
    let left: Vec<_> = std::fs::read_dir(files.parts()).unwrap().collect();
    assert!(left.is_empty(), "temporary files are gone: {left:?}");
}

fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[1]
    };
    (0..length).map(|_| next()).collect()
}

async fn put(files: &Files, content: &[u8]) -> Key {
    let mut incoming = files.incoming(u64::MAX).await.unwrap();
    for piece in content.chunks(70_001) {
        incoming.write(&actix_web::web::Bytes::copy_from_slice(piece)).await.unwrap();
    }
    let staged = incoming.finish().await.unwrap();
    assert_eq!((staged.hash(), staged.bytes()), (ContentHash::of(content), content.len() as u64));
    let key = Key::original(built_in("bureau"), staged.hash());
    files.put(key, staged).await.unwrap();
    key
}

async fn read(files: &Files, key: Key, range: Option<(u64, u64)>) -> Option<(u64, Vec<u8>)> {
    let reading = files.read(key, range).await.unwrap()?;
    let (total, length) = (reading.total, reading.length);
    let mut all = Vec::new();
    let mut pieces = std::pin::pin!(reading.pieces());
    while let Some(piece) = pieces.next().await {
        all.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(all.len() as u64, length);
    Some((total, all))
}

#[test]
fn what_is_kept_comes_back_whole_and_in_parts() {
    run(async |files| {
        // Beyond one part of an upload to S3, and not a multiple of anything.
        for length in [1, 65_536, 300_000, (33 << 20) + 7] {
            let content = bytes(length, 7);
            let key = put(files, &content).await;
            let total = length as u64;
            assert_eq!(files.size(key).await.unwrap(), Some(total));
            assert_eq!(read(files, key, None).await.unwrap(), (total, content.clone()));
            assert_eq!(files.hash(key).await.unwrap(), Some(key.hash));
            for (first, last) in [(0, 0), (0, total - 1), (total / 2, total / 2 + 70_000), (total - 1, u64::MAX)] {
                let end = usize::try_from(last.min(total - 1)).unwrap();
                let expected = content[usize::try_from(first).unwrap()..=end].to_vec();
                assert_eq!(
                    read(files, key, Some((first, last))).await.unwrap().1,
                    expected,
                    "{first}-{last} of {total}"
                );
            }
            assert_eq!(read(files, key, Some((total, total + 5))).await.unwrap().1, b"");
            // The same again is the same.
            assert_eq!(put(files, &content).await, key);
            files.delete(key).await.unwrap();
            assert_eq!(files.size(key).await.unwrap(), None);
            assert!(read(files, key, None).await.is_none() && read(files, key, Some((0, 1))).await.is_none());
            files.delete(key).await.unwrap();
        }
    });
}

#[test]
fn files_are_listed_by_namespace_and_first_byte() {
    run(async |files| {
        assert!(files.namespaces().await.unwrap().is_empty());
        let mut keys = Vec::new();
        for number in 0..40_u8 {
            let staged = files.stage(vec![number; 10]).await.unwrap();
            let key = Key::original(built_in(if number % 2 == 0 { "one" } else { "two" }), staged.hash());
            files.put(key, staged).await.unwrap();
            keys.push(key);
        }
        let small = keys[0].as_rendition(Rendition::Thumbnail);
        files.put(small, files.stage(b"small".to_vec()).await.unwrap()).await.unwrap();
        keys.push(small);
        keys.sort_unstable();
        let mut expected = vec![built_in("one"), built_in("two")];
        expected.sort_unstable();
        assert_eq!(files.namespaces().await.unwrap(), expected);
        let mut found = Vec::new();
        for namespace in expected {
            for first in 0..=255 {
                let entries = files.list(namespace, first).await.unwrap();
                assert!(entries.iter().all(|entry| entry.key.hash.first() == first && entry.bytes > 0));
                found.extend(entries.into_iter().map(|entry| entry.key));
            }
        }
        found.sort_unstable();
        assert_eq!(found, keys);
    });
}

#[test]
fn more_than_allowed_is_refused_and_leaves_nothing() {
    run(async |files| {
        let mut incoming = files.incoming(10).await.unwrap();
        incoming.write(&actix_web::web::Bytes::from_static(b"0123456789")).await.unwrap();
        let refused = incoming.write(&actix_web::web::Bytes::from_static(b"x")).await.unwrap_err();
        assert_eq!(refused.code.status(), 413);
        drop(incoming);
        assert_eq!(std::fs::read_dir(files.parts()).unwrap().count(), 0);
        let staged = files.stage(b"one".to_vec()).await.unwrap();
        let other = Key::original(built_in("bureau"), ContentHash::of(b"two"));
        assert_eq!(
            files.put(other, staged).await.unwrap_err().code.status(),
            500,
            "not under a hash that is not its own"
        );
    });
}

#[test]
fn the_check_says_what_is_wrong_and_a_lost_store_is_503() {
    run(async |files| {
        files.check().await.unwrap();
        assert!(files.namespaces().await.unwrap().iter().all(|id| files_are_gone(*id)));
    });
    let (root, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let endpoint = s3_server(root.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let nobody = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let cases = [
        (s3(&endpoint, "wrong", "photos", data.path()), "SignatureDoesNotMatch"),
        (s3(&endpoint, "geheim", "elsewhere", data.path()), "NoSuchBucket"),
        (s3(&nobody, "geheim", "photos", data.path()), "refused"),
    ];
    for (settings, words) in cases {
        let files = Files::open(&settings).unwrap();
        let sentence = runtime.block_on(files.check()).unwrap_err();
        assert!(sentence.contains(words) && !sentence.contains("geheim"), "{sentence}");
        let key = Key::original(built_in("bureau"), ContentHash::of(b"x"));
        let problem = runtime.block_on(files.size(key));
        // HEAD has no body in which a store could say that the bucket is not there.
        if words != "NoSuchBucket" {
            assert_eq!(problem.unwrap_err().code.status(), 503, "{words}");
        }
    }
    let bad = Given { endpoint: Some("nonsense".into()), ..Given::default() };
    let place = Given { store: Some("s3://photos".into()), key_id: Some("a".into()), secret: Some("b".into()), ..bad };
    let sentence = Files::open(&place.settle(data.path()).unwrap()).unwrap_err();
    assert!(sentence.contains("evidence_s3_endpoint"), "{sentence}");
}

/// The probe of the check leaves an empty namespace at most.
fn files_are_gone(id: anxiao::platform::db::types::Id) -> bool {
    id.0.is_nil()
}

#[test]
fn a_folder_is_for_its_owner_alone_and_heals_what_was_damaged() {
    use std::os::unix::fs::PermissionsExt;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = TempDir::new().unwrap();
    let files = Files::open(&Given::default().settle(folder.path()).unwrap()).unwrap();
    runtime.block_on(async {
        let key = put(&files, b"content").await;
        let path = files.local().unwrap().join(key.to_string());
        for folder in [files.local().unwrap(), path.parent().unwrap(), files.parts()] {
            assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        }
        std::fs::write(&path, b"damaged").unwrap();
        assert_ne!(files.hash(key).await.unwrap(), Some(key.hash));
        put(&files, b"content").await;
        assert_eq!(files.hash(key).await.unwrap(), Some(key.hash));
    });
}
