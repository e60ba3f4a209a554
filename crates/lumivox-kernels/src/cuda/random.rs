//! Reproducible normal noise.

use candle_core::{Result, bail};

use super::device::{Device, Launch, arguments};
use super::signal::{Dtype, Lengths, Signal};

/// The most utterances, whose keys fit a kernel's parameters.
const MAX_BATCH: usize = 64;

/// `NormalKeys` in `random.cu`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Keys {
    seeds: [u64; MAX_BATCH],
    streams: [[u32; 2]; MAX_BATCH],
}

/// As [`crate::fill_normal`], on a device: standard normal values times `scale`, `(B, C, L)` of [`Dtype::F32`]. Utterance `b`'s value of channel `c` and step `t` is
/// that of index `c·length + t` in `streams[b]` of `seeds[b]`, `length` being its own. Up to 64 utterances; nothing is copied to the device.
///
/// Values are those of [`crate::normal_reference`] but where the device's logarithm, sine and cosine in `f64` differ from the host's next to the middle between two
/// `f32` values: 1 unit in the last place.
///
/// # Errors
/// If there are not as many seeds and streams as utterances or too many, or the device fails.
pub fn fill_normal(
    device: &Device,
    seeds: &[u64],
    streams: &[[u32; 2]],
    dims: [usize; 3],
    lengths: Lengths,
    scale: f32,
) -> Result<Signal> {
    let y = Signal::new(device, Dtype::F32, dims, lengths)?;
    fill_normal_into(&y, seeds, streams, scale)?;
    Ok(y)
}

/// [`fill_normal`] in the memory of `y`, which is a whole signal of [`Dtype::F32`].
///
/// # Errors
/// As [`fill_normal`].
pub fn fill_normal_into(y: &Signal, seeds: &[u64], streams: &[[u32; 2]], scale: f32) -> Result<()> {
    let (batch, channels, steps) = y.dims();
    y.check(y.dims(), Dtype::F32, "normal", "output")?;
    if seeds.len() != batch || streams.len() != batch || batch > MAX_BATCH {
        bail!("normal: {} seeds and {} streams for {batch} utterances", seeds.len(), streams.len());
    }
    let mut keys = Keys { seeds: [0; MAX_BATCH], streams: [[0; 2]; MAX_BATCH] };
    keys.seeds[..batch].copy_from_slice(seeds);
    keys.streams[..batch].copy_from_slice(streams);
    let launch = Launch::new("normal_f32", [(channels * steps).div_ceil(4 * 256), 1, batch], 256);
    // SAFETY: these are the kernel's parameters, and it writes the signal's own values.
    unsafe { y.device().launch(&launch, arguments![y.view(), scale, keys]) }
}
