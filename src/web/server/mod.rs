//! Connections: who is let in, over what, and how much of this process one client can take.
//!
//! HTTP/1.1, plain or over TLS. Every limit holds for clients that are let in too: a scraper may be broken.

mod access;
mod auth;
mod rebinding;
mod tls;
mod web_config;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

pub use access::{Access, Admission};
pub use web_config::WebConfigError;

/// Connections at once; later ones wait in the system's queue. A few Prometheus servers and some browsers have a dozen.
const MAX_CONNECTIONS: usize = 64;
/// Requests answered at once: each may hold a page of some megabytes.
const MAX_REQUESTS: usize = 8;
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
/// Bytes of a request's body: nothing here takes one.
const MAX_BODY: usize = 16 * 1024;
/// How long a client may take for a TLS handshake, for a request's head, and between two requests.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a client may leave an answer unread.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// How long an answer may take: that of a reload waits for a minute.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);
/// How long a connection lives: who reads an octet at a time gets no further.
const LIFE: Duration = Duration::from_secs(900);

/// Serves until the task is ended.
pub async fn serve(listener: TcpListener, app: Router, access: Arc<Access>) {
    let app = rebinding::refused(guarded(app, &access), &listener, &access);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, as a rule: others may give some back.
                tracing::warn!("a connection cannot be taken: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (app, admission) = (app.clone(), access.current());
        tokio::spawn(async move {
            let _place = place;
            // What goes wrong with a connection is its client's affair.
            let _ = timeout(LIFE, talk(stream, app, admission)).await;
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

async fn talk(stream: TcpStream, app: Router, admission: Arc<Admission>) {
    // Answers are written whole.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(READ_WITHIN));
    let stream = Box::pin(stream);
    match admission.tls() {
        None => answer(stream, app).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = timeout(HEAD_WITHIN, acceptor.accept(stream)).await {
                answer(stream, app).await;
            }
        }
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: S, app: Router) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    if let Err(error) = connection.await {
        tracing::debug!("a connection ended: {error}");
    }
}
