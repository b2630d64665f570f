//! IPsec over UDP: IKE on port 500 and 4500 (RFC 7296, RFC 2408), ESP on 4500 (RFC 3948).

use crate::dissect::{Reader, Short};

const PORT_IKE: u16 = 500;
const PORT_NAT: u16 = 4500;

/// RFC 3948, section 2.2: in front of IKE on port 4500, where an SPI would stand.
const NON_ESP_MARKER: [u8; 4] = [0; 4];
/// RFC 3948, section 2.3: all of a keepalive.
const KEEPALIVE: [u8; 1] = [0xff];

const IKE_HEADER_LEN: usize = 28;
const VERSION_1: u8 = 0x10;
const VERSION_2: u8 = 0x20;

/// RFC 4303, section 2.1: lower SPIs are reserved.
const MIN_SPI: u32 = 256;
/// SPI, sequence number, a block of data, and the shortest check value.
const MIN_ESP_LEN: usize = 4 + 4 + 8 + 12;
/// RFC 4303, section 2.4: what is encrypted ends on a multiple of this; so do all check values.
const ESP_UNIT: usize = 4;

/// Whether it keeps a hole in an address translator open.
pub(super) fn is_keepalive(datagram: &[u8], wire_len: usize, ports: [u16; 2]) -> bool {
    ports.contains(&PORT_NAT) && wire_len == KEEPALIVE.len() && datagram == KEEPALIVE
}

/// Whether it is IKE, or ESP.
pub(super) fn fits(datagram: &[u8], wire_len: usize, ports: [u16; 2]) -> bool {
    if ports.contains(&PORT_IKE) && is_ike(datagram, wire_len) {
        return true;
    }
    if !ports.contains(&PORT_NAT) {
        return false;
    }
    if let Some(message) = datagram.strip_prefix(&NON_ESP_MARKER) {
        return is_ike(message, wire_len - NON_ESP_MARKER.len());
    }
    // ESP looks like any random bytes, so both ends must use the port. A client behind a translator is known by its IKE,
    // which goes the same way first.
    ports == [PORT_NAT; 2] && is_esp(datagram, wire_len)
}

/// RFC 7296, section 3.1, and RFC 2408, section 3.1.
fn is_ike(message: &[u8], wire_len: usize) -> bool {
    ike_header(message).is_ok_and(|len| len == wire_len && len >= IKE_HEADER_LEN)
}

/// The length that a header of IKE claims.
fn ike_header(message: &[u8]) -> Result<usize, Short> {
    let mut header = Reader::new(message);
    let initiator = header.take(8)?;
    header.take(8)?; // the responder's SPI, zero at first
    let [payload, version, exchange, flags] =
        [header.u8()?, header.u8()?, header.u8()?, header.u8()?];
    header.take(4)?; // message id
    let [high, low] = [header.u16()?, header.u16()?];
    let known = match version {
        // Exchanges of RFC 2408, section 3.1, and RFC 2409, appendix A: up to informational, quick mode, new group.
        VERSION_1 => matches!(exchange, 1..=5 | 32 | 33) && flags & !0x07 == 0,
        // Exchanges: IANA's registry, up to IKE_FOLLOWUP_KE; flags: initiator, version, response. A first payload of 0 is
        // none; the numbers below 33 are version 1's.
        VERSION_2 => {
            matches!(exchange, 34..=44) && flags & !0x38 == 0 && matches!(payload, 0 | 33..=127)
        }
        _ => false,
    };
    if !known || initiator == [0; 8] {
        return Err(Short);
    }
    Ok(usize::from(high) << 16 | usize::from(low))
}

