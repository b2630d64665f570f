//! What comes next in one direction of a TCP flow, and what its bytes say.

use super::answer::{Heard, Said};
use super::reading::Piece;
use crate::dissect::http::{self, Body, Request};
use crate::dissect::tls::{self, ClientHello};
use crate::dissect::{Dissection, dns, vpn};
use crate::flows::Step;
use crate::model::Signal;

/// Client bytes that are looked through for a late hello: greetings and log-ins before STARTTLS are far shorter.
const MAX_BEFORE_HELLO: u64 = 16 * 1024;

/// Something that was read.
#[derive(Debug)]
pub(super) enum Words {
    /// A ClientHello; `late` where the client had said something else before.
    Hello { hello: ClientHello, late: bool },
    /// An HTTP request.
    Request(Request),
    /// A DNS message.
    Dns(Vec<u8>),
    /// The start of a tunnel whose inside is encrypted.
    Tunnel,
    /// What a server said to a hello or a request without a name.
    Answer(Said),
    /// A hello or a request was begun, and is longer than what is read.
    Lost,
}

/// What comes next in a direction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Expects {
    /// A hello, a request or a DNS message: nothing was read yet, or what a CONNECT carries begins.
    #[default]
    FirstWords,
    /// Perhaps a hello, behind something else; so many bytes of that were passed.
    LateHello { passed: u64 },
    /// A request, behind an earlier one.
    Request,
    /// A request somewhere: where the last one ended is not known.
    AnyRequest,
    /// A chunk of a request's body.
    Chunk,
    /// A DNS message behind an earlier one.
    DnsMessage,
    /// What a server says first to a hello or a request that named nobody.
    Answer(Signal),
    /// Nothing that is read.
    Nothing,
}

impl Expects {
    /// Reads the bytes at the stream's position.
    pub(super) fn read(&mut self, bytes: &[u8], piece: Piece<'_>, words: &mut Vec<Words>) -> Step {
        match self {
            Self::FirstWords => self.first_words(bytes, piece, words),
            Self::LateHello { passed } => match late_hello(bytes) {
                Late::Found(hello) => {
                    words.push(Words::Hello { hello, late: true });
                    self.stop()
                }
                Late::More => Step::More,
                Late::Pass(count) => {
                    *passed += count;
                    if *passed > MAX_BEFORE_HELLO {
                        self.stop()
                    } else {
                        Step::Take(count)
                    }
                }
            },
            Self::Request | Self::AnyRequest => self.request(bytes, words),
            Self::Chunk => match http::chunk(bytes) {
                Dissection::Found((len, last)) => {
                    if last {
                        *self = Self::Request;
                    }
                    Step::Take(len)
                }
                Dissection::NeedMore => Step::More,
                Dissection::NotThis => self.look_for_requests(bytes),
            },
            Self::DnsMessage => self
                .dns_message(bytes, words)
                .unwrap_or_else(|| self.stop()),
            Self::Answer(signal) => match Said::read(*signal, false, bytes, &[]) {
                Dissection::NeedMore => Step::More,
                Dissection::Found(Heard::Interim(len)) => Step::Take(len),
                Dissection::Found(Heard::Said(said)) => {
                    words.push(Words::Answer(said));
                    self.stop()
                }
                Dissection::NotThis => self.stop(),
            },
            Self::Nothing => Step::Stop,
        }
    }

    fn first_words(&mut self, bytes: &[u8], piece: Piece<'_>, words: &mut Vec<Words>) -> Step {
        match tls::client_hello(bytes) {
            Dissection::Found(hello) => {
                words.push(Words::Hello { hello, late: false });
                return self.stop();
            }
            Dissection::NeedMore => return Step::More,
            Dissection::NotThis => {}
        }
        if piece.dns
            && let Some(step) = self.dns_message(bytes, words)
        {
            return step;
        }
        match http::request(bytes) {
            Dissection::Found(request) => self.behind(request, words),
            Dissection::NeedMore => Step::More,
            Dissection::NotThis if piece.may_be_client => match vpn::openvpn_stream(bytes) {
                Dissection::Found(()) => {
                    words.push(Words::Tunnel);
                    self.stop()
                }
                Dissection::NeedMore => Step::More,
                Dissection::NotThis => {
                    if bytes.starts_with(&tls::RECORD_START) {
                        words.push(Words::Lost);
                    }
                    *self = Self::LateHello { passed: 0 };
                    Step::Take(0)
                }
            },
            Dissection::NotThis => self.stop(),
        }
    }

