//! The first thing a server says after a hello.

use super::{Dissection, MAJOR_VERSION, RECORD_ALERT, Reader, Short};

const ALERT_WARNING: u8 = 1;

/// What a server said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerReply {
    /// A fatal alert: the server, or something that speaks for it, refused.
    FatalAlert,
    /// Anything else: the server talks.
    Talk,
}

/// Reads the first bytes of a server's stream after the client's hello was seen.
/// A warning alert settles nothing: what follows it decides.
pub fn server_reply(stream: &[u8]) -> Dissection<ServerReply> {
    let mut reader = Reader::new(stream);
    loop {
        match reader.u8() {
            Err(Short) => return Dissection::NeedMore,
            Ok(RECORD_ALERT) => {}
            Ok(_) => return Dissection::Found(ServerReply::Talk),
        }
        let alert = (|| {
            let major = reader.u8()?;
            reader.u8()?;
            let body = reader.vec16()?.rest();
            Ok((major, body))
        })();
        match alert {
            Err(Short) => return Dissection::NeedMore,
            Ok((MAJOR_VERSION, &[ALERT_WARNING, _])) => {}
            Ok((MAJOR_VERSION, _)) => return Dissection::Found(ServerReply::FatalAlert),
            Ok(_) => return Dissection::Found(ServerReply::Talk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_replies() {
        let fatal = [21, 3, 3, 0, 2, 2, 40];
        for end in 0..fatal.len() {
            assert_eq!(server_reply(&fatal[..end]), Dissection::NeedMore);
        }
        assert_eq!(
            server_reply(&fatal),
            Dissection::Found(ServerReply::FatalAlert)
        );
        assert_eq!(server_reply(&[22]), Dissection::Found(ServerReply::Talk));
        assert_eq!(server_reply(b"HTTP"), Dissection::Found(ServerReply::Talk));
        let warning = [21, 3, 3, 0, 2, 1, 112];
        assert_eq!(server_reply(&warning), Dissection::NeedMore);
        let mut both = warning.to_vec();
        both.extend([22, 3, 3]);
        assert_eq!(server_reply(&both), Dissection::Found(ServerReply::Talk));
    }
}
