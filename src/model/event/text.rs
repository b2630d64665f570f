//! Text that goes into an event: bounded, and harmless for whoever shows it.

/// Longest text in characters, escapes included; longer ones are cut. A name of 255 octets fits whatever is in it, and so
/// does the limit up to which Elasticsearch indexes a keyword.
pub const MAX_EVENT_TEXT: usize = 1_020;

/// A name: letters in lower case, no trailing dot, anything that is not printable as `\DDD` for each of its bytes.
pub fn name(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    line(lower.strip_suffix('.').unwrap_or(&lower))
}

/// One line of text. Letters and digits of every script stay; of the rest what is printable ASCII. So neither control
/// characters nor those that turn the direction of writing or take no room are left.
pub fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(MAX_EVENT_TEXT));
    let mut room = MAX_EVENT_TEXT;
    for character in text.chars() {
        let mut piece = String::new();
        if matches!(character, ' '..='~') || character.is_alphanumeric() {
            piece.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                piece.push_str(&format!("\\{byte:03}"));
            }
        }
        let Some(left) = room.checked_sub(piece.chars().count()) else {
            break;
        };
        room = left;
        safe.push_str(&piece);
    }
    safe
}

/// The same JSON in ASCII: other characters as `\uXXXX`, which only strings can hold.
pub(super) fn ascii_json(json: String) -> String {
    if json.is_ascii() {
        return json;
    }
    let mut ascii = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                ascii.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (raw, safe) in [
            ("PC-17.Office.EXAMPLE.", "pc-17.office.example"),
            ("Büro 3", "büro 3"),
            ("a\u{1b}[2Jb\0c", "a\\027[2jb\\000c"),
            ("\u{202e}gpj.exe", "\\226\\128\\174gpj.exe"),
            ("a\u{200b}b\u{2028}", "a\\226\\128\\139b"),
            ("", ""),
        ] {
            assert_eq!(name(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn an_escape_is_not_cut_in_two() {
        let long = line(&format!("{}\u{1}", "a".repeat(MAX_EVENT_TEXT - 2)));
        assert_eq!(long, "a".repeat(MAX_EVENT_TEXT - 2));
        assert_eq!(line(&"ü".repeat(5_000)).chars().count(), MAX_EVENT_TEXT);
    }

    #[test]
    fn json_stays_the_same_in_ascii() {
        let value = serde_json::json!({"ü𝄞": "Büro\u{7f}"});
        let ascii = ascii_json(value.to_string());
        assert!(ascii.is_ascii());
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&ascii).unwrap(),
            value
        );
    }
}
