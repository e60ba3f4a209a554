//! A request's audio as encoded pieces.

use bytes::Bytes;
use lumivox::WordTime;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{Encoder, Ffmpeg, Format};
use crate::engine::{Event, Running};
use crate::error::{ApiError, Result};

/// What leaves, in order.
#[derive(Debug)]
pub enum Piece {
    /// Bytes of the format; all joined are the file.
    Audio(Bytes),
    /// When words sound.
    Words(Vec<WordTime>),
}

/// Begins to encode. Whoever drops the receiver cancels the request.
///
/// # Errors
/// If the format can't be made of these samples.
pub fn encoded(running: Running, format: Format) -> Result<Receiver<Result<Piece>>> {
    let encoder = Encoder::new(format, running.started.sample_rate_hz)?;
    let (sender, receiver) = mpsc::channel(1);
    if format.needs_ffmpeg() {
        let ffmpeg = Ffmpeg::start(format, running.started.sample_rate_hz)?;
        tokio::spawn(through(ffmpeg, running, encoder, sender));
    } else {
        tokio::spawn(async move {
            let to = sender.clone();
            if let Err(error) = plain(running, encoder, &to, &to).await {
                let _ = sender.send(Err(error)).await;
            }
        });
    }
    Ok(receiver)
}

/// Encodes to `audio`, and sends words to `words`. Ends without an error when nobody listens any more.
async fn plain(
    mut running: Running,
    mut encoder: Encoder,
    audio: &Sender<Result<Piece>>,
    words: &Sender<Result<Piece>>,
) -> Result<()> {
    loop {
        let event = tokio::select! {
            () = audio.closed() => return Ok(()),
            () = words.closed() => return Ok(()),
            event = running.next() => event,
        };
        let (bytes, last) = match event.transpose()? {
            Some(Event::Words(times)) => {
                if words.send(Ok(Piece::Words(times))).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            Some(Event::Audio(samples)) => (encoder.encode(&samples)?, false),
            None => (encoder.finish()?, true),
        };
        let gone = !bytes.is_empty() && audio.send(Ok(Piece::Audio(bytes.into()))).await.is_err();
        if gone || last {
            return Ok(());
        }
    }
}

/// The same with ffmpeg between the encoder and the reader.
async fn through(ffmpeg: Ffmpeg, running: Running, encoder: Encoder, sender: Sender<Result<Piece>>) {
    let (mut input, mut output) = ffmpeg.split();
    let (raw, mut samples) = mpsc::channel(1);
    let feed = async {
        let encode = plain(running, encoder, &raw, &sender);
        tokio::pin!(encode);
        let mut encoded = None;
        loop {
            tokio::select! {
                result = &mut encode, if encoded.is_none() => encoded = Some(result),
                piece = samples.recv(), if encoded.is_none() => {
                    if let Some(Ok(Piece::Audio(bytes))) = piece {
                        input.write(&bytes).await?;
                    }
                }
                else => break,
            }
            if let Some(result) = encoded.take() {
                // What the encoder has sent last.
                while let Ok(Ok(Piece::Audio(bytes))) = samples.try_recv() {
                    input.write(&bytes).await?;
                }
                drop(input);
                return result;
            }
        }
        Ok::<(), ApiError>(())
    };
    let drain = async {
        loop {
            let bytes = output.read().await?;
            if bytes.is_empty() || sender.send(Ok(Piece::Audio(bytes.into()))).await.is_err() {
                return Ok::<(), ApiError>(());
            }
        }
    };
    if let Err(error) = tokio::try_join!(feed, drain) {
        let _ = sender.send(Err(error)).await;
    }
}
