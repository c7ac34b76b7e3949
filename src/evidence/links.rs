//! Links of five minutes, bound to a person's session: for a viewer that sends no header. A link opens only as long as
//! that person may still see what it shows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::words::Form;
use crate::accounts::tokens::Tokens;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

const PURPOSE: &str = "evidence link";
/// Minutes for which a link opens.
const MINUTES: i64 = 5;
const SAID: usize = 16 + 16 + 16 + 8 + 1;

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Which evidence.
    pub evidence_id: Id,
    /// For whom.
    pub user_id: Id,
    /// While this session lives.
    pub session_id: Id,
    /// Until then.
    pub expires_at: Timestamp,
    /// Which of its forms.
    pub form: Form,
}

impl Link {
    /// From now on for five minutes.
    #[must_use]
    pub fn of(evidence_id: Id, (user_id, session_id): (Id, Id), form: Form, now: Timestamp) -> Self {
        Self { evidence_id, user_id, session_id, expires_at: now + TimeDelta::minutes(MINUTES), form }
    }

    fn said(&self) -> Vec<u8> {
        let mut said = Vec::with_capacity(SAID);
        for id in [self.evidence_id, self.user_id, self.session_id] {
            said.extend_from_slice(id.0.as_bytes());
        }
        said.extend_from_slice(&self.expires_at.micros().to_be_bytes());
        said.push(u8::from(self.form == Form::Thumbnail));
        said
    }

    /// The token of the link.
    ///
    /// # Errors
    /// Never in practice; see [`Tokens::derived`].
    pub fn seal(&self, tokens: &Tokens) -> Result<String, Problem> {
        let mut said = self.said();
        let seal = tokens.derived(PURPOSE, &said)?;
        said.extend_from_slice(&seal);
        Ok(URL_SAFE_NO_PAD.encode(said))
    }

    /// Reads a token.
    ///
    /// # Errors
    /// 404 for what we did not make, and for what has expired.
    pub fn open(tokens: &Tokens, token: &str, now: Timestamp) -> Result<Self, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| Problem::not_found().cause(error))?;
        let (said, seal) = bytes.split_at_checked(SAID).ok_or_else(Problem::not_found)?;
        let own = tokens.derived(PURPOSE, said)?;
        if !bool::from(own.as_slice().ct_eq(seal)) {
            return Err(Problem::not_found());
        }
        let id = |at: usize| said.get(at..at + 16).and_then(|bytes| Uuid::from_slice(bytes).ok()).map(Id);
        let micros = said.get(48..56).and_then(|eight| eight.try_into().ok()).map(i64::from_be_bytes);
        let form = if said.last() == Some(&1) { Form::Thumbnail } else { Form::Content };
        match (id(0), id(16), id(32), micros.map(Timestamp::from_micros)) {
            (Some(evidence_id), Some(user_id), Some(session_id), Some(expires_at)) if now < expires_at => {
                Ok(Self { evidence_id, user_id, session_id, expires_at, form })
            }
            _ => Err(Problem::not_found()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(now: Timestamp) -> Link {
        let id = |number| Id(Uuid::from_u128(number));
        Link::of(id(1), (id(2), id(3)), Form::Thumbnail, now)
    }

    #[test]
    fn a_link_opens_for_five_minutes() {
        let tokens = Tokens::from_seeds(&[[7; 32]]).unwrap();
        let now = Timestamp::parse("2026-03-02T02:00:00Z").unwrap();
        let token = link(now).seal(&tokens).unwrap();
        assert_eq!(Link::open(&tokens, &token, now + TimeDelta::seconds(299)).unwrap(), link(now));
        assert!(Link::open(&tokens, &token, now + TimeDelta::seconds(300)).is_err());
        let others = Tokens::from_seeds(&[[8; 32]]).unwrap();
        assert!(Link::open(&others, &token, now).is_err());
    }

    proptest! {
        #[test]
        fn no_changed_byte_opens(at in 0..89_usize, by in 1..=255_u8) {
            let tokens = Tokens::from_seeds(&[[7; 32]]).unwrap();
            let now = Timestamp::parse("2026-03-02T02:00:00Z").unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(link(now).seal(&tokens).unwrap()).unwrap();
            prop_assert_eq!(bytes.len(), 89);
            bytes[at] ^= by;
            prop_assert!(Link::open(&tokens, &URL_SAFE_NO_PAD.encode(bytes), now).is_err());
        }
    }
}
