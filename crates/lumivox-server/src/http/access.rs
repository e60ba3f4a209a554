//! Who may ask, and a line in the log for each request. The log has no text of users.

use std::time::Instant;

use axum::extract::{Request, State as AxumState};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::State;
use crate::error::ApiError;

/// Lets requests with a valid key pass, or all where no key is needed.
pub(super) async fn key(AxumState(state): AxumState<State>, request: Request, next: Next) -> Response {
    if is_allowed(&state, request.headers()) { next.run(request).await } else { ApiError::Unauthorized.into_response() }
}

fn is_allowed(state: &State, headers: &HeaderMap) -> bool {
    let keys = &state.config.api_keys;
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let given = given.unwrap_or_default().trim().as_bytes();
    // Every key is compared, and in the same time whatever is given.
    keys.is_empty() || keys.iter().fold(false, |found, key| found | bool::from(key.as_bytes().ct_eq(given)))
}

/// Lets pages of other origins in, where that is asked for.
pub(super) async fn cors(AxumState(state): AxumState<State>, request: Request, next: Next) -> Response {
    let origins = &state.config.cors_origins;
    let any = origins.iter().any(|origin| origin == "*");
    let origin = request.headers().get(ORIGIN).cloned();
    let allowed = origin.filter(|origin| any || origins.iter().any(|known| known.as_bytes() == origin.as_bytes()));
    let Some(origin) = allowed else { return next.run(request).await };
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, if any { HeaderValue::from_static("*") } else { origin });
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("x-lumivox-model, x-lumivox-warnings, x-lumivox-ignored, x-sample-rate"),
    );
    headers.insert(VARY, HeaderValue::from_static("origin"));
    response
}

/// A line for each request, when its head is answered.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = Instant::now();
    let response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis() as u64);
    if path == "/healthz" || path == "/readyz" || path == "/metrics" {
        tracing::debug!(%method, path, status, ms, "request");
    } else {
        tracing::info!(%method, path, status, ms, "request");
    }
    response
}
