//! The code that a reporter keeps to ask what became of it: 128 bits in Crockford's base 32, in groups that people can
//! copy (`0ABCD-EFGHJ-KMNPQ-RSTVW-XYZ012`). Only its hash is stored. It follows from the report's id and a key, so that
//! a repeat because the answer was lost gives the same code.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 26 signs of 5 bits hold 128 bits; the two left over are zero.
const LENGTH: usize = 26;
const GROUP: usize = 5;

/// A tracking code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackingCode(u128);

impl TrackingCode {
    /// The code of the first half of a keyed hash.
    #[must_use]
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self(secret.iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte)))
    }

    /// What somebody typed: case, blanks and dashes do not matter, `O` is 0, `I` and `L` are 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut value = 0_u128;
        let mut signs = 0;
        for sign in text.chars().filter(|sign| !matches!(sign, ' ' | '-' | '\u{2010}'..='\u{2015}')) {
            let sign = match sign.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let place = ALPHABET.iter().position(|one| char::from(*one) == sign)?;
            signs += 1;
            if signs > LENGTH || (signs == 1 && place > 7) {
                return None;
            }
            value = (value << 5) | u128::try_from(place).ok()?;
        }
        (signs == LENGTH).then_some(Self(value))
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(self) -> Vec<u8> {
        Sha256::digest(self.0.to_be_bytes()).to_vec()
    }
}

impl std::fmt::Display for TrackingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for place in 0..LENGTH {
            // The last group takes what is left over.
            if place > 0 && place % GROUP == 0 && LENGTH - place > 1 {
                f.write_str("-")?;
            }
            let bits = (self.0 >> (5 * (LENGTH - 1 - place))) & 31;
            let sign = usize::try_from(bits).ok().and_then(|bits| ALPHABET.get(bits)).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(sign))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_code_is_read_back_however_it_was_copied(value: u128) {
            let code = TrackingCode(value);
            let text = code.to_string();
            prop_assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [5, 5, 5, 5, 6]);
            let sloppy = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            prop_assert_eq!(TrackingCode::parse(&text), Some(code));
            prop_assert_eq!(TrackingCode::parse(&sloppy), Some(code));
        }

        #[test]
        fn whatever_is_typed_is_a_code_or_none(text in ".{0,40}") {
            if let Some(code) = TrackingCode::parse(&text) {
                prop_assert_eq!(TrackingCode::parse(&code.to_string()), Some(code));
            }
        }
    }

    #[test]
    fn too_short_too_long_and_too_large_are_no_codes() {
        for text in ["", "0", &"0".repeat(25), &"0".repeat(27), &"Z".repeat(26), &"U".repeat(26)] {
            assert_eq!(TrackingCode::parse(text), None, "{text}");
        }
    }
}
