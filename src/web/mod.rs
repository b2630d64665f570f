//! The server: page, metrics, read API, health.
//!
//! Everything is answered from the scene that the daemon published last, stored sightings from the store; nothing waits for
//! the capture.

mod api;
mod kept;
mod known;
mod lost;
mod pages;
mod reload;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::{Board, Exposition};

pub use kept::Kept;
pub use reload::{Reload, ReloadAnswer};
pub use server::{Access, Admission, WebConfigError, serve};

/// What the handlers read.
struct Shared {
    board: Arc<Board>,
    exposition: Exposition,
}

/// The endpoints.
///
/// `kept` is the store from which pages and API read what was, if there is one; `reload` the way to ask for other rules.
pub fn app(
    board: Arc<Board>,
    exposition: Exposition,
    kept: Option<Kept>,
    reload: Option<Reload>,
) -> Router {
    let kept = kept.map(Arc::new);
    let api = api::routes(Arc::clone(&board), kept.clone());
    let pages = pages::routes(Arc::clone(&board), kept);
    let app = Router::new()
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready))
        .with_state(Arc::new(Shared { board, exposition }))
        .merge(api)
        .merge(pages)
        .merge(reload::routes(reload));
    lost::routes(app)
}

async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    // On this thread: it would take memory of its own on another one, and all that waits here are others who ask.
    let scrape = match shared.exposition.scrape() {
        Ok(scrape) => scrape,
        Err(error) => {
            tracing::error!("cannot write the metrics: {error}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    if takes_gzip(&headers) {
        let packed = [
            (header::CONTENT_ENCODING, "gzip"),
            (header::VARY, "accept-encoding"),
        ];
        return (kind, packed, scrape.packed()).into_response();
    }
    match scrape.plain() {
        Ok(text) => (kind, text).into_response(),
        Err(error) => {
            tracing::error!("cannot unpack the metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether a client names gzip without forbidding it (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let forbidden = weight.trim().strip_prefix("q=");
        let forbidden = forbidden.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !forbidden
    })
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.board.load().ready {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "still reading\n").into_response()
    }
}
