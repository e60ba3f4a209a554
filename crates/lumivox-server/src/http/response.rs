//! Audio on its way out, as bytes or as events.

use axum::body::{Body, Bytes};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use crate::encode::Piece;
use crate::error::Result;

/// A body of the audio's bytes. After an error it ends early, so that the client sees that it is broken.
pub(super) fn audio(pieces: Receiver<Result<Piece>>) -> Body {
    Body::from_stream(stream::unfold(pieces, async |mut pieces| {
        loop {
            match pieces.recv().await? {
                Ok(Piece::Audio(bytes)) => return Some((Ok(bytes), pieces)),
                Ok(Piece::Words(_)) => {}
                Err(error) => return Some((Err(error), pieces)),
            }
        }
    }))
}

/// A body of events: `speech.audio.delta` with bytes in base64, `speech.word.timestamps` if asked, and `speech.audio.done` or `error` at the end.
pub(super) fn events(pieces: Receiver<Result<Piece>>, timestamps: bool, done: Value) -> Body {
    // The last event, until it was sent.
    let state = (pieces, Some(done));
    Body::from_stream(stream::unfold(state, move |(mut pieces, done)| async move {
        let done = done?;
        loop {
            let event = match pieces.recv().await {
                Some(Ok(Piece::Audio(bytes))) => {
                    json!({ "type": "speech.audio.delta", "audio": BASE64_STANDARD.encode(bytes) })
                }
                Some(Ok(Piece::Words(words))) if timestamps => {
                    json!({ "type": "speech.word.timestamps", "words": words })
                }
                Some(Ok(Piece::Words(_))) => continue,
                Some(Err(error)) => {
                    let event = json!({ "type": "error", "error": error.to_json()["error"] });
                    return Some((line(&event), (pieces, None)));
                }
                None => return Some((line(&done), (pieces, None))),
            };
            return Some((line(&event), (pieces, Some(done))));
        }
    }))
}

fn line(event: &Value) -> Result<Bytes> {
    Ok(Bytes::from(format!("data: {event}\n\n")))
}
