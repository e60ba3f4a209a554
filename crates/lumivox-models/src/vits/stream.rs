//! An utterance in pieces, each computed from no more than it depends on. Flow and generator are chains of convolutions, so that the pieces are exact: joined
//! they are what [`Vits::decode`] gives, but for the order of sums.

use std::ops::Range;

use candle_core::{Result, Tensor, bail};

use super::{Prosody, Vits};
use crate::probe::{Probe, probed};

/// How much longer each stretch of latent variable is than what is known of it. The flow needs as many frames again around a stretch as a short piece of audio
/// has, so stretches are few; and the first one is short, for it is waited for.
const GROWTH: usize = 8;

/// An utterance whose samples are asked for in pieces, in any order; one after the other costs least.
pub struct Stream<'a> {
    vits: &'a Vits,
    prosody: Prosody,
    /// What the flow begins with, `(1, inter_channels, F)`.
    z_p: Tensor,
    /// The latent variable's first frames, `(1, inter_channels, ≤ F)`, once there are some.
    z: Option<Tensor>,
}

impl Vits {
    /// The utterance of `prosody` with `noise: (1, inter_channels, F)`, as [`Vits::latent`] takes it.
    ///
    /// # Errors
    /// If `noise` has another shape.
    pub fn stream(&self, prosody: Prosody, noise: &Tensor, probe: &mut dyn Probe) -> Result<Stream<'_>> {
        let z_p = self.prior(&prosody, noise, probe)?;
        Ok(Stream { vits: self, prosody, z_p, z: None })
    }
}

impl Stream<'_> {
    /// Frames of the utterance.
    pub fn frames(&self) -> usize {
        self.vits.frames(&self.prosody)
    }

    /// What the utterance is made of.
    pub fn prosody(&self) -> &Prosody {
        &self.prosody
    }

    /// Samples `(L)` of `frames`. The probe sees the stages of this piece.
    ///
    /// # Errors
    /// If there are no such frames.
    pub fn decode(&mut self, frames: Range<usize>, probe: &mut dyn Probe) -> Result<Tensor> {
        let total = self.frames();
        if frames.is_empty() || frames.end > total {
            bail!("no frames {frames:?} among {total}");
        }
        let window = self.vits.dec.receptive_field(frames.clone(), total);
        let z = self.latent(window.end, probe)?.narrow(2, window.start, window.len())?.contiguous()?;
        let audio = self.vits.dec.forward(&z, self.prosody.g.as_ref(), probe)?.flatten_all()?;
        probe.reached("audio");
        let rate = self.vits.config.samples_per_frame();
        audio.narrow(0, (frames.start - window.start) * rate, frames.len() * rate)
    }

    /// The latent variable's first frames, `end` or more.
    fn latent(&mut self, end: usize, probe: &mut dyn Probe) -> Result<Tensor> {
        let known = self.z.as_ref().map_or(Ok(0), |z| z.dim(2))?;
        if let Some(z) = self.z.as_ref().filter(|_| end <= known) {
            return Ok(z.clone());
        }
        let total = self.frames();
        let end = end.max(GROWTH * known).min(total);
        let window = self.vits.flow.receptive_field(known..end, total);
        let z_p = self.z_p.narrow(2, window.start, window.len())?.contiguous()?;
        let z = probed(probe, "z", self.vits.flow.inverse(&z_p, end - window.start, self.prosody.g.as_ref())?);
        let z = z.narrow(2, known - window.start, end - known)?;
        let z = match &self.z {
            Some(before) => Tensor::cat(&[before, &z], 2)?,
            None => z.contiguous()?,
        };
        self.z = Some(z.clone());
        Ok(z)
    }
}
