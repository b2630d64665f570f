//! Connections: who is let in, over what, and how much of this process one client can take.
//!
//! HTTP/1.1, plain or over TLS. Every limit holds for clients that are let in too: a scraper may be broken.

mod access;
mod auth;
mod places;
mod rebinding;
mod tls;
mod web_config;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::metrics::ServerScene;

pub use access::{Access, Admission};
pub use web_config::WebConfigError;

use places::{Place, Places};

/// Requests answered at once: each may hold a page of some megabytes.
const MAX_REQUESTS: usize = 8;
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
/// Bytes of a request's body: nothing here takes one.
const MAX_BODY: usize = 16 * 1024;
/// How long a client may take from its connection to the end of its first request's head, a TLS handshake included: no
/// client that wants something takes a second.
const ASK_WITHIN: Duration = Duration::from_secs(5);
/// How long a client may take from an answer to the end of the next request's head: longer than the two minutes that may lie
/// between scrapes, so that a scraper keeps its connection, which stands better than a new one.
const ASK_AGAIN_WITHIN: Duration = Duration::from_secs(150);
/// How long a client may leave an answer unread.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// How long an answer may take: that of a reload waits for a minute.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);
/// How long a connection lives: who reads an octet at a time gets no further.
const LIFE: Duration = Duration::from_secs(900);

/// Serves until the task is ended.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    access: Arc<Access>,
    told: Arc<ServerScene>,
) {
    let app = rebinding::refused(guarded(app, &access), &listener, &access);
    let places = Places::new(told);
    let mut is_refused = false;
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => {
                is_refused = false;
                accepted
            }
            Err(error) => {
                // Out of file descriptors, as a rule: others may give some back. Told once, or it would fill the log.
                if !std::mem::replace(&mut is_refused, true) {
                    tracing::warn!("a connection cannot be taken: {error}");
                }
                sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let place = Arc::new(places.take(from.ip()));
        let (app, admission) = (app.clone(), access.current());
        tokio::spawn(async move {
            // What goes wrong with a connection is its client's affair.
            tokio::select! {
                () = place.gives_way() => {}
                () = asks_nothing(&place) => {}
                _ = timeout(LIFE, talk(stream, app, admission, &place)) => {}
            }
        });
    }
}

/// The endpoints behind all limits.
fn guarded(app: Router, access: &Arc<Access>) -> Router {
    // The last layer is the first that a request meets.
    app.layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(GlobalConcurrencyLimitLayer::new(MAX_REQUESTS))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            ANSWER_WITHIN,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(access),
            auth::let_in,
        ))
}

/// Ends where a client has not asked for anything in time.
async fn asks_nothing(place: &Place) {
    sleep(ASK_WITHIN).await;
    if place.has_asked() {
        pending::<()>().await;
    }
}

async fn talk(stream: TcpStream, app: Router, admission: Arc<Admission>, place: &Arc<Place>) {
    // Answers are written whole.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(READ_WITHIN));
    let stream = Box::pin(stream);
    match admission.tls() {
        None => answer(stream, app, place).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, app, place).await;
            }
        }
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: S, app: Router, place: &Arc<Place>) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(|mut request: Request<Incoming>| {
        place.asks();
        request.extensions_mut().insert(Arc::clone(place));
        let answer = app.call(request);
        async move {
            let answer = answer.await;
            place.rests();
            answer
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ASK_AGAIN_WITHIN)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!("a connection ended: {error}");
    }
}
