//! The server: page, metrics, read API, health.
//!
//! Everything is answered from the scene that the daemon published last, stored sightings from the store; nothing waits for
//! the capture.

mod api;
mod kept;
mod pages;
mod reload;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::{Board, Exposition};

pub use kept::Kept;
pub use reload::{Reload, ReloadAnswer};

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
    Router::new()
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready))
        .with_state(Arc::new(Shared { board, exposition }))
        .merge(api)
        .merge(pages)
        .merge(reload::routes(reload))
}

/// Serves until the task is ended.
pub async fn serve(listener: TcpListener, app: Router) {
    if let Err(error) = axum::serve(listener, app).await {
        tracing::error!("the server ended: {error}");
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match shared.exposition.text() {
        Ok(text) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!("cannot write the metrics: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.board.load().ready {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "still reading\n").into_response()
    }
}
