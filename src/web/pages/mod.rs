//! The pages for people: the overview and one page per host, rendered here and whole without a script.
//!
//! Everything comes from the scene that the daemon published last, what was before from the store. A script of our own
//! renews what changes, and nothing is loaded from anywhere else.

mod answer;
mod chart;
mod controls;
mod health;
mod history;
mod host;
mod hosts;
mod overview;
mod past;
mod proof;
mod shell;
mod uncovered;
mod unseen;
mod vendor;
mod wanted;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Kept, known};
use crate::metrics::{Board, Scene};
use crate::model::{HostKey, HostView, Snapshot};
use crate::report::plain;
use past::Past;
use wanted::Wanted;

/// Nothing from outside, no frame, no script in a page: its own style sheet, script, icon, and the page again.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the handlers read.
struct Pages {
    board: Arc<Board>,
    past: Past,
}

type Shared = State<Arc<Pages>>;

/// The overview, the pages of hosts, and what they load.
pub(super) fn routes(board: Arc<Board>, kept: Option<Arc<Kept>>) -> Router {
    let style = || async { asset("text/css; charset=utf-8", include_str!("style.css")) };
    let script = || async { asset("text/javascript; charset=utf-8", include_str!("script.js")) };
    let icon = || async { asset("image/svg+xml", include_str!("icon.svg")) };
    Router::new()
        .route("/", get(overview))
        .route("/hosts/{key}", get(host))
        .route("/style.css", get(style))
        .route("/script.js", get(script))
        .route("/icon.svg", get(icon))
        .with_state(Arc::new(Pages {
            board,
            past: Past::new(kept),
        }))
}

/// What stands in the query; nothing where it is none.
type Asked = Result<Query<Vec<(String, String)>>, QueryRejection>;

async fn overview(State(pages): Shared, query: Asked) -> Response {
    let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    // The store first: a scene that is held meanwhile would be one more in memory.
    let (at, fault) = {
        let scene = pages.board.load();
        (scene.snapshot.at, fault(&scene))
    };
    let days = pages.past.days(at, fault).await;
    let scene = pages.board.load();
    let wanted = Wanted::from_pairs(&pairs, &known::vendors(&scene.snapshot));
    page(StatusCode::OK, overview::render(&scene, &wanted, &days))
}

/// A key in a path; a fault where the path is no UTF-8.
type Key = Result<Path<String>, PathRejection>;

async fn host(State(pages): Shared, key: Key, uri: Uri) -> Response {
    let Ok(Path(key)) = key else {
        let words = "What stands in the address is no key of a host: keys are UTF-8.";
        return message(uri.path(), StatusCode::NOT_FOUND, "No such host", words);
    };
    let asked = HostKey::restored(&key);
    if let Some(answer) = known_otherwise(&pages.board.load(), &asked, uri.path()) {
        return answer;
    }
    let (key, fault) = {
        let scene = pages.board.load();
        let key = view(&scene.snapshot, &asked).map(|view| view.key.clone());
        (key.unwrap_or_else(|| asked.clone()), fault(&scene))
    };
    let past = pages.past.host(&key, fault).await;
    let scene = pages.board.load();
    match host::render(&scene, view(&scene.snapshot, &key), &key, &past) {
        Some(text) => page(StatusCode::OK, text),
        None => page(StatusCode::NOT_FOUND, host::unknown(&asked, &past)),
    }
}

/// Where an address, a hardware address or a name stands in place of a key, the page of the host that has it, or which ones do.
fn known_otherwise(scene: &Scene, asked: &HostKey, path: &str) -> Option<Response> {
    let snapshot = &scene.snapshot;
    if view(snapshot, asked).is_some() {
        return None;
    }
    let keys = known::hosts(snapshot, asked.as_str());
    let mut others = keys.iter().filter(|key| *key != asked);
    match (others.next(), others.next()) {
        (None, _) => None,
        (Some(key), None) => {
            let to = format!("../hosts/{}", shell::percent_encoded(key.as_str()));
            Some((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
        }
        (Some(_), Some(_)) => {
            let words = format!(
                "Several hosts have that: {}. Look at each by its key.",
                keys.iter()
                    .map(|key| plain(key.as_str()))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            Some(message(
                path,
                StatusCode::NOT_FOUND,
                "Several hosts",
                &words,
            ))
        }
    }
}

/// What is wrong with the store, if its writer knows.
fn fault(scene: &Scene) -> Option<String> {
    scene.store.as_ref()?.fault.clone()
}

/// A page that says no more than that there is nothing at a path, or not so.
pub(super) fn message(path: &str, status: StatusCode, title: &str, words: &str) -> Response {
    // Relative, as all links are: the pages may stand below a path of a proxy.
    let depth = path.matches('/').count().saturating_sub(1);
    page(status, shell::message(&"../".repeat(depth), title, words))
}

/// A host by its key or by an older one.
fn view<'a>(snapshot: &'a Snapshot, asked: &HostKey) -> Option<&'a HostView> {
    snapshot.host(asked).or_else(|| {
        let mut hosts = snapshot.hosts.iter();
        hosts.find(|view| view.aliases.contains(asked))
    })
}

fn page(status: StatusCode, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text).into_response()
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // After an upgrade pages and what they load must be of one version.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
