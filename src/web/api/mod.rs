//! The read API: JSON from the scene and from the store. Described in `docs/api.md`.

mod blind_spots;
mod hosts;
mod parameters;
mod sightings;
mod status;
mod vendors;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::{Kept, known};
use crate::metrics::{Board, Scene};
use crate::model::{HostKey, VendorId};
use crate::store::Reader;
use parameters::{Asked, Parameters, told};

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

/// The endpoints.
const PATHS: [&str; 5] = [
    "/api/v1/status",
    "/api/v1/vendors",
    "/api/v1/hosts",
    "/api/v1/sightings",
    "/api/v1/blind-spots",
];

/// The paths below `/api/v1`.
pub(super) fn routes(board: Arc<Board>, kept: Option<Arc<Kept>>) -> Router {
    let [status, vendors, hosts, sightings, blind_spots] = PATHS;
    Router::new()
        .route(status, get(status::get))
        .route(vendors, get(vendors::get))
        .route(hosts, get(hosts::get))
        .route(sightings, get(sightings::get))
        .route(blind_spots, get(blind_spots::get))
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

/// How many rows a request wants.
fn rows(asked: &Parameters) -> Result<usize, Refused> {
    Ok(asked.number("limit", 1..=MAX_ROWS)?.unwrap_or(DEFAULT_ROWS))
}

/// The vendor that a request names. One of which nothing is known is refused: that nothing is found of it would read like an
/// all-clear.
async fn vendor(api: &Api, scene: &Scene, asked: &Parameters) -> Result<Option<VendorId>, Refused> {
    let Some(text) = asked.text("vendor") else {
        return Ok(None);
    };
    let mut vendors = known::vendors(&scene.snapshot);
    if let Some(id) = vendors.get(text) {
        return Ok(Some(id.clone()));
    }
    if let Some(kept) = &api.kept {
        let stored = |kept: &Kept| Reader::open(&kept.folder)?.vendors();
        // A store that cannot be read knows no vendor more.
        if let Ok(Ok(stored)) = kept.read(stored).await {
            vendors.extend(stored);
        }
    }
    if let Some(id) = vendors.get(text) {
        return Ok(Some(id.clone()));
    }
    if vendors.is_empty() && !scene.ready {
        // Nobody can say yet what is looked for.
        return Err(Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            why: "still reading: ask again once /-/ready says so".to_owned(),
        });
    }
    let vendors: Vec<&str> = vendors.iter().map(VendorId::as_str).collect();
    Err(Refused::wrong(format!(
        "vendor: {} is no vendor that is looked for, or of which anything is known; write one of: {}",
        told(text),
        vendors.join(", ")
    )))
}

/// An endpoint that is not there.
pub(super) fn unknown() -> Response {
    let why = format!(
        "there is no such endpoint; write one of: {}",
        PATHS.join(", ")
    );
    Refused {
        status: StatusCode::NOT_FOUND,
        why,
    }
    .into_response()
}

/// A method that is not there.
pub(super) fn wrong_method() -> Response {
    Refused {
        status: StatusCode::METHOD_NOT_ALLOWED,
        why: "this is read only: ask with GET".to_owned(),
    }
    .into_response()
}

/// A host that nobody knows: that nothing is found of it would read like an all-clear.
fn nobody(text: &str) -> Refused {
    Refused {
        status: StatusCode::NOT_FOUND,
        why: format!(
            "host: nothing is known of {}; write a key as /api/v1/hosts lists them, an address, a hardware address or a name",
            told(text)
        ),
    }
}

impl Api {
    fn scene(&self) -> Arc<Scene> {
        self.board.load_full()
    }

    /// The hosts now that a text names; of one that only the store knows there are none.
    async fn hosts(&self, scene: &Arc<Scene>, text: &str) -> Result<BTreeSet<HostKey>, Refused> {
        let shown = known::hosts(&scene.snapshot, text);
        if !shown.is_empty() {
            return Ok(shown);
        }
        let Some(kept) = &self.kept else {
            return Err(nobody(text));
        };
        let (scene, asked) = (Arc::clone(scene), text.to_owned());
        let stored = move |kept: &Kept| {
            let reader = Reader::open(&kept.folder)?;
            known::stored_hosts(kept, &reader, &scene.snapshot, &asked)
        };
        match kept.read(stored).await {
            // A store that cannot be read knows no host more.
            Ok(Ok(stored)) if !stored.is_empty() => Ok(shown),
            _ => Err(nobody(text)),
        }
    }
}

/// The handlers' argument.
type Shared = State<Api>;
