//! The checks of single values that every kind of pack shares. A fault says where it is and what to write instead.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::value::Datetime;

use crate::rules::PackError;

/// What every check needs to say where a fault is.
pub(super) struct Check<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Check<'_> {
    /// The file's text as tables; the fault of a text that does not fit has its place.
    pub(super) fn tables<T: DeserializeOwned>(&self) -> Result<T, PackError> {
        toml::from_str(self.text).map_err(|error| {
            let what = error.message().trim_end().replace('\n', "; ");
            match error.span() {
                Some(span) => PackError::at(self.file, self.text, span.start, what),
                None => PackError::whole(self.file, what),
            }
        })
    }

    pub(super) fn fault<T>(&self, place: &Spanned<T>, what: impl Into<String>) -> PackError {
        PackError::at(self.file, self.text, place.span().start, what)
    }

    pub(super) fn bad_id(&self, id: &Spanned<String>) -> PackError {
        self.fault(
            id,
            format!(
                "`{}` is no id; write lower-case letters, digits and inner hyphens, at most 64",
                id.get_ref()
            ),
        )
    }

    /// A word of a closed list; the error names the list.
    pub(super) fn word<T: FromStr<Err = String>>(
        &self,
        value: &Spanned<String>,
    ) -> Result<T, PackError> {
        value
            .get_ref()
            .parse()
            .map_err(|what: String| self.fault(value, what))
    }

    pub(super) fn words<T: FromStr<Err = String>>(
        &self,
        values: &[Spanned<String>],
    ) -> Result<Vec<T>, PackError> {
        values.iter().map(|value| self.word(value)).collect()
    }

    /// Text for people: not empty, one line.
    pub(super) fn text_of(&self, value: &Spanned<String>) -> Result<String, PackError> {
        let text = value.get_ref().trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(self.fault(value, "write one line of text here"));
        }
        Ok(text.to_owned())
    }

    /// A note, where there is one.
    pub(super) fn note(
        &self,
        value: Option<&Spanned<String>>,
    ) -> Result<Option<String>, PackError> {
        value.map(|note| self.text_of(note)).transpose()
    }

    pub(super) fn source(&self, value: &Spanned<String>) -> Result<String, PackError> {
        let text = value.get_ref();
        let breaks = |letter: char| letter.is_whitespace() || letter.is_control();
        let is_url = ["https://", "http://"].iter().any(|scheme| {
            text.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(breaks))
        });
        if is_url {
            Ok(text.clone())
        } else {
            Err(self.fault(
                value,
                "a claim needs its source; write the URL (https://…) of the page that says so",
            ))
        }
    }

    pub(super) fn reviewed(&self, value: &Spanned<Datetime>) -> Result<String, PackError> {
        let date = value.get_ref();
        if date.date.is_none() || date.time.is_some() {
            return Err(self.fault(value, "write a day, for example 2026-11-23"));
        }
        Ok(date.to_string())
    }
}
