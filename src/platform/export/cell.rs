//! The text of a cell. Whoever may write a title must not be able to run a formula on the machine of whoever opens the
//! table (CWE-1236), so CSV and XLSX hold the same defused text, and one saved as the other stays harmless.

/// Most UTF-16 units of a cell: Excel keeps 32 767.
const LONGEST: usize = 32_000;

/// Characters with which a spreadsheet begins a formula, with their full-width twins, which some input methods and
/// programs fold into them.
const BEGINS_FORMULA: &[char] = &['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '−', '﹦', '﹫'];

/// The text as a cell holds it: line breaks as LF, TAB as a blank, no other control characters and nothing XML cannot
/// hold, a single quote before whatever could begin a formula, at most 32 000 UTF-16 units.
#[must_use]
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    if may_begin_formula(text) {
        out.push('\'');
    }
    let mut units = 0_usize;
    let mut before = ' ';
    for c in text.chars() {
        let kept = match c {
            '\n' if before == '\r' => None,
            '\r' | '\n' => Some('\n'),
            '\t' => Some(' '),
            c if c.is_control() || is_noncharacter(c) => None,
            c => Some(c),
        };
        before = c;
        let Some(kept) = kept else { continue };
        units += kept.len_utf16();
        if units > LONGEST {
            out.push('…');
            break;
        }
        out.push(kept);
    }
    out
}

/// Blanks, controls and invisible characters in front do not hide a formula: some programs drop them, and some of them
/// are left out here.
#[must_use]
pub fn may_begin_formula(text: &str) -> bool {
    let ignorable = |c: char| c.is_whitespace() || c.is_control() || is_noncharacter(c) || is_invisible(c);
    text.starts_with(['\t', '\r']) || text.trim_start_matches(ignorable).starts_with(BEGINS_FORMULA)
}

/// What XML cannot hold, and what Unicode promises never to be a character.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

/// `Default_Ignorable_Code_Point` of Unicode, annotation marks, and the Braille blank: nothing is seen of them.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_begin_a_formula_begins_with_a_quote() {
        for text in
            ["=1", "+1", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠a", " =1", "\u{3000}=1", "\u{0}=1", "\u{FEFF}=1"]
        {
            assert!(safe(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(safe("\tx"), "' x");
        assert_eq!(safe("\rx"), "'\nx");
        assert_eq!(safe("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
    }

    #[test]
    fn nothing_that_is_left_out_or_not_seen_hides_a_formula() {
        let hidden = "\u{FFFE}\u{FFFF}\u{FDD0}\u{1FFFE}\u{AD}\u{34F}\u{61C}\u{115F}\u{17B4}\u{180E}\u{202E}\u{2066}\u{2800}\u{3164}\u{FE0F}\u{FFF9}\u{E0020}";
        for one in hidden.chars() {
            for text in [format!("{one}=1+1"), format!("{one}{one} @SUM(A1)"), format!(" {one}＝1")] {
                assert!(safe(&text).starts_with('\''), "{text:?}");
            }
        }
        assert_eq!(safe("\u{FFFE}=1+1"), "'=1+1");
    }

    #[test]
    fn plain_text_stays() {
        for text in ["三楼东侧安全出口上锁", "a=b", "2026-03-01", "", "两行\n第二行", "he said \"x\", then", "𠮷野家"]
        {
            assert_eq!(safe(text), text);
        }
        assert_eq!(safe("a\r\nb\tc\u{0}d\u{7f}e\u{FFFF}"), "a\nb cde");
    }

    #[test]
    fn a_cell_is_never_longer_than_a_spreadsheet_keeps() {
        let long = safe(&"𠮷".repeat(40_000));
        assert!(long.encode_utf16().count() <= 32_767 && long.ends_with('…'));
    }

    proptest! {
        #[test]
        fn no_text_at_all_begins_a_formula_or_holds_a_control(text in "[\\PC\u{0}-\u{20}\u{AD}\u{202E}\u{FDD0}\u{FFFE}\u{FFFF}]{0,4}[=+@＝-]?.*") {
            let cell = safe(&text);
            prop_assert!(!cell.trim_start().starts_with(BEGINS_FORMULA));
            prop_assert!(cell.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
