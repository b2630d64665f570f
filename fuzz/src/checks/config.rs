//! A configuration file.

use straggler::config::{ConfigError, File};

/// Input: the file.
pub fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return; // such a file is refused before it is parsed
    };
    match File::parse("straggler.toml", text) {
        // The same text means the same, or a reload would find changes where there are none.
        Ok(file) => assert_eq!(File::parse("straggler.toml", text), Ok(file)),
        Err(ConfigError::Wrong {
            path,
            line,
            column,
            what,
        }) => {
            assert_eq!(path, "straggler.toml");
            assert!(
                !what.is_empty() && !what.contains(char::is_control),
                "{what:?}"
            );
            let last = text.matches('\n').count() + 1;
            assert!(
                (1..=last).contains(&line) && column >= 1,
                "{line}:{column} of {last}"
            );
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Whether the file is taken.
pub fn is_taken(input: &[u8]) -> bool {
    str::from_utf8(input).is_ok_and(|text| File::parse("straggler.toml", text).is_ok())
}
