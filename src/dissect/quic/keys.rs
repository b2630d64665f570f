//! Keys of Initial packets. Anybody who saw the client's first connection id can derive them (RFC 9001, section 5.2);
//! they keep nothing secret, but a packet that opens was made for this connection and is whole.

use std::fmt;

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;

use super::versions::Version;

const CLIENT_LABEL: &[u8] = b"\0\x20\x0ftls13 client in\0";
const SERVER_LABEL: &[u8] = b"\0\x20\x0ftls13 server in\0";
/// The sample starts as if the packet number had its greatest length (RFC 9001, section 5.4.2).
const MAX_NUMBER_LEN: usize = 4;
const SAMPLE_LEN: usize = 16;

/// Whose packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// Keys for the Initial packets of one side.
pub(super) struct InitialKeys {
    header: quic::HeaderProtectionKey,
    payload: LessSafeKey,
    iv: [u8; aead::NONCE_LEN],
}

/// An opened packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened<'s> {
    pub(super) number: u64,
    pub(super) frames: &'s [u8],
}

impl InitialKeys {
    /// Derives the keys from the connection id to which the client's first Initial went (its first after a Retry).
    /// `None` cannot happen: the labels have lengths that HKDF allows.
    pub(super) fn derive(version: Version, first_id: &[u8], sender: Sender) -> Option<Self> {
        let secret = secret(version, first_id, sender)?;
        let labels = version.labels();
        let mut iv = [0; aead::NONCE_LEN];
        secret
            .expand(&[labels.iv], Len(iv.len()))
            .and_then(|okm| okm.fill(&mut iv))
            .ok()?;
        let payload: UnboundKey = secret
            .expand(&[labels.key], &aead::AES_128_GCM)
            .ok()?
            .into();
        let header = secret.expand(&[labels.header], &quic::AES_128).ok()?.into();
        Some(Self {
            header,
            payload: LessSafeKey::new(payload),
            iv,
        })
    }

    /// Removes header protection and decrypts in `scratch` (RFC 9001, sections 5.3 and 5.4); `None` where the packet
    /// does not authenticate. `largest` is the largest packet number opened so far.
    pub(super) fn open<'s>(
        &self,
        packet: &[u8],
        number_at: usize,
        largest: Option<u64>,
        scratch: &'s mut Vec<u8>,
    ) -> Option<Opened<'s>> {
        let sample_at = number_at + MAX_NUMBER_LEN;
        let sample = packet.get(sample_at..sample_at + SAMPLE_LEN)?;
        let mask = self.header.new_mask(sample).ok()?;
        scratch.clear();
        scratch.extend_from_slice(packet);
        let first = scratch.first_mut()?;
        *first ^= mask[0] & 0x0f;
        let number_len = usize::from(*first & 3) + 1;
        let (header, sealed) = scratch.split_at_mut_checked(number_at + number_len)?;
        let mut sent = 0;
        for (byte, mask) in header[number_at..].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
            sent = sent << 8 | u64::from(*byte);
        }
        let number = whole_number(sent, number_len, largest);
        let frames = self
            .payload
            .open_in_place(self.nonce(number), Aad::from(&*header), sealed)
            .ok()?;
        Some(Opened { number, frames })
    }

    /// Protects a packet whose header ends with `number_len` bytes of packet number.
    #[cfg(test)]
    pub(super) fn seal(
        &self,
        header: &[u8],
        number: u64,
        number_len: usize,
        frames: &[u8],
    ) -> Vec<u8> {
        let mut sealed = frames.to_vec();
        let tag = self
            .payload
            .seal_in_place_separate_tag(self.nonce(number), Aad::from(header), &mut sealed)
            .unwrap();
        sealed.extend(tag.as_ref());
        let number_at = header.len() - number_len;
        let mut packet = header.to_vec();
        packet.extend(sealed);
        let sample_at = number_at + MAX_NUMBER_LEN;
        let mask = self
            .header
            .new_mask(&packet[sample_at..sample_at + SAMPLE_LEN])
            .unwrap();
        packet[0] ^= mask[0] & 0x0f;
        for (byte, mask) in packet[number_at..header.len()].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        packet
    }

    /// RFC 9001, section 5.3.
    fn nonce(&self, number: u64) -> Nonce {
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= number;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

impl fmt::Debug for InitialKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitialKeys").finish_non_exhaustive()
    }
}

/// The secret from which one side's keys are expanded.
pub(super) fn secret(version: Version, first_id: &[u8], sender: Sender) -> Option<hkdf::Prk> {
    let label = match sender {
        Sender::Client => CLIENT_LABEL,
        Sender::Server => SERVER_LABEL,
    };
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, version.salt());
    let initial = salt.extract(first_id);
    Some(initial.expand(&[label], hkdf::HKDF_SHA256).ok()?.into())
}

/// Bytes to expand that are no key of `ring`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Len(pub(super) usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// The packet number nearest to the one expected that ends in what was sent (RFC 9000, appendix A.3).
pub(super) fn whole_number(sent: u64, len: usize, largest: Option<u64>) -> u64 {
    let window = 1u64 << (8 * len);
    let expected = largest.map_or(0, |largest| largest.saturating_add(1));
    let candidate = expected & !(window - 1) | sent;
    if candidate.saturating_add(window / 2) <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}
