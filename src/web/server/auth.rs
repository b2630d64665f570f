//! Basic authentication (RFC 7617) against hashes of bcrypt, before anything else is answered.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;

use super::access::{Access, Admission};
use super::places::Place;

/// Passwords that are remembered as right, so that a scrape does not cost a hash each time.
const MAX_REMEMBERED: usize = 64;
/// What is hashed for a user whom nobody knows, so that the time does not tell who is known. Its password was
/// random and is nobody's: an unknown user is refused whatever comes of it.
const NOBODY: &str = "$2b$10$hVK/6Y/HLnOqSZvpeVjmCuoWM0XQDqIaaUohNaMKR8eyzSpxg9ffi";

/// What was found right.
pub(super) struct Verified {
    /// Fresh in each process, so what is remembered is no use to anybody. Nothing is where there is no randomness.
    key: Option<hmac::Key>,
    right: Mutex<HashSet<[u8; 32]>>,
    /// A hash takes a tenth of a second of a core on purpose; whoever guesses gets no more than one core.
    one_at_a_time: Arc<Semaphore>,
}

impl Default for Verified {
    fn default() -> Self {
        Self {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok(),
            right: Mutex::default(),
            one_at_a_time: Arc::new(Semaphore::new(1)),
        }
    }
}

/// Answers those who may, and tells others nothing but that they may not.
pub(super) async fn let_in(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let admission = access.current();
    if !is_let_in(&access, &admission, request.headers()).await {
        let challenge = [(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"restricted\", charset=\"UTF-8\""),
        )];
        let refusal = (StatusCode::UNAUTHORIZED, challenge, "Unauthorized\n").into_response();
        return with_headers(refusal, &admission);
    }
    if let Some(place) = request.extensions().get::<Arc<Place>>() {
        place.is_answered();
    }
    with_headers(next.run(request).await, &admission)
}

/// The answer with the headers that the file asks for; a refusal too, because browsers are to know of HSTS before they
/// are let in.
fn with_headers(mut response: Response, admission: &Admission) -> Response {
    for (name, value) in &admission.headers {
        // What an answer says for itself is stricter.
        let headers = response.headers_mut();
        headers.entry(name).or_insert_with(|| value.clone());
    }
    response
}

async fn is_let_in(access: &Access, admission: &Admission, headers: &HeaderMap) -> bool {
    if admission.users.is_empty() {
        return true;
    }
    let Some((user, password)) = credentials(headers) else {
        return false;
    };
    let known = admission.users.get(&user);
    let hash = known.map_or(NOBODY, String::as_str).to_owned();
    let verified = &access.verified;
    let tag = verified.tag(&[user.as_bytes(), password.as_bytes(), hash.as_bytes()]);
    if known.is_some() && tag.is_some_and(|tag| verified.remembers(&tag)) {
        return true;
    }
    let Ok(turn) = Arc::clone(&verified.one_at_a_time).acquire_owned().await else {
        return false;
    };
    // Of longer passwords bcrypt looks at the first 72 octets, and htpasswd made the hash so.
    let verify = tokio::task::spawn_blocking(move || {
        // Kept to the end of the hash: whoever asked may be gone by then, and would leave the turn to the next one.
        let _turn = turn;
        bcrypt::verify(password, &hash)
    });
    let is_right = matches!(verify.await, Ok(Ok(true))) && known.is_some();
    if let Some(tag) = tag.filter(|_| is_right) {
        verified.remember(tag);
    }
    is_right
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

impl Verified {
    fn tag(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        context.sign().as_ref().try_into().ok()
    }

    fn remembers(&self, tag: &[u8; 32]) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.contains(tag)
    }

    fn remember(&self, tag: [u8; 32]) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        // Passwords change seldom; those that are still in use come again.
        if right.len() >= MAX_REMEMBERED {
            right.clear();
        }
        right.insert(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        credentials(&headers)
    }

    #[test]
    fn credentials_are_read_or_not_there() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(asked("Basic YTpi"), pair("a", "b"));
        assert_eq!(asked("basic YTpiOmM="), pair("a", "b:c"));
        for bad in [
            "",
            "Basic",
            "Basic !!!",
            "Bearer YTpi",
            "Basic YQ==",
            "Basic //8=",
        ] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_remembered_is_bound_to_all_of_it() {
        let verified = Verified::default();
        let tag = verified.tag(&[b"a", b"bc", b"h"]).unwrap();
        verified.remember(tag);
        assert!(verified.remembers(&tag));
        for other in [[&b"ab"[..], b"c", b"h"], [b"a", b"bc", b"i"]] {
            assert!(!verified.remembers(&verified.tag(&other).unwrap()));
        }
        assert_ne!(Some(tag), Verified::default().tag(&[b"a", b"bc", b"h"]));
    }
}
