//! The names that an answer leads to, without allocation: most answers lead nowhere that matters.

use super::name::walk_name;
use super::records::{CLASS_IN, Records};
use super::{Header, TYPE_CNAME, TYPE_HTTPS, TYPE_SVCB};
use crate::dissect::Dissection;
use crate::model::{Name, NameBuf};

/// Whether any alias in the answer section that starts at `at` leads to a name that is `wanted`. Whose alias it is does
/// not count here: [`super::answer()`] follows them from the name that was asked.
pub fn leads_to(
    message: &[u8],
    header: &Header,
    at: usize,
    scratch: &mut NameBuf,
    mut wanted: impl FnMut(Name<'_>) -> bool,
) -> bool {
    Records::new(message, at, header.answers).any(|record| {
        let target_at = match (record.class, record.kind, record.data) {
            (CLASS_IN, TYPE_CNAME, _) => record.data_at,
            // RFC 9460, section 2.2: the target stands behind the priority, which is 0 in AliasMode.
            (CLASS_IN, TYPE_SVCB | TYPE_HTTPS, [0, 0, ..]) => record.data_at + 2,
            _ => return false,
        };
        let read = walk_name(message, target_at, scratch);
        matches!(read, Dissection::Found(_)) && scratch.as_name().is_some_and(&mut wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::super::building::{a, cname, head_of, response_with};
    use super::*;

    #[test]
    fn aliases_in_any_place_are_seen() {
        let records = vec![
            cname("a.example.", 1, "b.example."),
            cname("b.example.", 1, "c.example."),
            a("c.example.", 1, [198, 51, 100, 1]),
        ];
        let message = response_with("a.example.", records).to_vec().unwrap();
        let (header, at) = head_of(&message);
        let mut scratch = NameBuf::default();
        for (name, expected) in [
            ("a.example", false),
            ("b.example", true),
            ("c.example", true),
        ] {
            let wanted = |target: Name<'_>| target.as_str() == name;
            let found = leads_to(&message, &header, at, &mut scratch, wanted);
            assert_eq!(found, expected, "{name}");
        }
        for end in 0..message.len() {
            leads_to(&message[..end], &header, at, &mut scratch, |_| false);
        }
    }
}
