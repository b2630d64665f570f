//! Text from the wire, from an inventory or from a file name, made harmless for where it goes.
//!
//! Host names of DNS are printable ASCII already ([`crate::model::DomainName`]); names and owners of devices, paths and
//! what a pack says may be anything. [`plain`] comes first in every format; HTML is escaped by `maud` on top of it.

use std::borrow::Cow;
use std::fmt::Write;

/// Text on one line in which nothing is invisible: control characters, line breaks, marks that turn the direction of
/// writing and characters without width become `\u{…}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_hidden(letter) {
            // Writing to a String cannot fail.
            let _ = write!(plain, "\\u{{{:x}}}", u32::from(letter));
        } else {
            plain.push(letter);
        }
    }
    Cow::Owned(plain)
}

fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' // soft hyphen
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // direction
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}' // fillers
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' // no width
            | '\u{2028}' | '\u{2029}' // line and paragraph
            | '\u{fff9}'..='\u{fffb}' // annotation
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

/// A cell of a CSV file: one that a spreadsheet would take for a formula gets an apostrophe in front.
pub(super) fn cell(text: &str) -> Cow<'_, str> {
    let plain = plain(text);
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{plain}"))
    } else {
        plain
    }
}

/// Text inside a paragraph or a table of Markdown. Bare addresses of web sites become no links either.
pub(super) fn markdown(text: &str) -> String {
    let plain = plain(text);
    let mut escaped = String::with_capacity(plain.len() + 8);
    let mut before = String::new();
    for letter in plain.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '@' | '$' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            // Both would begin a link in the dialect of GitHub.
            ':' | '.' if links(&before, letter) => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
        before.push(letter);
    }
    // At the start of a line these would make a list, a heading or a rule.
    match escaped.chars().next() {
        Some('-' | '+' | '#' | '=') => format!("\\{escaped}"),
        Some(digit) if digit.is_ascii_digit() => numbered(escaped),
        _ => escaped,
    }
}

fn links(before: &str, letter: char) -> bool {
    let ends = |word: &str| {
        let at = before.len().checked_sub(word.len());
        at.and_then(|at| before.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    match letter {
        '.' => ends("www"),
        _ => ["http", "https", "ftp", "mailto", "xmpp"]
            .iter()
            .any(|word| ends(word)),
    }
}

/// `1. x` at the start of a line would make a list.
fn numbered(text: String) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.get(digits..digits + 2) {
        Some(". ") => format!("{}\\{}", &text[..digits], &text[digits..]),
        _ => text,
    }
}

/// A link of Markdown. What is no web address is text only.
pub(super) fn markdown_link(text: &str, url: &str) -> String {
    let text = markdown(text);
    if !is_web_address(url) {
        return text;
    }
    let mut target = String::with_capacity(url.len());
    for letter in url.chars() {
        match letter {
            '<' | '>' | '\\' | '`' | '|' | '"' | '(' | ')' | '[' | ']' => {
                let _ = write!(target, "%{:02X}", u32::from(letter));
            }
            letter => target.push(letter),
        }
    }
    format!("[{text}](<{target}>)")
}

/// Whether a source may be made a link: packs of others must not bring `javascript:` into a page, nor anything hidden.
pub fn is_web_address(url: &str) -> bool {
    let hides = |letter: char| is_hidden(letter) || letter.is_whitespace();
    ["https://", "http://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
        && !url.contains(hides)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_stays_invisible() {
        for (text, shown) in [
            ("laptop-7", "laptop-7"),
            ("Büro Süd 机", "Büro Süd 机"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\0b\nc\td", "a\\u{0}b\\u{a}c\\u{9}d"),
            ("a\u{202e}gpj.exe", "a\\u{202e}gpj.exe"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn formulas_are_text() {
        for (text, shown) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\u{9}=1"),
            ("\r=1", "'\\u{d}=1"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(cell(text), shown);
        }
    }

    #[test]
    fn markdown_is_text() {
        for (text, shown) in [
            ("s07.upd.kaspersky.com", "s07.upd.kaspersky.com"),
            ("10.20.0.11", "10.20.0.11"),
            ("a|b`c", "a\\|b\\`c"),
            ("[x](y)", "\\[x\\](y)"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("www.evil.example", "www\\.evil.example"),
            ("https://evil.example", "https\\://evil.example"),
            ("12:30", "12:30"),
            ("- a", "\\- a"),
            ("1. a", "1\\. a"),
            ("# a", "\\# a"),
            ("a\nb", "a\\\\u{a}b"),
        ] {
            assert_eq!(markdown(text), shown);
        }
        assert_eq!(
            markdown_link("a]b", "https://x.example/(1)|<"),
            "[a\\]b](<https://x.example/%281%29%7C%3C>)"
        );
        assert_eq!(markdown_link("a", "javascript:alert(1)"), "a");
    }

    proptest! {
        #[test]
        fn any_text_comes_out_on_one_line(text in any::<String>()) {
            for shown in [plain(&text).into_owned(), cell(&text).into_owned(), markdown(&text)] {
                prop_assert!(!shown.contains(is_hidden));
            }
            prop_assert!(!cell(&text).starts_with(['=', '+', '-', '@']));
            prop_assert!(!markdown(&text).contains('<'));
        }
    }
}