    fn dns_message(&mut self, bytes: &[u8], words: &mut Vec<Words>) -> Option<Step> {
        match dns::stream_message(bytes) {
            Dissection::Found(framed) => {
                words.push(Words::Dns(framed.message.to_vec()));
                *self = Self::DnsMessage;
                Some(Step::Take(framed.whole_len as u64))
            }
            Dissection::NeedMore => Some(Step::More),
            Dissection::NotThis => None,
        }
    }

    fn request(&mut self, bytes: &[u8], words: &mut Vec<Words>) -> Step {
        if *self == Self::AnyRequest
            && let Some(passed) = to_next_request(bytes)
        {
            return Step::Take(passed);
        }
        match http::request(bytes) {
            Dissection::Found(request) => self.behind(request, words),
            Dissection::NeedMore => Step::More,
            Dissection::NotThis => self.look_for_requests(bytes),
        }
    }

    /// Goes on with the next line that begins like a request, wherever that is.
    fn look_for_requests(&mut self, bytes: &[u8]) -> Step {
        *self = Self::AnyRequest;
        let line = bytes.iter().position(|&byte| byte == b'\n');
        Step::Take(line.map_or(bytes.len(), |at| at + 1) as u64)
    }

    /// Goes to where the next thing starts behind a request.
    fn behind(&mut self, request: Request, words: &mut Vec<Words>) -> Step {
        let head = request.len as u64;
        let (next, skip) = match request.body {
            _ if request.connect => (Self::FirstWords, head),
            Body::Length(len) => (Self::Request, head.saturating_add(len)),
            Body::Chunked => (Self::Chunk, head),
            Body::Unknown => (Self::AnyRequest, head),
        };
        *self = next;
        words.push(Words::Request(request));
        Step::Take(skip)
    }

    /// Reads what is there of something that the snap length cut.
    pub(super) fn read_cut(&mut self, held: &[u8], words: &mut Vec<Words>) {
        let hello = matches!(self, Self::FirstWords | Self::LateHello { .. });
        let request = matches!(self, Self::FirstWords | Self::Request | Self::AnyRequest);
        let with_name = |hello: &ClientHello| hello.server_name.is_some();
        if hello && let Some(found) = tls::cut_client_hello(held).filter(with_name) {
            let late = *self != Self::FirstWords;
            words.push(Words::Hello { hello: found, late });
            *self = Self::Nothing;
        } else if request && let Some(found) = http::cut_request(held) {
            words.push(Words::Request(found));
            *self = Self::AnyRequest;
        }
    }

    fn stop(&mut self) -> Step {
        *self = Self::Nothing;
        Step::Stop
    }
}

/// How many bytes to pass to the next line that begins like a request; `None` where one stands at the front.
fn to_next_request(bytes: &[u8]) -> Option<u64> {
    if http::starts_request(bytes) {
        return None;
    }
    let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut starts = lines.map(|(at, _)| at + 1);
    let start = starts.find(|&start| http::starts_request(&bytes[start..]));
    Some(start.unwrap_or(bytes.len()) as u64)
}

enum Late {
    Found(ClientHello),
    More,
    Pass(u64),
}

/// Looks for a hello behind something else.
fn late_hello(bytes: &[u8]) -> Late {
    match tls::find_client_hello(bytes) {
        None => Late::Pass(bytes.len() as u64),
        Some(0) => match tls::client_hello(bytes) {
            Dissection::Found(hello) => Late::Found(hello),
            Dissection::NeedMore => Late::More,
            Dissection::NotThis => Late::Pass(1),
        },
        Some(at) => Late::Pass(at as u64),
    }
}
