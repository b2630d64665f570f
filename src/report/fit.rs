//! Lines that are longer than the terminal is wide, broken where a reader expects it.

use console::measure_text_width;
use textwrap::{Options, WordSplitter};

/// Columns that the rest of a broken line stands farther in.
const HANGING: usize = 4;
/// Below this a line is rather broken by the terminal than into single words.
const NARROWEST: usize = 10;

/// Breaks lines between words so that they fit into `width` columns. A word that is longer, such as a long name, stays
/// in one piece: broken it could not be copied.
pub fn fit(text: &str, width: u16) -> String {
    let width = usize::from(width).max(NARROWEST);
    let mut fitted = String::with_capacity(text.len());
    for line in text.lines() {
        if measure_text_width(line) <= width {
            fitted.push_str(line);
        } else {
            let indent = line.len() - line.trim_start().len();
            let hanging = " ".repeat(indent + HANGING);
            let options = Options::new(width)
                .subsequent_indent(&hanging)
                .word_splitter(WordSplitter::NoHyphenation)
                .break_words(false);
            fitted.push_str(&textwrap::wrap(line, options).join("\n"));
        }
        fitted.push('\n');
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_hang() {
        let text = "short\n  asked for a-very-long-name.example.com twice\n";
        assert_eq!(
            fit(text, 30),
            "short\n  asked for\n      a-very-long-name.example.com\n      twice\n"
        );
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\u{1b}[31mred\u{1b}[0m and as wide as it may be\n";
        assert_eq!(fit(line, 28), line);
    }

    #[test]
    fn a_terminal_without_room_loses_no_word() {
        let text = "one two three four five six seven\n";
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&fit(text, 0)), words(text));
    }
}
