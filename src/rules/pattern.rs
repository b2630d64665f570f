//! One pattern of a pack.
//!
//! `example.com` means that name alone; `.example.com` it and everything below; `*` and `?` stand for any text and any
//! one character inside one label. Labels are never cut.

use std::fmt;

use crate::model::{DomainName, NameError};

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The labels are no name.
    #[error("{0}; write a host name, `.name` for it and all below, or `*` and `?` inside a label")]
    Name(#[from] NameError),
    /// Upper case, a trailing dot, a space.
    #[error("write it in lower case, without a trailing dot or spaces: `{0}`")]
    NotNormal(String),
    /// Letters beyond ASCII.
    #[error("write it in its ASCII form (labels that begin with `xn--`)")]
    NotAscii,
    /// A URL, a port or a path.
    #[error("write the host name alone, without scheme, port or path")]
    NotHost,
    /// A character that no host name has.
    #[error(
        "`{0}` stands in no host name; there are letters, digits, `-` and `_`, and `*` and `?`"
    )]
    NotInNames(char),
    /// A pattern that would match almost anything.
    #[error("a pattern needs at least two labels, the last of them without `*` and `?`")]
    TooWide,
    /// A pattern for all names below a public suffix.
    #[error(
        "it would match everybody's names: one label more than a public suffix (https://publicsuffix.org/) has to be written out"
    )]
    Everybody,
}

/// A checked pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// Whether names below match too.
    suffix: bool,
}

/// How specific a pattern is; the greatest of those that match a name wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Labels of the pattern.
    pub labels: usize,
    /// Suffix, wildcard, exact: in this order.
    pub kind: Kind,
    /// Characters that are no wildcard.
    pub literals: usize,
}

/// The three kinds of pattern, least specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Leading dot.
    Suffix,
    /// `*` or `?`, no leading dot.
    Wildcard,
    /// Neither.
    Exact,
}

/// What a pattern says, for formats that know fewer kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// One name.
    Exact(&'a str),
    /// A name and everything below it.
    Suffix(&'a str),
    /// Anything with `*` or `?`.
    Wildcard,
}

impl Pattern {
    /// Checks a pattern as a pack writes it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (suffix, labels) = match text.strip_prefix('.') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if !text.is_ascii() {
            return Err(PatternError::NotAscii);
        }
        if labels.contains(['/', ':']) {
            return Err(PatternError::NotHost);
        }
        let is_odd = |c: &char| !(c.is_ascii_alphanumeric() || ".-_*? ".contains(*c));
        if let Some(odd) = labels.chars().find(is_odd) {
            return Err(PatternError::NotInNames(odd));
        }
        let normal = DomainName::parse(labels.trim())?;
        if normal.as_str() != labels {
            let dot = if suffix { "." } else { "" };
            return Err(PatternError::NotNormal(format!("{dot}{normal}")));
        }
        let last_is_wild = labels.rsplit('.').next().is_some_and(is_wild);
        if !labels.contains('.') || last_is_wild {
            return Err(PatternError::TooWide);
        }
        Ok(Self {
            text: labels.to_owned(),
            suffix,
        })
    }

    /// Refuses what matches names of everybody below a public suffix. A single name may be such a suffix itself, as that of a
    /// hosting provider.
    pub fn checked_for_breadth(self) -> Result<Self, PatternError> {
        let is_many = self.suffix || is_wild(&self.text);
        match is_many && psl::domain_str(&self.text).is_none_or(is_wild) {
            true => Err(PatternError::Everybody),
            false => Ok(self),
        }
    }

    /// The labels, without the leading dot.
    pub(super) fn labels(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub(super) fn shape(&self) -> Shape<'_> {
        match (self.suffix, is_wild(&self.text)) {
            (_, true) => Shape::Wildcard,
            (true, false) => Shape::Suffix(&self.text),
            (false, false) => Shape::Exact(&self.text),
        }
    }

    /// A regular expression (of PCRE and its like) that matches the same names in lower case.
    pub(super) fn regex(&self) -> String {
        let mut regex = String::from(if self.suffix { "^(.+\\.)?" } else { "^" });
        for c in self.text.chars() {
            match c {
                '*' => regex.push_str("[^.]*"),
                '?' => regex.push_str("[^.]"),
                '.' => regex.push_str("\\."),
                other => regex.push(other),
            }
        }
        regex + "$"
    }

    /// Whether some name that `inner` matches may match here too, `inner` being more specific.
    pub(super) fn may_hold(&self, inner: &Self) -> bool {
        let example = inner.text.replace(['*', '?'], "x");
        self != inner && self.matches(&example) && inner.rank() > self.rank()
    }

    pub(super) fn rank(&self) -> Rank {
        let wild = is_wild(&self.text);
        Rank {
            labels: self.text.split('.').count(),
            kind: match (self.suffix, wild) {
                (true, _) => Kind::Suffix,
                (false, true) => Kind::Wildcard,
                (false, false) => Kind::Exact,
            },
            literals: self
                .text
                .bytes()
                .filter(|b| !matches!(b, b'*' | b'?'))
                .count(),
        }
    }

    /// The longest run of whole labels at the end that has no wildcard.
    pub(super) fn literal_tail(&self) -> &str {
        let mut tail = self.text.len();
        for label in self.text.rsplit('.') {
            if is_wild(label) {
                return self.text.get(tail + 1..).unwrap_or("");
            }
            tail = tail.saturating_sub(label.len() + 1);
        }
        &self.text
    }

    /// Whether the pattern matches a name in normal form. Slow and obvious: the matcher narrows first.
    pub fn matches(&self, name: &str) -> bool {
        labels_match(&self.text, name, self.suffix)
    }

    /// The same for a name that ends in the same so many octets as the pattern does, whole labels: only what stands left of
    /// them is looked at.
    pub(super) fn matches_left_of(&self, tail: usize, name: &str) -> bool {
        let left = |text: &str| text.len().checked_sub(tail + 1);
        match (left(&self.text), left(name)) {
            (Some(own), Some(rest)) => labels_match(&self.text[..own], &name[..rest], self.suffix),
            _ => false,
        }
    }
}

