//! What those who run the server ask.

use axum::extract::State as AxumState;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::State;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// It takes requests.
pub(super) async fn readyz(AxumState(state): AxumState<State>) -> impl IntoResponse {
    if state.engine.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

/// Counters in Prometheus' (OpenMetrics) text format.
pub(super) async fn metrics(AxumState(state): AxumState<State>) -> impl IntoResponse {
    let text = state.engine.metrics.to_text(&state.engine);
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
