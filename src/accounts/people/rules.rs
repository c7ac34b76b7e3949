//! Usernames, phones, and what a membership must carry. Pure.

mod grants;
mod phone;

pub use grants::{goes_with_all, may_look_after, needs_domains, needs_end, takes_domains};
pub use phone::{Phone, masked};

use crate::orgs::rules::Reason;

/// Longest display name, in characters.
pub const DISPLAY_NAME_MAX: usize = 100;

/// A username: 3 to 64 of `a-z 0-9 . _ -`, letters lowered.
///
/// # Errors
/// `required`, `too_short`, `too_long` or `bad_character`.
pub fn username(text: &str) -> Result<String, Reason> {
    let name = text.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Err(Reason::Required)
    } else if !name.chars().all(allowed) {
        Err(Reason::BadCharacter { allowed: "a-z 0-9 . _ -" })
    } else if name.len() < 3 {
        Err(Reason::TooShort { min: 3 })
    } else if name.len() > 64 {
        Err(Reason::TooLong { max: 64 })
    } else {
        Ok(name)
    }
}

/// The name people read, 1 to 100 characters in one line; blanks around it are dropped.
///
/// # Errors
/// `required`, `control_character` or `too_long`.
pub fn display_name(text: &str) -> Result<String, Reason> {
    crate::orgs::rules::name(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_lowered_and_plain() {
        assert_eq!(username("Zhang.San-01_x").as_deref(), Ok("zhang.san-01_x"));
        assert_eq!(username("ab"), Err(Reason::TooShort { min: 3 }));
        assert_eq!(username(&"a".repeat(65)), Err(Reason::TooLong { max: 64 }));
        assert_eq!(username(""), Err(Reason::Required));
        for bad in ["张三丰", "a b c", " abc", "abc\0", "abc@d", "аbс"] {
            assert_eq!(username(bad), Err(Reason::BadCharacter { allowed: "a-z 0-9 . _ -" }), "{bad:?}");
        }
    }
}
