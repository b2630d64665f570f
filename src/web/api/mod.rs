//! The read API: JSON from the scene and from the store. Described in `docs/api.md`.

mod blind_spots;
mod hosts;
mod sightings;
mod status;
mod vendors;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Kept;
use crate::metrics::{Board, Scene};

/// Rows of a page unless the request says otherwise.
const DEFAULT_ROWS: usize = 100;
/// Rows of a page at most: about 2 KiB each.
const MAX_ROWS: usize = 1_000;

/// What the handlers read.
#[derive(Clone)]
pub(super) struct Api {
    board: Arc<Board>,
    /// The store, if there is one.
    kept: Option<Arc<Kept>>,
}

/// The paths below `/api/v1`.
pub(super) fn routes(board: Arc<Board>, kept: Option<Arc<Kept>>) -> Router {
    Router::new()
        .route("/api/v1/status", get(status::get))
        .route("/api/v1/vendors", get(vendors::get))
        .route("/api/v1/hosts", get(hosts::get))
        .route("/api/v1/sightings", get(sightings::get))
        .route("/api/v1/blind-spots", get(blind_spots::get))
        .with_state(Api { board, kept })
}

/// Why a request gets no data; the text is for the person who wrote it.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    why: String,
}

impl Refused {
    fn wrong(why: impl ToString) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            why: why.to_string(),
        }
    }
}

#[derive(Serialize)]
struct ErrorBody {
    error: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody { error: self.why });
        (self.status, NOT_KEPT, body).into_response()
    }
}

type Answer = Result<Response, Refused>;

/// Findings are of now: nobody on the way may keep them.
const NOT_KEPT: [(axum::http::HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

fn json(body: &impl Serialize) -> Response {
    (NOT_KEPT, Json(body)).into_response()
}

/// The query of a request, or what is wrong with it.
type Asked<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

fn asked<T: DeserializeOwned>(query: Asked<T>) -> Result<T, Refused> {
    match query {
        Ok(Query(asked)) => Ok(asked),
        Err(rejected) => {
            let text = rejected.body_text();
            let text = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            Err(Refused::wrong(format!(
                "{text}; docs/api.md has the parameters"
            )))
        }
    }
}

/// How many rows a request wants.
fn rows(limit: Option<usize>) -> Result<usize, Refused> {
    match limit {
        None => Ok(DEFAULT_ROWS),
        Some(limit @ 1..=MAX_ROWS) => Ok(limit),
        Some(_) => Err(Refused::wrong(format!(
            "limit: write a number from 1 to {MAX_ROWS}"
        ))),
    }
}

/// A value of a closed list in a query.
fn word<T: std::str::FromStr<Err = String>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, Refused> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|why: String| Refused::wrong(format!("{name}: {why}")))
}

impl Api {
    fn scene(&self) -> Arc<Scene> {
        self.board.load_full()
    }
}

/// The handlers' argument.
type Shared = State<Api>;
