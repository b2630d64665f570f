//! Names that lead to this machine and are not its own.
//!
//! A web page from elsewhere may give its own name an address of this machine (DNS rebinding) and then read, in the browser of
//! whoever looks at it, what is served to this machine only. The browser sends that name as `Host`. An address cannot be
//! given to another, and `localhost` leads nowhere else (RFC 6761, section 6.3), so those are answered.
//!
//! Only where nothing else keeps others out: on a loopback address, with no password and no client's certificate asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::access::Access;

/// Who is let in, and where it is served.
type Guard = (Arc<Access>, SocketAddr);

/// The endpoints behind the check, where it is needed.
pub(super) fn refused(app: Router, listener: &TcpListener, access: &Arc<Access>) -> Router {
    match listener.local_addr() {
        Ok(address) if address.ip().to_canonical().is_loopback() => {
            let guard: Guard = (Arc::clone(access), address);
            app.layer(middleware::from_fn_with_state(guard, check))
        }
        _ => app,
    }
}

async fn check(State((access, address)): State<Guard>, request: Request, next: Next) -> Response {
    if access.current().is_open() && !is_for_this_machine(&request) {
        let words = format!(
            "Refused: here only requests for an address or for localhost are answered. Ask for {address}, or let people in \
             by password or certificate (--web.config.file).\n"
        );
        return (StatusCode::MISDIRECTED_REQUEST, words).into_response();
    }
    next.run(request).await
}

/// Every browser names whom it asks; who names nobody is none.
fn is_for_this_machine(request: &Request) -> bool {
    let named = request.headers().get_all(header::HOST).iter();
    let mut named = named.map(|value| value.to_str().unwrap_or_default());
    let target = request.uri().authority();
    named.all(is_own) && target.is_none_or(|authority| is_own(authority.as_str()))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a host, with a port or without, is an address or `localhost`; none at all (RFC 9110, section 7.2) is nobody else's.
/// Debian calls ::1 `ip6-localhost`.
fn is_own(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            let is_sound = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            is_sound && address.parse::<IpAddr>().is_ok()
        });
    }
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let own = ["", "localhost", "ip6-localhost"].contains(&name.as_str());
    is_port(port) && (own || name.parse::<IpAddr>().is_ok() || name.ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_own() {
        for (host, own) in [
            ("127.0.0.1:9842", true),
            ("192.0.2.1", true),
            ("[::1]:9842", true),
            ("[::1]", true),
            ("localhost", true),
            ("LocalHost.:9842", true),
            ("sensor.localhost:80", true),
            ("evil.example", false),
            ("evil.example:9842", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("notlocalhost", false),
            ("[evil.example]", false),
            ("[::1]evil.example", false),
            ("localhost:evil", false),
            ("ip6-localhost", true),
            ("", true),
        ] {
            assert_eq!(is_own(host), own, "{host}");
        }
    }

    #[test]
    fn every_host_that_is_named_must_be_own() {
        let request = |uri: &str, hosts: &[&str]| {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            request.body(axum::body::Body::empty()).unwrap()
        };
        for (uri, hosts, own) in [
            ("/", &[][..], true),
            ("/", &["localhost"], true),
            ("/", &["localhost", "evil.example"], false),
            ("http://evil.example/", &["localhost"], false),
            ("http://127.0.0.1:9842/", &["127.0.0.1:9842"], true),
        ] {
            assert_eq!(
                is_for_this_machine(&request(uri, hosts)),
                own,
                "{uri} {hosts:?}"
            );
        }
    }
}
