//! What a server said first after a name was asked for.

use crate::dissect::tls::{self, ServerReply};
use crate::dissect::{Dissection, http};
use crate::model::{ReplyKind, Signal};

/// What a server said, for the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It talks.
    Talk,
    /// It, or something that speaks for it, refused.
    Refusal(ReplyKind),
    /// Something on the way says that it had no answer, or may be saying that: nobody knows whether the server was reached.
    Unclear,
}

/// A piece of a server's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// This is what it said.
    Said(Said),
    /// So many bytes say nothing yet (100 Continue and its like).
    Interim(u64),
}

impl Said {
    /// Reads the first bytes of an answer to a name of this signal. HTTP 403, 451 and 511 block, and so does a redirect to a
    /// configured block page; a proxy refuses CONNECT by anything but 2xx. A server that speaks something else speaks.
    ///
    /// 502 and 504 are a gateway's, which got nothing usable from behind it (RFC 9110, sections 15.6.3 and 15.6.5), and it may
    /// be one in the client's own network. `absolute`: the request was for a proxy; of any error of a server (5xx) to it nobody
    /// knows whose it is: common proxies say 503 where they reach nobody.
    pub(super) fn read(
        signal: Signal,
        absolute: bool,
        stream: &[u8],
        block_pages: &[String],
    ) -> Dissection<Heard> {
        match signal {
            Signal::Http | Signal::Connect => {
                Self::read_http(signal, absolute, stream, block_pages)
            }
            _ => match tls::server_reply(stream) {
                Dissection::NeedMore => Dissection::NeedMore,
                Dissection::Found(ServerReply::FatalAlert) => {
                    Dissection::Found(Heard::Said(Self::Refusal(ReplyKind::TlsAlert)))
                }
                _ => Dissection::Found(Heard::Said(Self::Talk)),
            },
        }
    }

    fn read_http(
        signal: Signal,
        absolute: bool,
        stream: &[u8],
        block_pages: &[String],
    ) -> Dissection<Heard> {
        let code = match http::status(stream) {
            Dissection::NeedMore => return Dissection::NeedMore,
            Dissection::NotThis => return Dissection::Found(Heard::Said(Self::Talk)),
            Dissection::Found(code) => code,
        };
        let said = match (signal, code) {
            (_, 100 | 102..200) => {
                return match http::response(stream) {
                    Dissection::Found(head) => Dissection::Found(Heard::Interim(head.len as u64)),
                    Dissection::NeedMore => Dissection::NeedMore,
                    Dissection::NotThis => Dissection::Found(Heard::Said(Self::Talk)),
                };
            }
            (Signal::Connect, 200..300) => Self::Talk,
            (Signal::Connect, _) => Self::Refusal(ReplyKind::ProxyRefusal),
            // A proxy asks who is there (407), or the network does (511): the server was not reached.
            (_, 407) => Self::Refusal(ReplyKind::ProxyRefusal),
            // Before the other 5xx: this one is of the network by its meaning.
            (_, 403 | 451 | 511) => Self::Refusal(ReplyKind::HttpBlock),
            (_, 502 | 504) => Self::Unclear,
            (_, 500..600) if absolute => Self::Unclear,
            (_, 300..400) if !block_pages.is_empty() => match http::response(stream) {
                Dissection::NeedMore => return Dissection::NeedMore,
                Dissection::Found(head) if leads_to(&head, block_pages) => {
                    Self::Refusal(ReplyKind::HttpBlock)
                }
                _ => Self::Talk,
            },
            _ => Self::Talk,
        };
        Dissection::Found(Heard::Said(said))
    }
}

fn leads_to(head: &http::Response, block_pages: &[String]) -> bool {
    head.location.as_ref().is_some_and(|host| {
        let mut pages = block_pages.iter();
        pages.any(|page| page.as_bytes().eq_ignore_ascii_case(host))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say() {
        use ReplyKind::{HttpBlock, ProxyRefusal, TlsAlert};
        use Signal::{Connect, Http, Tls};
        let talk = Dissection::Found(Heard::Said(Said::Talk));
        let refusal = |kind| Dissection::Found(Heard::Said(Said::Refusal(kind)));
        let moved = b"HTTP/1.1 302 Found\r\nLocation: https://Block.example/why\r\n\r\n";
        let moved_on = b"HTTP/1.1 302 Found\r\nLocation: https://www.example/\r\n\r\n";
        for (signal, bytes, expected) in [
            (Http, &b"HTTP/1.1 20"[..], Dissection::NeedMore),
            (
                Http,
                b"HTTP/1.1 200",
                Dissection::Found(Heard::Said(Said::Talk)),
            ),
            (Http, b"HTTP/1.1 451", refusal(HttpBlock)),
            (Http, b"HTTP/1.1 511", refusal(HttpBlock)),
            (Http, b"HTTP/1.1 407", refusal(ProxyRefusal)),
            (
                Http,
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403",
                Dissection::Found(Heard::Interim(25)),
            ),
            (Http, b"HTTP/1.1 101 Switching Protocols\r\n", talk),
            (Http, &moved[..40], Dissection::NeedMore),
            (Http, moved, refusal(HttpBlock)),
            (Http, moved_on, Dissection::Found(Heard::Said(Said::Talk))),
            (
                Http,
                b"220 mail",
                Dissection::Found(Heard::Said(Said::Talk)),
            ),
            (
                Connect,
                b"HTTP/1.1 200",
                Dissection::Found(Heard::Said(Said::Talk)),
            ),
            (Connect, b"HTTP/1.1 407", refusal(ProxyRefusal)),
            (Tls, &[21, 3, 3, 0, 2, 2, 40], refusal(TlsAlert)),
            (Tls, &[22, 3, 3], Dissection::Found(Heard::Said(Said::Talk))),
        ] {
            let heard = Said::read(signal, false, bytes, &["block.example".to_owned()]);
            assert_eq!(heard, expected, "{signal} {bytes:?}");
        }
        // Where no block page is configured, a redirect is an answer like any other.
        let heard = Said::read(Http, false, &moved[..12], &[]);
        assert_eq!(heard, Dissection::Found(Heard::Said(Said::Talk)));
    }

    #[test]
    fn what_gateways_say() {
        use Signal::{Connect, Http};
        let refused = |kind| Said::Refusal(kind);
        for (signal, absolute, code, expected) in [
            (Http, false, 500, Said::Talk),
            (Http, false, 503, Said::Talk),
            (Http, false, 502, Said::Unclear),
            (Http, false, 504, Said::Unclear),
            (Http, true, 500, Said::Unclear),
            (Http, true, 503, Said::Unclear),
            (Http, true, 511, refused(ReplyKind::HttpBlock)),
            (Http, true, 404, Said::Talk),
            (Connect, false, 503, refused(ReplyKind::ProxyRefusal)),
        ] {
            let heard = Said::read(
                signal,
                absolute,
                format!("HTTP/1.1 {code} x").as_bytes(),
                &[],
            );
            let case = format!("{signal} {absolute} {code}");
            assert_eq!(heard, Dissection::Found(Heard::Said(expected)), "{case}");
        }
    }
}
