//! Sample flows in few bytes: as JSON they would be most of the store.
//!
//! A version (2); the number of texts, and each with its length; the number of samples, and each with its time, protocol,
//! both ends, the numbers of its pattern, pack, interface and User-Agent among the texts, and its VLAN. 255 is no text and
//! 65,535 no VLAN. Integers are little-endian. The samples of a row share their texts. Version 1 ended behind the pack.
//! What cannot be read is `None`: a damaged page, or a later version.

use std::net::IpAddr;
use std::sync::Arc;

use super::rolled_up::StoredSample;
use crate::model::{Endpoint, Protocol, Sample, Timestamp, WireText};

const VERSION: u8 = 2;
/// The version without interface, User-Agent and VLAN.
const WITHOUT_PLACE: u8 = 1;
const NO_TEXT: u8 = u8::MAX;
/// Numbers of VLANs have 12 bits.
const NO_VLAN: u16 = u16::MAX;
/// Longest text that is kept; patterns are at most a name long, digests 12 characters, interfaces 15. A
/// User-Agent is cut.
const MAX_TEXT: usize = 255;

/// The samples as bytes; none at all is the empty string of bytes.
pub(super) fn encode(samples: &[StoredSample]) -> Vec<u8> {
    if samples.is_empty() {
        return Vec::new();
    }
    let mut texts: Vec<&str> = Vec::new();
    let mut number = |text| {
        let at = texts.iter().position(|&known| known == text);
        let at = at.unwrap_or_else(|| {
            texts.push(text);
            texts.len() - 1
        });
        u8::try_from(at).unwrap_or(u8::MAX)
    };
    let mut body = Vec::new();
    // 8 samples have 32 texts at most, so every number fits.
    let samples = &samples[..samples.len().min(crate::model::MAX_SAMPLES)];
    for StoredSample { sample, pack } in samples {
        body.extend(sample.time.as_nanos().to_le_bytes());
        body.push(match sample.protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Esp => 50,
        });
        for end in [sample.client, sample.server] {
            let address = address_bytes(end.addr);
            body.push(u8::try_from(address.len()).unwrap_or_default());
            body.extend(address);
            body.extend(end.port.to_le_bytes());
        }
        body.extend([number(clipped(&sample.pattern)), number(clipped(pack))]);
        let interface = sample.interface.as_deref();
        let agent = sample.user_agent.as_ref().map(WireText::as_str);
        for text in [interface, agent] {
            body.push(text.map_or(NO_TEXT, |text| number(clipped(text))));
        }
        body.extend(sample.vlan.unwrap_or(NO_VLAN).to_le_bytes());
    }
    let mut bytes = vec![VERSION, u8::try_from(texts.len()).unwrap_or_default()];
    for text in texts {
        bytes.push(u8::try_from(text.len()).unwrap_or_default());
        bytes.extend(text.as_bytes());
    }
    bytes.push(u8::try_from(samples.len()).unwrap_or_default());
    bytes.extend(body);
    bytes
}

/// The samples that stand in these bytes.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<StoredSample>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut rest = bytes;
    let version = byte(&mut rest)?;
    if !(WITHOUT_PLACE..=VERSION).contains(&version) {
        return None;
    }
    let texts: Vec<Arc<str>> = (0..byte(&mut rest)?)
        .map(|_| {
            let length = usize::from(byte(&mut rest)?);
            let text = std::str::from_utf8(take(&mut rest, length)?).ok()?;
            Some(Arc::from(text))
        })
        .collect::<Option<_>>()?;
    let text = |at: u8| texts.get(usize::from(at)).cloned();
    // No text at all, or one that must be there.
    let optional = |at: u8| match at {
        NO_TEXT => Some(None),
        at => text(at).map(Some),
    };
    let samples = (0..byte(&mut rest)?)
        .map(|_| {
            let time = i64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?);
            let protocol = match byte(&mut rest)? {
                6 => Protocol::Tcp,
                17 => Protocol::Udp,
                50 => Protocol::Esp,
                _ => return None,
            };
            let mut sample = Sample {
                time: Timestamp::from_nanos(time),
                client: endpoint(&mut rest)?,
                server: endpoint(&mut rest)?,
                protocol,
                pattern: text(byte(&mut rest)?)?,
                interface: None,
                vlan: None,
                user_agent: None,
            };
            let pack = text(byte(&mut rest)?)?;
            if version > WITHOUT_PLACE {
                sample.interface = optional(byte(&mut rest)?)?;
                sample.user_agent =
                    optional(byte(&mut rest)?)?.and_then(|text| WireText::restored(&text));
                let vlan = u16::from_le_bytes(take(&mut rest, 2)?.try_into().ok()?);
                sample.vlan = (vlan != NO_VLAN).then_some(vlan);
            }
            Some(StoredSample { sample, pack })
        })
        .collect::<Option<_>>()?;
    rest.is_empty().then_some(samples)
}

/// An address as it stands in the store.
pub(super) fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The address that stands in these bytes.
pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

fn endpoint(rest: &mut &[u8]) -> Option<Endpoint> {
    let length = usize::from(byte(rest)?);
    let addr = address(take(rest, length)?)?;
    let port = u16::from_le_bytes(take(rest, 2)?.try_into().ok()?);
    Some(Endpoint { addr, port })
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1).map(|bytes| bytes[0])
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end() -> impl Strategy<Value = Endpoint> {
        let address = prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from)
        ];
        (address, any::<u16>()).prop_map(|(addr, port)| Endpoint { addr, port })
    }

    fn sample() -> impl Strategy<Value = StoredSample> {
        let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Esp]);
        let place = (
            prop::option::of("eth[01]"),
            prop::option::of(0..4096u16),
            prop::option::of(prop::collection::vec(any::<u8>(), 1..20)),
        );
        (
            any::<i64>(),
            end(),
            end(),
            protocol,
            "[a-c]{1,2}",
            "[0-9]",
            place,
        )
            .prop_map(
                |(time, client, server, protocol, pattern, pack, (interface, vlan, agent))| {
                    StoredSample {
                        sample: Sample {
                            time: Timestamp::from_nanos(time),
                            client,
                            server,
                            protocol,
                            pattern: Arc::from(pattern),
                            interface: interface.map(Arc::from),
                            vlan,
                            user_agent: agent.and_then(|agent| WireText::new(&agent)),
                        },
                        pack: Arc::from(pack),
                    }
                },
            )
    }

    #[test]
    fn samples_of_the_first_version_are_read() {
        let mut bytes = vec![1, 2, 1, b'a', 1, b'0', 1];
        bytes.extend(5i64.to_le_bytes());
        bytes.push(6);
        for (last, port) in [(1, 50_000u16), (2, 443)] {
            bytes.extend([4, 10, 0, 0, last]);
            bytes.extend(port.to_le_bytes());
        }
        bytes.extend([0, 1]);
        let samples = decode(&bytes).unwrap();
        assert_eq!((&*samples[0].sample.pattern, &*samples[0].pack), ("a", "0"));
        assert_eq!(samples[0].sample.interface, None);
        assert_eq!(samples[0].sample.vlan, None);
    }

    proptest! {
        #[test]
        fn samples_come_back_and_a_cut_is_noticed(samples in prop::collection::vec(sample(), 0..=8)) {
            let bytes = encode(&samples);
            prop_assert_eq!(decode(&bytes), Some(samples));
            for cut in 1..bytes.len() {
                prop_assert_eq!(decode(&bytes[..cut]), None);
            }
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }
    }
}
