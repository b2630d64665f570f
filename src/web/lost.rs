//! Paths and methods that are not there: JSON for scripts, a page for people.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::{api, pages};

/// Answers whatever the endpoints do not.
pub(super) fn routes(app: Router) -> Router {
    app.fallback(unknown).method_not_allowed_fallback(method)
}

async fn unknown(request: Request) -> Response {
    let path = request.uri().path();
    match is_api(path) {
        true => api::unknown(),
        false => pages::message(
            path,
            StatusCode::NOT_FOUND,
            "No such page",
            "There is nothing at this address.",
        ),
    }
}

async fn method(request: Request) -> Response {
    let path = request.uri().path();
    match is_api(path) {
        true => api::wrong_method(),
        false => pages::message(
            path,
            StatusCode::METHOD_NOT_ALLOWED,
            "Not in this way",
            "What is at this address takes no such request.",
        ),
    }
}

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}