/// RFC 4303, section 2.
fn is_esp(datagram: &[u8], wire_len: usize) -> bool {
    // Even between these two ports, a plain header of RTP (RFC 3550, section 5.1) is not taken for an SPI.
    if matches!(datagram.first(), Some(0x80 | 0x90)) {
        return false;
    }
    let Some((&[a, b, c, d, e, f, g, h], _)) = datagram.split_first_chunk() else {
        return false;
    };
    let spi = u32::from_be_bytes([a, b, c, d]);
    let sequence = u32::from_be_bytes([e, f, g, h]);
    spi >= MIN_SPI && sequence != 0 && wire_len >= MIN_ESP_LEN && wire_len.is_multiple_of(ESP_UNIT)
}

#[cfg(test)]
mod tests {
    use super::super::{Vpn, tunnel};

    fn ike(version: u8, exchange: u8, flags: u8, payload: u8, len: u32) -> Vec<u8> {
        let mut message = vec![0xa1; 8];
        message.extend([0; 8]);
        message.extend([payload, version, exchange, flags]);
        message.extend([0; 4]);
        message.extend(len.to_be_bytes());
        message.resize(len as usize, 0x5a);
        message
    }

    fn is_ipsec(datagram: &[u8], src: u16, dst: u16) -> bool {
        tunnel(datagram, datagram.len(), src, dst) == Some(Vpn::IpSec)
    }

    #[test]
    fn ike_is_known_on_its_ports() {
        for message in [
            ike(0x20, 34, 0x08, 33, 464), // IKE_SA_INIT
            ike(0x20, 35, 0x20, 46, 240), // IKE_AUTH, the response
            ike(0x20, 37, 0x08, 0, 28),
            ike(0x10, 2, 0, 1, 300), // main mode
            ike(0x10, 32, 1, 8, 156),
        ] {
            assert!(is_ipsec(&message, 500, 500));
            assert!(is_ipsec(&message, 40000, 500));
            assert!(!is_ipsec(&message, 40000, 501));
            let marked = [&[0; 4][..], &message].concat();
            assert!(is_ipsec(&marked, 4500, 40000));
            assert!(!is_ipsec(&marked, 500, 40000));
            // Cut behind the header.
            let cut = tunnel(&message[..28], message.len(), 500, 500);
            assert_eq!(cut, Some(Vpn::IpSec));
            for end in 0..28 {
                assert_eq!(tunnel(&message[..end], message.len(), 500, 500), None);
            }
            assert_eq!(tunnel(&message, message.len() + 1, 500, 500), None);
        }
    }

    #[test]
    fn headers_that_do_not_fit_are_no_ike() {
        let mut nobody = ike(0x20, 34, 0x08, 33, 464);
        nobody[..8].fill(0);
        for message in [
            nobody,
            ike(0x30, 34, 0x08, 33, 464),
            ike(0x20, 33, 0x08, 33, 464),
            ike(0x20, 34, 0x48, 33, 464),
            ike(0x20, 34, 0x08, 1, 464),
            ike(0x10, 34, 0, 1, 464),
            ike(0x10, 2, 8, 1, 464),
        ] {
            assert!(!is_ipsec(&message, 500, 500));
        }
    }

    #[test]
    fn esp_is_known_between_two_of_its_ports() {
        let esp = [&[0xc1, 2, 3, 4, 0, 0, 0, 9][..], &[0x5a; 92]].concat();
        assert!(is_ipsec(&esp, 4500, 4500));
        assert!(!is_ipsec(&esp, 40000, 4500));
        assert_eq!(tunnel(&esp, 101, 4500, 4500), None);
        assert!(!is_ipsec(&esp[..24], 4500, 4500));
        let reserved = [&[0, 0, 0, 9][..], &esp[4..]].concat();
        assert!(!is_ipsec(&reserved, 4500, 4500));
    }

    #[test]
    fn a_keepalive_is_one_byte() {
        assert!(is_ipsec(&[0xff], 4500, 40000));
        assert!(!is_ipsec(&[0xff], 500, 40000));
        assert!(!is_ipsec(&[0xfe], 4500, 4500));
        assert_eq!(tunnel(&[0xff], 9, 4500, 4500), None);
    }
}
