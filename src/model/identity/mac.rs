//! Hardware addresses of Ethernet.

use std::fmt;
use std::str::FromStr;

/// A MAC address (IEEE 802, 48 bits).
///
/// Any six bytes are one: groups of receivers have addresses too, and a sender may write what it likes. Whoever wants the
/// address of a device takes [`Mac::of_device`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The address with these bytes, in the order in which they stand on the wire.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The address of one device, if these bytes can be one: six of them, not all zero, no group's.
    pub fn of_device(bytes: &[u8]) -> Option<Self> {
        let mac = Self(bytes.try_into().ok()?);
        (!mac.is_multicast() && mac.0 != [0; 6]).then_some(mac)
    }

    /// Its bytes, in the order in which they stand on the wire.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether somebody chose it, instead of the maker of the device: virtual machines, and phones that change their
    /// address from network to network.
    pub const fn is_locally_administered(self) -> bool {
        self.0[0] & 0x02 != 0
    }

    /// Whether it stands for a group of receivers; broadcast too. Never a sender's.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 0x01 != 0
    }
}

impl fmt::Display for Mac {
    /// `aa:bb:cc:dd:ee:ff`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Mac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is no MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no MAC address; write it as aa:bb:cc:dd:ee:ff, aa-bb-cc-dd-ee-ff or aabb.ccdd.eeff")]
pub struct MacError;

impl FromStr for Mac {
    type Err = MacError;

    /// Reads the three forms that operating systems and switches write, in either case.
    fn from_str(text: &str) -> Result<Self, MacError> {
        let (separator, digits) = match text.len() {
            17 if text.contains(':') => (':', 2),
            17 => ('-', 2),
            14 => ('.', 4),
            _ => return Err(MacError),
        };
        let mut hex = String::with_capacity(12);
        for group in text.split(separator) {
            let is_right = group.len() == digits && group.bytes().all(|it| it.is_ascii_hexdigit());
            if !is_right {
                return Err(MacError);
            }
            hex.push_str(group);
        }
        let number = u64::from_str_radix(&hex, 16).map_err(|_| MacError)?;
        let [0, 0, octets @ ..] = number.to_be_bytes() else {
            return Err(MacError);
        };
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_forms_are_read() {
        let mac = Mac::new([0x02, 0xab, 0, 0, 0x5e, 0xff]);
        for text in ["02:ab:00:00:5e:ff", "02-AB-00-00-5E-FF", "02ab.0000.5eFF"] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        for text in [
            "",
            "02:ab:00:00:5e",
            "02:ab:00:00:5e:f",
            "02:ab:00:00:5e:fg",
            "02:ab:00:00:5e-ff",
            "02:ab:00:00:5e:ff:00",
            "02ab:0000:5eff",
            "2:ab:00:00:5e:fff",
            "+2:ab:00:00:5e:ff",
            "02ab.0000.5éf",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(MacError), "{text}");
        }
    }

    #[test]
    fn who_gave_it_and_to_whom() {
        let of = |first| Mac::new([first, 0, 0, 0, 0, 1]);
        assert!(of(2).is_locally_administered() && !of(2).is_multicast());
        assert!(of(1).is_multicast() && !of(1).is_locally_administered());
        assert_eq!(Mac::of_device(&[0, 0, 0, 0, 0, 1]), Some(of(0)));
        assert_eq!(Mac::of_device(&[0; 6]), None);
        assert_eq!(Mac::of_device(&[0xff; 6]), None);
        assert_eq!(Mac::of_device(&[2; 8]), None);
    }

    proptest! {
        #[test]
        fn text_is_read_back(octets in any::<[u8; 6]>(), any in "\\PC{0,20}") {
            let mac = Mac::new(octets);
            prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            prop_assert_eq!(mac.to_string().to_uppercase().replace(':', "-").parse(), Ok(mac));
            let _ = any.parse::<Mac>();
        }
    }
}
