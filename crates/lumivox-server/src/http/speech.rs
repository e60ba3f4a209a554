//! `POST /v1/audio/speech`

use axum::body::to_bytes;
use axum::extract::{Request, State as AxumState};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::time::timeout;

use super::State;
use super::request::{Delivery, understand};
use super::response::{audio, events};
use crate::encode::encoded;
use crate::error::{ApiError, Result};

/// Speaks. The head leaves when the text is read, the first bytes when the first piece of audio exists.
pub(super) async fn speech(AxumState(state): AxumState<State>, request: Request) -> Result<Response> {
    let body = read(request, &state).await?;
    let understood = understand(&body, &state)?;
    let characters = understood.speech.input.chars().count();
    let running = state.engine.speak(understood.speech).await?;
    let started = running.started.clone();
    let pieces = encoded(running, understood.format)?;
    let (body, content_type) = match understood.delivery {
        Delivery::Audio => (audio(pieces), understood.format.content_type()),
        Delivery::Events => {
            let usage = json!({ "input_tokens": characters, "output_tokens": 0, "total_tokens": characters });
            let done = json!({ "type": "speech.audio.done", "usage": usage, "warnings": started.warnings });
            (events(pieces, understood.timestamps, done), "text/event-stream")
        }
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-sample-rate", started.sample_rate_hz.into());
    let values = [
        ("x-lumivox-model", started.model),
        ("x-lumivox-warnings", started.warnings.join("; ")),
        ("x-lumivox-ignored", understood.ignored.join(", ")),
    ];
    for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
        headers.insert(name, ascii(&value));
    }
    Ok(response)
}

/// The whole body, if it is not too long and comes in time.
async fn read(request: Request, state: &State) -> Result<Vec<u8>> {
    let limit = state.config.max_body_bytes;
    let too_large = || ApiError::TooLarge(format!("the body has more than the {limit} bytes that this server takes"));
    let length = request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let body = timeout(state.config.body_timeout, to_bytes(request.into_body(), limit)).await;
    let body = body.map_err(|_| ApiError::TimedOut(state.config.body_timeout))?;
    body.map(Vec::from).map_err(|error| {
        let is_length =
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("length limit"));
        let message = format!("the body did not arrive: {error}");
        if is_length { too_large() } else { ApiError::Invalid { message, param: None } }
    })
}

/// A header's value: what is not ASCII is escaped, and what is too long cut.
fn ascii(value: &str) -> HeaderValue {
    let escaped: String = value
        .chars()
        .flat_map(|c| if c.is_ascii_graphic() || c == ' ' { vec![c] } else { c.escape_unicode().collect() })
        .collect();
    let cut = &escaped[..escaped.len().min(2000)];
    HeaderValue::from_str(cut).unwrap_or(HeaderValue::from_static("?"))
}
