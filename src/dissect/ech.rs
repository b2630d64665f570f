//! Encrypted ClientHello: the names that stand in for hidden ones (RFC 9849, section 4).
//!
//! A client that hides the name of a server puts the public name of the server's ECHConfig into the outer hello. DNS
//! gives both in one record (the parameter `ech` of HTTPS and SVCB, RFC 9848), so that a hello with that outer name can
//! be told from one that asks for the public name itself.

use super::{Reader, Short};
use crate::model::{DomainName, NameBuf};

/// The one version there is; others have contents of another form.
const VERSION: u16 = 0xfe0d;

/// Configs read in one list. A server publishes one for each key it still accepts: one to three.
const MAX_CONFIGS: usize = 16;

/// The public names of an ECHConfigList, each once, in order. Configs of other versions, and names that no client would
/// use, are passed over; a list that lies gives what stands before the lie.
pub fn public_names(list: &[u8]) -> Vec<DomainName> {
    let mut names: Vec<DomainName> = Vec::new();
    let mut scratch = NameBuf::default();
    let Ok(mut configs) = Reader::new(list).vec16() else {
        return names;
    };
    for _ in 0..MAX_CONFIGS {
        let Ok((version, contents)) = config(&mut configs) else {
            break;
        };
        if version != VERSION {
            continue;
        }
        let Ok(name) = public_name(contents) else {
            break;
        };
        if !is_host_name(name) {
            continue;
        }
        if let Ok(name) = scratch.set_host(name)
            && !names.iter().any(|known| known.as_name() == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// One ECHConfig: its version and its contents.
fn config<'a>(configs: &mut Reader<'a>) -> Result<(u16, Reader<'a>), Short> {
    Ok((configs.u16()?, configs.vec16()?))
}

/// The public name in ECHConfigContents; all of them must be there.
fn public_name(mut contents: Reader<'_>) -> Result<&[u8], Short> {
    contents.u8()?; // config id
    contents.u16()?; // KEM
    contents.vec16()?; // public key
    contents.vec16()?; // cipher suites
    contents.u8()?; // longest name behind it
    let name = contents.vec8()?;
    contents.vec16()?; // extensions
    Ok(name.rest())
}

/// RFC 9849, section 4: clients ignore a config whose public name is not dot-separated letters, digits and hyphens, or
/// whose last label makes it look like an IPv4 address.
fn is_host_name(name: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let ends = [label.first(), label.last()];
        (1..=63).contains(&label.len()) && label.iter().all(inner) && !ends.contains(&Some(&b'-'))
    };
    let is_number = |label: &[u8]| {
        let hex = label.strip_prefix(b"0x").or(label.strip_prefix(b"0X"));
        label.iter().all(u8::is_ascii_digit)
            || hex.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let mut labels = name.split(|&byte| byte == b'.');
    labels.clone().all(is_label) && labels.next_back().is_some_and(|last| !is_number(last))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_len(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
    }

    fn config_bytes(version: u16, name: &[u8]) -> Vec<u8> {
        let mut contents = vec![7, 0, 0x20]; // X25519
        contents.extend(with_len(&[9; 32]));
        contents.extend(with_len(&[0, 1, 0, 1]));
        contents.extend([0, name.len() as u8]);
        contents.extend(name);
        contents.extend(with_len(&[]));
        [&version.to_be_bytes()[..], &with_len(&contents)].concat()
    }

    /// An ECHConfigList with these public names.
    pub(in crate::dissect) fn list(names: &[&str]) -> Vec<u8> {
        let configs = names
            .iter()
            .map(|name| config_bytes(VERSION, name.as_bytes()));
        with_len(&configs.collect::<Vec<_>>().concat())
    }

    fn names(list: &[u8]) -> Vec<String> {
        public_names(list).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_of_a_list() {
        let bytes = list(&["Cloudflare-ECH.com", "a.example", "cloudflare-ech.com"]);
        assert_eq!(names(&bytes), ["cloudflare-ech.com", "a.example"]);
        assert_eq!(names(&list(&[])), [""; 0]);
    }

    /// Byte by byte, with lengths as a large provider publishes them; only the key is made up.
    #[test]
    fn a_list_written_out() {
        let mut bytes = b"\x00\x45\xfe\x0d\x00\x41\x20\x00\x20\x00\x20".to_vec();
        bytes.extend([0x5a; 32]);
        bytes.extend(b"\x00\x04\x00\x01\x00\x01\x00\x12cloudflare-ech.com\x00\x00");
        assert_eq!(names(&bytes), ["cloudflare-ech.com"]);
    }

    #[test]
    fn other_versions_are_passed_over() {
        let draft = [0xfe, 0x0a, 0, 2, 1, 2];
        let configs = [&draft[..], &config_bytes(VERSION, b"a.example")].concat();
        assert_eq!(names(&with_len(&configs)), ["a.example"]);
    }

    #[test]
    fn names_that_no_client_would_use_are_none() {
        for name in [
            "",
            ".",
            "a..b",
            "a.example.",
            "-a.example",
            "a_b.example",
            "192.0.2.1",
            "a.0x1f",
            "a b",
        ] {
            assert_eq!(names(&list(&[name, "b.example"])), ["b.example"], "{name}");
        }
    }

    #[test]
    fn every_prefix_keeps_what_is_whole() {
        let bytes = list(&["a.example", "b.example"]);
        // The list's own length is part of it, so a cut list says nothing.
        for end in 0..bytes.len() {
            assert_eq!(names(&bytes[..end]), [""; 0]);
        }
        let mut lie = bytes;
        let second = lie.len() / 2 + 1;
        lie[second + 2] = 0xff; // the second config is longer than the list
        assert_eq!(names(&lie), ["a.example"]);
    }

    #[test]
    fn work_is_bounded() {
        let many: Vec<String> = (0..900).map(|at| format!("h{at}.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(names(&list(&many)).len(), MAX_CONFIGS);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            public_names(&bytes);
            public_names(&with_len(&bytes));
        }

        #[test]
        fn a_changed_list_is_read_without_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = list(&["a.example", "b.example"]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            prop_assert!(public_names(&bytes).len() <= 2);
        }
    }
}
