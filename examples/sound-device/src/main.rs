//! Speaks to the sound card while it computes:
//!
//!     cargo run --release --manifest-path examples/sound-device/Cargo.toml -- "Heard while it is made."
//!
//! The model gives chunks as they are ready; the card's callback takes samples out of a queue. Where the queue is empty before the speech has ended, there is silence, and a note of how much.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context, Result};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use lumivox::{ChunkSize, Input, LoadOptions, Options, Synthesizer};

/// What is between the model and the card.
#[derive(Default)]
struct Queue {
    samples: VecDeque<f32>,
    /// No more will come.
    closed: bool,
    /// Frames of silence that the card got before the end.
    missed: usize,
}

fn main() -> Result<()> {
    let text = std::env::args().nth(1).context("usage: sound-device TEXT")?;
    let synthesizer = Synthesizer::embedded(&LoadOptions::default())?;
    let device = cpal::default_host().default_output_device().context("there is no sound device")?;
    // Mono at the model's rate; ALSA, PipeWire and the like convert.
    let config = cpal::StreamConfig { channels: 1, sample_rate: synthesizer.sample_rate_hz(), buffer_size: cpal::BufferSize::Default };
    let shared = Arc::new((Mutex::new(Queue::default()), Condvar::new()));
    let stream = device.build_output_stream(&config, player(&shared), |error| eprintln!("the sound device: {error}"), None)?;
    let (queue, played) = &*shared;
    let mut playing = false;
    for chunk in synthesizer.stream(Input::Text(&text), &Options::default(), ChunkSize::Auto)? {
        queue.lock().unwrap_or_else(PoisonError::into_inner).samples.extend(chunk?.samples);
        if !playing {
            stream.play()?;
            playing = true;
        }
    }
    let mut rest = queue.lock().unwrap_or_else(PoisonError::into_inner);
    rest.closed = true;
    while !rest.samples.is_empty() {
        rest = played.wait(rest).unwrap_or_else(PoisonError::into_inner);
    }
    if rest.missed > 0 {
        eprintln!("the card waited for {} samples", rest.missed);
    }
    Ok(())
}

/// What the card calls for more samples.
fn player(shared: &Arc<(Mutex<Queue>, Condvar)>) -> impl FnMut(&mut [f32], &cpal::OutputCallbackInfo) + Send + 'static {
    let shared = Arc::clone(shared);
    move |frames, _| {
        let (queue, played) = &*shared;
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        for frame in frames {
            *frame = match queue.samples.pop_front() {
                Some(sample) => sample,
                None => {
                    queue.missed += usize::from(!queue.closed);
                    0.0
                }
            };
        }
        played.notify_all();
    }
}
