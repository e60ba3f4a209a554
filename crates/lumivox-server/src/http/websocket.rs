//! `GET /v1/audio/stream`: a WebSocket that takes text as it is typed or written by a language model, and gives audio by clauses.
//!
//! The client sends JSON: first `{"type": "start", …}` with the fields of `POST /v1/audio/speech` but `input` (all may be missing; the
//! format is `pcm` if none is named), then `{"type": "text", "text": "…"}` as often as it likes, `{"type": "flush"}` to have everything said that came, and
//! `{"type": "stop"}` at the end. The server sends `{"type": "started", …}`, audio in binary frames, word times if asked, and `{"type": "done"}`
//! or `{"type": "error", …}`. In `pcm` and `wav` the pieces join to one sound; of other formats each clause is a file of its own.

use axum::extract::State as AxumState;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::State;
use super::request::{Understood, understand_stream};
use crate::encode::{Piece, encoded};
use crate::engine::{SpeechRequest, Typed};
use crate::error::{ApiError, Result};

/// Messages that may wait while something is being said.
const MESSAGES_AHEAD: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Command {
    Start(Map<String, Value>),
    Text { text: String },
    Flush,
    Stop,
}

/// Takes the connection over.
pub(super) async fn stream(AxumState(state): AxumState<State>, upgrade: WebSocketUpgrade) -> Response {
    let most = state.config.max_body_bytes;
    upgrade.max_message_size(most).max_frame_size(most).on_upgrade(async move |socket| {
        let (sink, source) = socket.split();
        let (commands, waiting) = mpsc::channel(MESSAGES_AHEAD);
        let mut connection = Connection { state, sink, waiting };
        let reading = tokio::spawn(read(source, commands));
        let ended = connection.run().await;
        reading.abort();
        connection.close(ended).await;
    })
}

/// Hands commands over until the client has gone, which ends the channel.
async fn read(mut source: SplitStream<WebSocket>, commands: Sender<Result<Command>>) {
    while let Some(Ok(message)) = source.next().await {
        let command = match message {
            Message::Text(text) => serde_json::from_str(&text).map_err(|error| ApiError::Invalid {
                message: format!("the message is not what is expected: {error}"),
                param: None,
            }),
            Message::Binary(_) => Err(ApiError::Invalid { message: "messages are JSON, as text".into(), param: None }),
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        if commands.send(command).await.is_err() {
            return;
        }
    }
}

struct Connection {
    state: State,
    sink: SplitSink<WebSocket, Message>,
    waiting: Receiver<Result<Command>>,
}

/// Why a connection ends.
enum Ended {
    /// All is said, or the client has gone.
    Over,
    Failed(ApiError),
}

impl From<ApiError> for Ended {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl Connection {
    async fn run(&mut self) -> Ended {
        let start = match self.waiting.recv().await {
            Some(Ok(Command::Start(fields))) => fields,
            Some(Ok(_)) => {
                return ApiError::Invalid {
                    message: "the first message must be of the type `start`".into(),
                    param: None,
                }
                .into();
            }
            Some(Err(error)) => return error.into(),
            None => return Ended::Over,
        };
        let understood = match understand_stream(start, &self.state) {
            Ok(understood) => understood,
            Err(error) => return error.into(),
        };
        let mut typed = Typed::new(self.state.engine.clone(), understood.speech.clone());
        loop {
            let ready = match self.waiting.recv().await {
                None => return Ended::Over,
                Some(Err(error)) => return error.into(),
                Some(Ok(Command::Text { text })) => match typed.push(&text).await {
                    Ok(ready) => ready,
                    Err(error) => return error.into(),
                },
                Some(Ok(Command::Flush)) => typed.finish(),
                Some(Ok(Command::Stop)) => {
                    return match self.say_some(typed.finish(), &understood).await {
                        Some(ended) => ended,
                        None => {
                            let _ = self.tell(json!({ "type": "done" })).await;
                            Ended::Over
                        }
                    };
                }
                Some(Ok(Command::Start(_))) => {
                    return ApiError::Invalid { message: "it has started already".into(), param: None }.into();
                }
            };
            if let Some(ended) = self.say_some(ready, &understood).await {
                return ended;
            }
        }
    }

    /// Says what is ready; tells if that ended the connection.
    async fn say_some(&mut self, ready: Option<SpeechRequest>, understood: &Understood) -> Option<Ended> {
        match self.say(ready?, understood).await {
            Ok(true) => None,
            Ok(false) => Some(Ended::Over),
            Err(error) => Some(error.into()),
        }
    }

    /// Whether the client is still there.
    async fn say(&mut self, request: SpeechRequest, understood: &Understood) -> Result<bool> {
        let running = self.state.engine.speak(request).await?;
        let started = running.started.clone();
        let news = json!({ "type": "started", "model": started.model, "sample_rate": started.sample_rate_hz, "warnings": started.warnings });
        if !self.tell(news).await {
            return Ok(false);
        }
        let mut pieces = encoded(running, understood.format)?;
        loop {
            let piece = tokio::select! {
                piece = pieces.recv() => piece,
                // The reader ends with the client.
                () = gone(&self.waiting) => return Ok(false),
            };
            let there = match piece.transpose()? {
                Some(Piece::Audio(bytes)) => self.sink.send(Message::Binary(bytes)).await.is_ok(),
                Some(Piece::Words(words)) if understood.timestamps => {
                    self.tell(json!({ "type": "words", "words": words })).await
                }
                Some(Piece::Words(_)) => true,
                None => return Ok(true),
            };
            if !there {
                return Ok(false);
            }
        }
    }

    async fn tell(&mut self, message: Value) -> bool {
        self.sink.send(Message::Text(message.to_string().into())).await.is_ok()
    }

    async fn close(mut self, ended: Ended) {
        let (code, reason) = match ended {
            Ended::Over => (close_code::NORMAL, String::new()),
            Ended::Failed(error) => {
                self.state.engine.metrics.failed(&error);
                self.tell(json!({ "type": "error", "error": error.to_json()["error"] })).await;
                (close_code::POLICY, error.code().to_owned())
            }
        };
        // A client that has gone needs no goodbye.
        let _ = self.sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
}

/// Ends when nobody reads the client any more.
async fn gone(waiting: &Receiver<Result<Command>>) {
    while !waiting.is_closed() || !waiting.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
