//! Phone numbers of mainland China, and how they are shown to those who need not call.

use crate::orgs::rules::Reason;

const BAD_FORMAT: Reason = Reason::BadFormat {
    zh: "应为手机号码（11位，可加+86）或带区号的座机号码（如0951-1234567）",
    en: "a mainland mobile number (11 digits, +86 allowed) or a landline with area code (as 0951-1234567) is expected",
};

/// A checked phone number, without blanks: `13800138000`, `+8613800138000`, `0951-1234567-801`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Checks a number; blanks between digits are dropped.
    ///
    /// # Errors
    /// `required` or `bad_format`.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let number: String = text.chars().filter(|c| *c != ' ').collect();
        if number.is_empty() {
            return Err(Reason::Required);
        }
        if is_mobile(&number) || is_landline(&number) { Ok(Self(number)) } else { Err(BAD_FORMAT) }
    }

    /// The number itself, for those who may call.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The number as lists show it.
    #[must_use]
    pub fn masked(&self) -> String {
        masked(&self.0)
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

fn is_mobile(number: &str) -> bool {
    let bare = number.strip_prefix("+86").or_else(|| number.strip_prefix("86")).unwrap_or(number);
    let bare = bare.strip_prefix('-').unwrap_or(bare);
    bare.len() == 11
        && bare.bytes().all(|b| b.is_ascii_digit())
        && bare.starts_with('1')
        && !matches!(bare.as_bytes().get(1), Some(b'0'..=b'2'))
}

/// Area code of three or four digits beginning with 0, seven or eight digits, an extension of up to six.
fn is_landline(number: &str) -> bool {
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = number.split('-');
    let (Some(first), second, third, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    if !all_digits(first) || !first.starts_with('0') {
        return false;
    }
    match (second, third) {
        (None, _) => (10..=12).contains(&first.len()),
        (Some(local), extension) => {
            (3..=4).contains(&first.len())
                && all_digits(local)
                && (7..=8).contains(&local.len())
                && extension.is_none_or(|digits| all_digits(digits) && digits.len() <= 6)
        }
    }
}

/// The number with its middle hidden: three digits in front and two at the end stay, four at the end of a mobile.
#[must_use]
pub fn masked(number: &str) -> String {
    let end = if is_mobile(number) { 4 } else { 2 };
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let front = if is_mobile(number) && digits > 11 { 5 } else { 3 };
    let mut seen = 0_usize;
    number
        .chars()
        .map(|c| {
            if !c.is_ascii_digit() {
                return c;
            }
            seen = seen.saturating_add(1);
            if seen <= front || seen > digits.saturating_sub(end) { c } else { '*' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobiles_and_landlines_pass() {
        for good in [
            "13800138000",
            "+8613800138000",
            "+86-13800138000",
            "138 0013 8000",
            "0951-1234567",
            "09511234567",
            "010-12345678-801",
        ] {
            assert!(Phone::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn other_texts_do_not() {
        for bad in
            ["1380013800", "12800138000", "call me", "0951-12", "951-1234567", "13800138000x", "+1-5551234567", "-"]
        {
            assert_eq!(Phone::parse(bad), Err(BAD_FORMAT), "{bad}");
        }
        assert_eq!(Phone::parse(" "), Err(Reason::Required));
    }

    #[test]
    fn the_middle_is_hidden_everywhere_even_in_debug() {
        assert_eq!(masked("13800138000"), "138****8000");
        assert_eq!(masked("+8613800138000"), "+86138****8000");
        assert_eq!(masked("0951-1234567"), "095*-*****67");
        let phone = Phone::parse("13800138000").unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(138****8000)");
    }
}
