//! Another sample rate, for formats that have their own.

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use super::failed;
use crate::error::Result;

/// Samples that are resampled at a time; the filter is about a quarter of it long.
const BLOCK: usize = 1024;

/// Changes the rate, or nothing.
pub struct Resampler(Option<Box<Active>>);

struct Active {
    fft: Fft<f32>,
    pending: Vec<f32>,
    /// Samples of the beginning that are the filter's delay.
    delay: usize,
    came: u64,
    went: u64,
}

impl Resampler {
    pub(super) fn new(from_hz: u32, to_hz: u32) -> Result<Self> {
        if from_hz == to_hz {
            return Ok(Self(None));
        }
        let fft = Fft::new(from_hz as usize, to_hz as usize, BLOCK, 1, FixedSync::Input);
        let fft = fft.map_err(|error| failed("another sample rate", error))?;
        let delay = fft.output_delay();
        Ok(Self(Some(Box::new(Active { fft, pending: Vec::new(), delay, came: 0, went: 0 }))))
    }

    /// What is known after these samples.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>> {
        let Some(active) = &mut self.0 else { return Ok(samples.to_vec()) };
        active.came += samples.len() as u64;
        active.pending.extend_from_slice(samples);
        active.blocks()
    }

    /// The rest, so that there are as many as the ratio of the rates says.
    pub(super) fn finish(&mut self) -> Result<Vec<f32>> {
        let Some(active) = &mut self.0 else { return Ok(Vec::new()) };
        let wanted = (active.came as f64 * active.fft.resample_ratio()).round() as u64;
        let before = active.went;
        let mut rest = Vec::new();
        while active.went < wanted {
            let length = active.fft.input_frames_next();
            active.pending.resize(active.pending.len().max(length), 0.0);
            rest.extend(active.blocks()?);
        }
        rest.truncate((wanted - before) as usize);
        Ok(rest)
    }
}

impl Active {
    fn blocks(&mut self) -> Result<Vec<f32>> {
        let mut made = Vec::new();
        let mut at = 0;
        while self.pending.len() - at >= self.fft.input_frames_next() {
            let length = self.fft.input_frames_next();
            let block = SequentialSlice::new(&self.pending[at..at + length], 1, length);
            let block = block.map_err(|error| failed("another sample rate", error))?;
            let out = self.fft.process(&block, None).map_err(|error| failed("another sample rate", error))?;
            made.extend(out.take_data());
            at += length;
        }
        self.pending.drain(..at);
        let late = self.delay.min(made.len());
        self.delay -= late;
        made.drain(..late);
        self.went += made.len() as u64;
        Ok(made)
    }
}
