//! Argon2id, at most two at once: each takes 19 MiB and tens of milliseconds.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::platform::error::{Code, Problem};
use crate::platform::http::Faults;
use crate::platform::ids::Ids;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes at once.
const AT_ONCE: usize = 2;
/// Callers that may wait.
const WAITING: usize = 16;
const PATIENCE: Duration = Duration::from_secs(2);
/// Shortest password of one's own choice, without a second factor (NIST SP 800-63B-4).
pub const SHORTEST: usize = 15;
/// Longest password in bytes; longer ones are refused before hashing, never cut.
pub const LONGEST: usize = 256;

/// Everything that hashes passwords.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(AT_ONCE)), queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }
}

fn hasher() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(Problem::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password, on this thread. For commands; the server goes through [`Passwords`].
///
/// # Errors
/// When the hasher refuses its own settings.
pub fn hash_now(password: &str, salt: [u8; 16]) -> Result<String, Problem> {
    Ok(hasher()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(Problem::internal)?.to_string())
}

/// Whether a password fits a stored hash. A stored hash that asks for other settings than ours is never executed.
fn fits(password: &str, stored: &str) -> Result<bool, Problem> {
    let Ok(parsed) = PasswordHash::new(stored) else {
        return Ok(false);
    };
    let ours = parsed.params.get_decimal("m") == Some(MEMORY_KIB)
        && parsed.params.get_decimal("t") == Some(PASSES)
        && parsed.params.get_decimal("p") == Some(1);
    Ok(ours && hasher()?.verify_password(password.as_bytes(), &parsed).is_ok())
}

/// A hash no password fits, for users that do not exist: they take as long as those that do.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Passwords {
    /// Whether the password fits; `stored` is nothing for a user that does not exist.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Problem> {
        self.in_turn(move || {
            let known = stored.is_some();
            fits(&password, stored.as_deref().unwrap_or(NOBODY)).map(|fits| fits && known)
        })
        .await
    }

    /// The PHC string of a password.
    ///
    /// # Errors
    /// 503 when too many wait.
    pub async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String, Problem> {
        self.in_turn(move || hash_now(&password, salt)).await
    }

    /// Waits for a turn. The permit is held inside the blocking task, so that a caller who goes away frees nothing.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::new(Code::Overloaded).cause("password hashing is busy");
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|full| busy().cause(full))?;
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.running).acquire_owned()).await;
        let permit = turn.map_err(|late| busy().cause(late))?.map_err(Problem::internal)?;
        web::block(move || {
            let outcome = work();
            drop((permit, place));
            outcome
        })
        .await
        .map_err(Problem::internal)?
    }
}

/// The commonest long passwords and what people build from the product's own words.
const COMMON: &[&str] = &["password", "123456789", "qwertyuiop", "1q2w3e4r", "iloveyou", "abcdefgh", "woaini", "mima"];

/// Length, blocklist, own name; no rule of composition (NIST SP 800-63B-4).
pub fn judge(faults: &mut Faults, pointer: &str, password: &str, username: &str) {
    if password.chars().count() < SHORTEST {
        faults.say(pointer, "too_short", "密码至少 15 个字符", "must have at least 15 characters");
    } else if password.len() > LONGEST {
        faults.say(pointer, "too_long", "密码不得超过 256 字节", "must have at most 256 bytes");
    } else {
        let lower = password.to_lowercase();
        let mut different: Vec<char> = lower.chars().collect();
        different.sort_unstable();
        different.dedup();
        let own = username.len() >= 3 && lower.contains(username);
        if own || different.len() < 5 || COMMON.iter().any(|word| lower.starts_with(word)) {
            faults.say(pointer, "too_common", "密码过于常见或含用户名", "is too common or contains the user name");
        }
    }
}

/// A one-time password: 16 letters and digits that are not mistaken for each other, 80 bits.
#[must_use]
pub fn one_time(ids: &dyn Ids) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut bytes = [0_u8; 16];
    ids.fill(&mut bytes);
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied()).map(char::from);
    let mut word = String::new();
    for (index, letter) in letters.enumerate() {
        if index > 0 && index % 4 == 0 {
            word.push('-');
        }
        word.push(letter);
    }
    word
}

/// Salt for a new hash.
#[must_use]
pub fn salt(ids: &dyn Ids) -> [u8; 16] {
    let mut salt = [0; 16];
    ids.fill(&mut salt);
    salt
}
