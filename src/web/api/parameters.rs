//! The parameters of a request: those that an endpoint knows, each once, and what to write where one is wrong.
//!
//! One that is misspelt, or stands there twice, must not be left aside: the answer would be to another question.

use std::ops::RangeInclusive;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use super::Refused;
use crate::model::Timestamp;

/// The query of a request as it came.
pub(super) type Asked = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Letters of a client's own text that are told back to it.
const MAX_TOLD: usize = 50;

/// Letters of what is said of a wrong value, in which it may stand itself.
const MAX_WHY: usize = 200;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Takes those that an endpoint knows.
    pub(super) fn read(asked: Asked, known: &[&str]) -> Result<Self, Refused> {
        let Query(pairs) = asked
            .map_err(|_| Refused::wrong("the query: write name=value, with & between pairs"))?;
        for (at, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let name = told(name);
                return Err(Refused::wrong(match known {
                    [] => format!("{name}: this takes no parameters; leave it out"),
                    _ => format!(
                        "{name}: no such parameter; write one of: {}",
                        known.join(", ")
                    ),
                }));
            }
            if pairs[..at].iter().any(|(before, _)| before == name) {
                return Err(Refused::wrong(format!("{name}: write it once")));
            }
            if value.is_empty() {
                return Err(Refused::wrong(format!(
                    "{name}: it is empty; write a value, or leave it out"
                )));
            }
        }
        Ok(Self(pairs))
    }

    /// A value as it stands there.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &self,
        name: &str,
        bounds: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let Some(number) = number else {
            let (least, most) = (bounds.start(), bounds.end());
            return Err(Refused::wrong(match *most {
                usize::MAX => format!("{name}: write a whole number, {least} or more"),
                most => format!("{name}: write a whole number from {least} to {most}"),
            }));
        };
        Ok(Some(number))
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refused::wrong(format!("{name}: write true or false"))),
        }
    }

    /// A value of a closed list.
    pub(super) fn word<T: std::str::FromStr<Err = String>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Refused> {
        let parsed = self.text(name).map(str::parse).transpose();
        parsed.map_err(|why: String| {
            let why: String = why.chars().take(MAX_WHY).collect();
            Refused::wrong(format!("{name}: {why}"))
        })
    }

    /// An instant.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Refused> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let instant = Timestamp::parse_rfc3339(text);
        let wrong = || {
            Refused::wrong(format!(
                "{name}: write an instant like 2026-11-01T00:00:00Z (a + as %2B)"
            ))
        };
        instant.map(Some).ok_or_else(wrong)
    }
}

/// A client's own text, told back to it: bounded, and without what would not be seen.
pub(super) fn told(text: &str) -> String {
    let shown: String = text.chars().take(MAX_TOLD).collect();
    format!("`{}`", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, Refused> {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Parameters::read(Ok(Query(pairs.collect())), &["limit", "straggler", "since"])
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_write() {
        for (pairs, words) in [
            (
                &[("x", "1")][..],
                "`x`: no such parameter; write one of: limit, straggler, since",
            ),
            (&[("a\nb", "1")], "`a\\nb`: no such"),
            (&[("limit", "1"), ("limit", "1")], "limit: write it once"),
            (&[("limit", "")], "limit: it is empty"),
        ] {
            assert!(read(pairs).unwrap_err().why.contains(words), "{pairs:?}");
        }
        let none = Parameters::read(Ok(Query(vec![("x".to_owned(), "1".to_owned())])), &[]);
        assert!(none.unwrap_err().why.contains("takes no parameters"));
        let asked = read(&[("limit", "12"), ("straggler", "1"), ("since", "today")]).unwrap();
        assert_eq!(asked.number("limit", 1..=20).unwrap(), Some(12));
        let why = asked.number("limit", 1..=10).unwrap_err().why;
        assert_eq!(why, "limit: write a whole number from 1 to 10");
        let why = asked.number("since", 0..=usize::MAX).unwrap_err().why;
        assert_eq!(why, "since: write a whole number, 0 or more");
        assert!(
            asked
                .flag("straggler")
                .unwrap_err()
                .why
                .contains("true or false")
        );
        assert!(
            asked
                .instant("since")
                .unwrap_err()
                .why
                .contains("2026-11-01")
        );
    }
}
