//! Wyoming, the protocol of Home Assistant's voice programs (`wyoming` on PyPI): a text, or a text bit by bit, and its audio.

mod catalogue;
mod event;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::engine::{Engine, Event as Speech, InputKind, SpeechRequest, Typed};
use crate::error::{ApiError, Result};
pub use event::{Event, ReadError};

/// Samples in an event: long enough to be few, short enough to be heard soon.
const CHUNK_SAMPLES: usize = 4096;

/// Serves Wyoming on `listener` until `stop`; then those who are being spoken to are heard out, but no longer than `drain`.
///
/// # Errors
/// If the socket fails.
pub async fn serve(
    engine: Arc<Engine>,
    listener: TcpListener,
    drain: Duration,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let engine = Arc::clone(&engine);
                connections.spawn(async move {
                    if let Err(error) = Connection::new(engine, stream).run().await {
                        tracing::info!(%error, "a Wyoming connection has ended");
                    }
                });
            }
            // Too many open files: others may close some.
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    // Idle connections would stay for ever.
    let deadline = Instant::now() + drain;
    while engine.requests() > 0 && !connections.is_empty() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

struct Connection {
    engine: Arc<Engine>,
    reader: BufReader<OwnedReadHalf>,
    writer: BufWriter<OwnedWriteHalf>,
    /// The text that comes bit by bit.
    typed: Option<Typed>,
    /// Whether the audio of that text has begun.
    has_begun: bool,
}

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl Connection {
    fn new(engine: Arc<Engine>, stream: TcpStream) -> Self {
        // Small events must not wait for more to come.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        Self { engine, reader: BufReader::new(reader), writer: BufWriter::new(writer), typed: None, has_begun: false }
    }

    async fn run(mut self) -> std::result::Result<(), Ended> {
        loop {
            let event = match Event::read(&mut self.reader).await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let told = ApiError::Invalid { message: error.to_string(), param: None };
                    self.tell(&told).await?;
                    return Err(error.into());
                }
            };
            if let Err(error) = self.answer(&event).await? {
                self.engine.metrics.failed(&error);
                self.typed = None;
                self.has_begun = false;
                self.tell(&error).await?;
            }
        }
    }

    async fn tell(&mut self, error: &ApiError) -> std::io::Result<()> {
        let event = Event::new("error", json!({ "text": error.to_string(), "code": error.code() }));
        event.write(&mut self.writer).await
    }

    /// Answers an event. The outer error ends the connection, the inner one is told.
    async fn answer(&mut self, event: &Event) -> std::io::Result<Result<()>> {
        match event.kind.as_str() {
            "describe" => {
                let engine = Arc::clone(&self.engine);
                let info = tokio::task::spawn_blocking(move || catalogue::info(&engine)).await;
                let info = info.map_err(std::io::Error::other)?;
                Event::new("info", info).write(&mut self.writer).await?;
            }
            "ping" => Event::new("pong", json!({ "text": event.text("text") })).write(&mut self.writer).await?,
            "synthesize-start" => match self.request(event).await {
                Ok(request) => self.typed = Some(Typed::new(Arc::clone(&self.engine), request)),
                Err(error) => return Ok(Err(error)),
            },
            "synthesize-chunk" => {
                let Some(typed) = &mut self.typed else { return Ok(Err(no_start())) };
                match typed.push(event.text("text").unwrap_or_default()).await {
                    Ok(Some(request)) => return self.say(request).await,
                    Ok(None) => {}
                    Err(error) => return Ok(Err(error)),
                }
            }
            "synthesize-stop" => {
                let Some(mut typed) = self.typed.take() else { return Ok(Err(no_start())) };
                if let Some(request) = typed.finish()
                    && let Err(error) = self.say(request).await?
                {
                    return Ok(Err(error));
                }
                self.end().await?;
                Event::new("synthesize-stopped", Value::Null).write(&mut self.writer).await?;
            }
            // Whoever sends a text bit by bit sends all of it once more, for servers that don't take that.
            "synthesize" if self.typed.is_some() => {}
            "synthesize" => {
                let request = match self.request(event).await {
                    Ok(request) => {
                        SpeechRequest { input: event.text("text").unwrap_or_default().to_owned(), ..request }
                    }
                    Err(error) => return Ok(Err(error)),
                };
                if let Err(error) = self.say(request).await? {
                    return Ok(Err(error));
                }
                self.end().await?;
            }
            other => tracing::debug!(kind = other, "an event that means nothing here"),
        }
        Ok(Ok(()))
    }

    /// The model and voice that an event asks for.
    async fn request(&self, event: &Event) -> Result<SpeechRequest> {
        let (engine, voice) = (Arc::clone(&self.engine), event.data.get("voice").cloned().unwrap_or_default());
        let found = tokio::task::spawn_blocking(move || catalogue::find(&engine, &voice)).await;
        let request = found.map_err(|error| ApiError::Internal(error.to_string()))??;
        let kind = if event.text("text_format") == Some("ssml") { InputKind::Ssml } else { InputKind::Text };
        Ok(SpeechRequest { kind, ..request })
    }

    /// Says a text; its audio is part of what was begun.
    async fn say(&mut self, request: SpeechRequest) -> std::io::Result<Result<()>> {
        let mut running = match self.engine.speak(request).await {
            Ok(running) => running,
            Err(error) => return Ok(Err(error)),
        };
        let format = json!({ "rate": running.started.sample_rate_hz, "width": 2, "channels": 1 });
        loop {
            let event = tokio::select! {
                event = running.next() => event,
                () = gone(&mut self.reader) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
            };
            let Some(event) = event else { break };
            let samples = match event {
                Ok(Speech::Audio(samples)) => samples,
                Ok(Speech::Words(_)) => continue,
                Err(error) => return Ok(Err(error)),
            };
            if !std::mem::replace(&mut self.has_begun, true) {
                Event::new("audio-start", format.clone()).write(&mut self.writer).await?;
            }
            for piece in samples.chunks(CHUNK_SAMPLES) {
                let payload = match crate::encode::to_bytes(piece, running.started.sample_rate_hz, false) {
                    Ok(payload) => payload,
                    Err(error) => return Ok(Err(error)),
                };
                Event { payload, ..Event::new("audio-chunk", format.clone()) }.write(&mut self.writer).await?;
            }
        }
        Ok(Ok(()))
    }

    async fn end(&mut self) -> std::io::Result<()> {
        if std::mem::take(&mut self.has_begun) {
            Event::new("audio-stop", Value::Null).write(&mut self.writer).await?;
        }
        Ok(())
    }
}

/// Ends when the other side has closed the connection. What it sent meanwhile is still to be read.
async fn gone(reader: &mut BufReader<OwnedReadHalf>) {
    if !reader.fill_buf().await.is_ok_and(<[u8]>::is_empty) {
        std::future::pending::<()>().await;
    }
}

fn no_start() -> ApiError {
    ApiError::Invalid { message: "there was no synthesize-start".into(), param: None }
}
