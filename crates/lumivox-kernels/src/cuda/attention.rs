//! Multi-head self-attention over channel-major tokens, with or without relative positions.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::device::{Buffer, Device, Launch, arguments};
use super::signal::Signal;
use crate::op::to_vec;

/// Queries of a block, and keys that it takes at a time.
const TILE: usize = 32;
/// The most channels of a head.
const MAX_HEAD_DIM: usize = 128;
/// The most shared memory that a block gets without asking.
const MAX_SHARED_BYTES: usize = 48 * 1024;

/// Learned parts of scores and values for each distance `−window … window` between two tokens, the same for all heads (Shaw et al., 2018), on a device.
#[derive(Clone, Debug)]
pub struct RelativePositions {
    window: usize,
    head_dim: usize,
    /// `[2·window + 1][head_dim]`.
    keys: Arc<Buffer>,
    /// As the keys.
    values: Arc<Buffer>,
}

impl RelativePositions {
    /// From `keys` and `values`, both `(2·window + 1, head_dim)`.
    ///
    /// # Errors
    /// If their shapes differ, the number of rows is even, or there is no memory for them.
    pub fn new(device: &Device, keys: &Tensor, values: &Tensor) -> Result<Self> {
        let (rows, head_dim) = keys.dims2()?;
        if values.dims() != keys.dims() || rows % 2 == 0 {
            bail!("relative positions: keys {:?} and values {:?}", keys.shape(), values.shape());
        }
        let [keys, values] = [Arc::new(device.upload(&to_vec(keys)?)?), Arc::new(device.upload(&to_vec(values)?)?)];
        Ok(Self { window: rows / 2, head_dim, keys, values })
    }
}

/// As [`crate::attention`], on a device: `softmax(q·k/√d + positions)·v` for each head of `d ≤ 128` channels, where `qkv: (B, 3·heads·d, T)` = `[q | k | v]` →
/// `(B, heads·d, T)`. Each utterance attends to its own tokens.
///
/// Sums are in `f32`; the error against [`crate::attention_reference`] stays within 1e-5 for operands of the order of one in [`super::Dtype::F32`], to which 16 bits add
/// the rounding of the result.
///
/// # Errors
/// If the channels do not divide among the heads, or into heads of more than 128, the positions are for another `d` or of a window beyond some fifty tokens, or the
/// device fails.
pub fn attention(qkv: &Signal, heads: usize, positions: Option<&RelativePositions>) -> Result<Signal> {
    let (batch, channels, tokens) = qkv.dims();
    if heads == 0 || channels % (3 * heads) != 0 || positions.is_some_and(|p| p.head_dim != channels / 3 / heads) {
        bail!("attention: {heads} heads of queries, keys and values in {channels} channels");
    }
    let head_dim = channels / 3 / heads;
    let distances = positions.map_or(0, |positions| 2 * positions.window + 1);
    // A query's channels, scores, eight sums and distances; as many keys' channels.
    let shared_bytes = 4 * TILE * (2 * head_dim + TILE + 8 + distances);
    if head_dim > MAX_HEAD_DIM || shared_bytes > MAX_SHARED_BYTES {
        bail!("attention: heads of {head_dim} channels with {distances} distances are too large for a block");
    }
    let y = qkv.output(channels / 3, None, "attention")?;
    let kernel = qkv.dtype().of("attention_f32", "attention_f16");
    let launch = Launch::new(kernel, [tokens.div_ceil(TILE), heads, batch], 256).shared(shared_bytes);
    let [keys, values] = positions.map_or([0, 0], |positions| [positions.keys.address, positions.values.address]);
    let window = positions.map_or(0, |positions| positions.window as i32);
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { qkv.device().launch(&launch, arguments![qkv.view(), y.view(), keys, values, window])? };
    Ok(y)
}
