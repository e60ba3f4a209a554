//! HTTP: OpenAI's speech API, what operators ask, a WebSocket, and the page.

mod access;
mod catalogue;
mod operations;
mod page;
mod request;
mod response;
mod speech;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::engine::Engine;
use crate::error::ApiError;

/// What the HTTP side takes.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Keys of which a request needs one; none is needed where there are none.
    pub api_keys: Vec<String>,
    /// Origins whose pages may use this server; `*` is any.
    pub cors_origins: Vec<String>,
    /// The longest body, in bytes.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Whether there is an ffmpeg.
    pub has_ffmpeg: bool,
}

/// What every handler has.
#[derive(Clone)]
pub(crate) struct State {
    pub engine: Arc<Engine>,
    pub config: Arc<HttpConfig>,
}

/// All routes.
pub fn router(engine: Arc<Engine>, config: HttpConfig) -> Router {
    let state = State { engine, config: Arc::new(config) };
    let guarded = Router::new()
        .route("/v1/audio/speech", post(speech::speech))
        .route("/v1/audio/stream", get(websocket::stream))
        .route("/v1/models", get(catalogue::models))
        .route("/v1/models/{name}", get(catalogue::model))
        .route("/v1/audio/voices", get(catalogue::voices))
        .route("/metrics", get(operations::metrics))
        .route_layer(middleware::from_fn_with_state(state.clone(), access::key));
    Router::new()
        .merge(guarded)
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .merge(page::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(state.clone(), access::log))
        .layer(middleware::from_fn_with_state(state.clone(), access::cors))
        .with_state(state)
}

async fn not_found(uri: Uri) -> ApiError {
    let message = format!("there is nothing at {}; the API is at /v1/audio/speech, the page at /", uri.path());
    ApiError::NotFound { message, param: None }
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{} does not take {method}", uri.path());
    let error = ApiError::Invalid { message, param: None };
    (StatusCode::METHOD_NOT_ALLOWED, axum::Json(error.to_json())).into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.to_json())).into_response();
        if let Self::Busy { retry_after, .. } = self {
            response.headers_mut().insert("retry-after", retry_after.as_secs().max(1).into());
        }
        response
    }
}