/// Whether the labels of a pattern match those of a name, from the right; of a suffix the name may have more.
fn labels_match(pattern: &str, name: &str, suffix: bool) -> bool {
    let mut parts = name.rsplit('.');
    let mut labels = pattern.rsplit('.');
    let matched = labels.all(|label| {
        let part = parts.next();
        part.is_some_and(|part| glob(label.as_bytes(), part.as_bytes()))
    });
    matched && (suffix || parts.next().is_none())
}

impl fmt::Display for Pattern {
    /// As a pack writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.suffix { "." } else { "" };
        write!(f, "{dot}{}", self.text)
    }
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// `*` for any text, `?` for any one character; linear but for the last `*`, to which it goes back.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    p = after_star;
                    t = from + 1;
                    retry = Some((after_star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_match_everybody_is_refused() {
        for (pattern, expected) in [
            (".co.uk", false),
            (".github.io", false),
            ("*.co.uk", false),
            ("a.*.co.uk", false),
            (".a.co.uk", true),
            ("*.a.co.uk", true),
            ("github.io", true),
            ("a.github.io", true),
        ] {
            let checked = Pattern::parse(pattern).and_then(Pattern::checked_for_breadth);
            assert_eq!(checked.is_ok(), expected, "{pattern}");
        }
        for odd in [
            "a,b.example.com",
            "a\"b.example.com",
            "a;b.example.com",
            "a#b.example.com",
            "a|b.example.com",
        ] {
            let refused = Pattern::parse(odd).unwrap_err();
            assert!(matches!(refused, PatternError::NotInNames(_)), "{odd}");
        }
        assert!(Pattern::parse("_a-1.*x?.example.com").is_ok());
    }

    #[test]
    fn matches_whole_labels_only() {
        for (pattern, name, expected) in [
            ("a.example", "a.example", true),
            ("a.example", "b.a.example", false),
            (".a.example", "a.example", true),
            (".a.example", "c.b.a.example", true),
            (".a.example", "ba.example", false),
            ("dnl-*.geo.example", "dnl-03.geo.example", true),
            ("dnl-*.geo.example", "dnl-.geo.example", true),
            ("dnl-*.geo.example", "x.dnl-03.geo.example", false),
            ("dnl-*.geo.example", "dnl-0.3.geo.example", false),
            ("s??.example", "s07.example", true),
            ("s??.example", "s7.example", false),
            (".k-*-geo.example", "x.k-file-geo.example", true),
            ("*a*b.example", "xxaxxab.example", true),
        ] {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn says_what_to_write_instead() {
        for (pattern, part) in [
            ("Example.COM", "`example.com`"),
            ("example.com.", "`example.com`"),
            (".Example.com", "`.example.com`"),
            ("bücher.example", "xn--"),
            ("https://a.example/", "without scheme"),
            ("com", "two labels"),
            ("a.*", "two labels"),
            ("a..b", "empty label"),
            ("", "empty"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }

    #[test]
    fn literal_tails() {
        for (pattern, tail) in [
            ("a.example", "a.example"),
            ("dnl-*.geo.example", "geo.example"),
            ("a.b*.c.example", "c.example"),
            (".a.example", "a.example"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().literal_tail(), tail);
        }
    }
}
