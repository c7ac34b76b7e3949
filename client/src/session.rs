//! Who is signed in on this phone, with the keys by which receipts are verified.
//!
//! One folder belongs to one person for ever: what another person did must not be handed in under this one's name.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result as Stored, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{Request, Transport, Trouble};

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The server's address.
    pub server: String,
    /// Whose.
    pub user_id: String,
    /// Counts for minutes.
    pub access_token: String,
    /// For the next pair.
    pub refresh_token: String,
    /// The server's public keys.
    pub jwks: Value,
    /// With it this device hands in what it holds when nobody can sign in on it any more.
    #[serde(default)]
    pub device_credential: Option<String>,
}

/// Tokens as the server gives them. An answer without one of them is not the server's.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    user: Person,
}

#[derive(Deserialize)]
struct Person {
    id: String,
}

fn tokens(transport: &mut dyn Transport, path: &str, body: &Value) -> Result<Tokens, Trouble> {
    let answer = transport.send(&Request::json("POST", path, "", body).by_nobody())?;
    if answer.status == 200 { answer.parse() } else { Err(answer.trouble()) }
}

/// The server's keys.
///
/// # Errors
/// Whatever stood in the way; [`Trouble::Stranger`] for an answer that holds no keys.
pub fn jwks(transport: &mut dyn Transport) -> Result<Value, Trouble> {
    let answer = transport.send(&Request::get("/.well-known/jwks.json"))?;
    if answer.status != 200 {
        return Err(answer.trouble());
    }
    let jwks: Value = answer.parse()?;
    if jwks.get("keys").is_some_and(Value::is_array) { Ok(jwks) } else { Err(Trouble::Stranger("no keys".into())) }
}

impl Session {
    /// Signs in.
    ///
    /// # Errors
    /// [`Trouble::SignInAgain`] where name or password is wrong; whatever else stood in the way.
    pub fn sign_in(
        transport: &mut dyn Transport,
        server: &str,
        username: &str,
        password: &str,
        device_id: &str,
    ) -> Result<Self, Trouble> {
        let body = json!({"username": username, "password": password, "device": {"id": device_id}});
        let signed = tokens(transport, "/api/v1/auth/login", &body)?;
        Ok(Self {
            server: server.to_owned(),
            user_id: signed.user.id,
            access_token: signed.access_token,
            refresh_token: signed.refresh_token,
            jwks: jwks(transport)?,
            device_credential: None,
        })
    }

    /// A new pair of tokens. The same refresh token within a minute gives the same pair, so a lost answer costs nothing.
    ///
    /// # Errors
    /// [`Trouble::SignInAgain`] where the session has ended.
    pub fn renew(&mut self, transport: &mut dyn Transport, device_id: &str) -> Result<(), Trouble> {
        let body = json!({"refresh_token": self.refresh_token, "device_id": device_id});
        let signed = tokens(transport, "/api/v1/auth/refresh", &body)?;
        self.access_token = signed.access_token;
        self.refresh_token = signed.refresh_token;
        Ok(())
    }

    /// The session of a folder, if somebody ever signed in there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(folder: &Path) -> Stored<Option<Self>> {
        match std::fs::read(folder.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the session, readable by nobody else.
    ///
    /// # Errors
    /// When the phone cannot store it; what was there is there still. Another person's folder is refused.
    pub fn store(&self, folder: &Path) -> Stored<()> {
        if Self::open(folder)?.is_some_and(|there| there.user_id != self.user_id || there.server != self.server) {
            return Err(Error::new(ErrorKind::AlreadyExists, "this folder belongs to another person or server"));
        }
        let beside = folder.join("session.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, folder.join(FILE))?;
        File::open(folder)?.sync_all()
    }
}

const FILE: &str = "session.json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Response;

    struct Says(&'static str);

    impl Transport for Says {
        fn send(&mut self, _: &Request) -> Result<Response, Trouble> {
            Ok(Response { status: 200, headers: vec![], body: self.0.as_bytes().to_vec() })
        }
    }

    fn session(user: &str) -> Session {
        let text = |text: &str| text.to_owned();
        Session {
            server: text("https://one"),
            user_id: text(user),
            access_token: text("a"),
            refresh_token: text("r"),
            jwks: json!({"keys": []}),
            device_credential: Some(text("dev1.x")),
        }
    }

    #[test]
    fn a_strangers_answer_changes_no_token() {
        let mut session = session("me");
        for page in ["<html>", "{}", r#"{"access_token":"x"}"#, r#"{"access_token":"x","refresh_token":null}"#] {
            assert!(matches!(session.renew(&mut Says(page), "phone"), Err(Trouble::Stranger(_))), "{page}");
        }
        assert_eq!((session.access_token.as_str(), session.refresh_token.as_str()), ("a", "r"));
        assert!(jwks(&mut Says("{}")).is_err());
    }

    #[test]
    fn a_folder_belongs_to_one_person() {
        let folder = tempfile::TempDir::new().unwrap();
        assert_eq!(Session::open(folder.path()).unwrap(), None);
        session("me").store(folder.path()).unwrap();
        assert!(session("you").store(folder.path()).is_err());
        assert_eq!(Session::open(folder.path()).unwrap().unwrap(), session("me"));
    }
}
