//! `POST /-/reload`: configuration and packs are read again.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::oneshot;

/// How long an answer is waited for: packs of some megabytes are read in seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where what comes of a reading goes: nothing, or why it is refused.
pub type ReloadAnswer = oneshot::Sender<Result<(), String>>;

/// Asks for a reading; what comes of it goes to the sender. False where too many wait already.
#[derive(Clone)]
pub struct Reload(pub Arc<dyn Fn(ReloadAnswer) -> bool + Send + Sync>);

/// The endpoint; without a way to ask it says that it is off.
pub(super) fn routes(reload: Option<Reload>) -> Router {
    Router::new().route("/-/reload", post(answer).with_state(reload))
}

async fn answer(State(reload): State<Option<Reload>>, headers: HeaderMap) -> Response {
    let Some(reload) = reload else {
        let words = "off: `web_reload = true` in the configuration of a live sensor lets it in\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    };
    if is_of_another_site(&headers) {
        return (
            StatusCode::FORBIDDEN,
            "refused: asked for by another site\n",
        )
            .into_response();
    }
    let (sender, outcome) = oneshot::channel();
    if !(reload.0)(sender) {
        let words = "too many wait for this already\n";
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    }
    match tokio::time::timeout(PATIENCE, outcome).await {
        Ok(Ok(Ok(()))) => "read again and in force\n".into_response(),
        Ok(Ok(Err(fault))) => (StatusCode::UNPROCESSABLE_ENTITY, fault + "\n").into_response(),
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        Err(_) => (StatusCode::ACCEPTED, "still being read\n").into_response(),
    }
}

/// Whether a browser says that a page from elsewhere asks: it may not, even where it reaches the server.
fn is_of_another_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let own = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    origin.map(|(_, host)| host) != own
}
