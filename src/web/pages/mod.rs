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
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Kept;
use crate::metrics::Board;
use crate::model::{HostKey, HostView, Snapshot};
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
    let wanted = Wanted::from_pairs(&pairs);
    // The store first: a scene that is held meanwhile would be one more in memory.
    let at = pages.board.load().snapshot.at;
    let days = pages.past.days(at).await;
    let scene = pages.board.load();
    page(StatusCode::OK, overview::render(&scene, &wanted, &days))
}

async fn host(State(pages): Shared, Path(key): Path<String>) -> Response {
    let asked = HostKey::restored(&key);
    let key = known(&pages.board.load().snapshot, &asked).map(|view| view.key.clone());
    let key = key.unwrap_or_else(|| asked.clone());
    let past = pages.past.host(&key).await;
    let scene = pages.board.load();
    match host::render(&scene, known(&scene.snapshot, &key), &key, &past) {
        Some(text) => page(StatusCode::OK, text),
        None => page(StatusCode::NOT_FOUND, host::unknown(&asked)),
    }
}

/// A host by its key or by an older one.
fn known<'a>(snapshot: &'a Snapshot, asked: &HostKey) -> Option<&'a HostView> {
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
