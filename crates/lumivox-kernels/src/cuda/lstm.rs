//! Bidirectional long short-term memory.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::conv1d::Conv1d;
use super::device::{Buffer, Device, Launch, arguments};
use super::fuse::{Epilogue, Prologue};
use super::signal::{Dtype, Signal};
use crate::LstmWeights;
use crate::conv1d::Conv1dConfig;
use crate::op::to_vec;

/// The most blocks of a direction: more would wait longer for each other than they save.
const MAX_BLOCKS: usize = 32;
/// A block's warps, each of which takes a unit at a time.
const WARPS: usize = 8;
/// Utterances whose states a block has in its shared memory at a time.
const STAGED: usize = 8;
/// The most utterances, whose cell states are in shared memory.
const MAX_BATCH: usize = 64;
/// Shared memory up to which a direction is a single block.
const SMALL_BYTES: usize = 48 * 1024;

/// As [`crate::BiLstm`], on a device, channel-major. Up to 64 utterances.
///
/// The error against [`crate::lstm_reference`] stays within 2e-5 over hundreds of steps.
#[derive(Clone, Debug)]
pub struct BiLstm {
    /// What the inputs add to the gates, forward and then backward: `(B, I, T) → (B, 8H, T)`.
    inputs: Conv1d,
    /// `[2][H][4][H]`.
    weight_hh: Arc<Buffer>,
    hidden: usize,
}

impl BiLstm {
    /// Packs both directions.
    ///
    /// # Errors
    /// If the shapes do not fit each other, or there is no memory for them.
    pub fn new(device: &Device, forward: LstmWeights, backward: LstmWeights) -> Result<Self> {
        let (rows, hidden) = forward.weight_hh.dims2()?;
        if rows != 4 * hidden || hidden == 0 {
            bail!("lstm: recurrent weights {:?}", forward.weight_hh.shape());
        }
        let directions = [forward, backward];
        let width = forward.weight_ih.dim(1)?;
        let mut weight_hh = Vec::with_capacity(2 * rows * hidden);
        for weights in directions {
            let fits = weights.weight_hh.dims() == [rows, hidden]
                && weights.weight_ih.dims() == [rows, width]
                && weights.bias_ih.dims() == [rows]
                && weights.bias_hh.dims() == [rows];
            if !fits {
                bail!("lstm: recurrent weights {:?} do not fit the others", weights.weight_hh.shape());
            }
            let values = to_vec(weights.weight_hh)?;
            for (unit, gate) in (0..hidden).flat_map(|unit| (0..4).map(move |gate| (unit, gate))) {
                weight_hh.extend_from_slice(&values[(gate * hidden + unit) * hidden..][..hidden]);
            }
        }
        let weight_ih = Tensor::cat(&directions.map(|weights| weights.weight_ih), 0)?.unsqueeze(2)?;
        let bias_ih = Tensor::cat(&directions.map(|weights| weights.bias_ih), 0)?;
        let bias_hh = Tensor::cat(&directions.map(|weights| weights.bias_hh), 0)?;
        let bias = (bias_ih + bias_hh)?;
        let inputs = Conv1d::new(device, Dtype::F32, &weight_ih, Some(&bias), Conv1dConfig::default())?;
        Ok(Self { inputs, weight_hh: Arc::new(device.upload(&weight_hh)?), hidden })
    }

    /// `x: (B, I, T) → (B, 2H, T)`, [`Dtype::F32`]: forward states in the first half of the channels, backward in the second, which begin at each utterance's own
    /// end. Written to `out` if there is one, which may be some channels of a larger signal.
    ///
    /// # Errors
    /// If `x` or `out` is of other channels or type, there are more than 64 utterances, or the device fails.
    pub fn forward(&self, x: &Signal, out: Option<Signal>) -> Result<Signal> {
        let (batch, _, tokens) = x.dims();
        let hidden = self.hidden;
        if batch > MAX_BATCH {
            bail!("lstm: {batch} utterances, of at most {MAX_BATCH}");
        }
        let gates = self.inputs.fused(x, Prologue::default(), Epilogue::default())?;
        let (dims, device) = ((batch, 2 * hidden, tokens), x.device());
        let y = match out {
            Some(out) => {
                out.check(dims, Dtype::F32, "lstm", "output")?;
                out
            }
            None => Signal::new(device, Dtype::F32, dims.into(), x.lengths().clone())?,
        };
        let states = device.allocate::<f32>(2 * batch * 2 * hidden)?;
        let counters = device.allocate::<u32>(64)?;
        let (launch, units) = launch(device, batch, hidden)?;
        // SAFETY: these are the kernels' parameters, and the operands' shapes were checked.
        unsafe {
            device.launch(&Launch::new("lstm_clear", [1, 1, 1], 64), arguments![counters.address])?;
            let (weight, states, counters) = (self.weight_hh.address, states.address, counters.address);
            let (gates, view, batch, hidden) = (gates.view(), y.view(), batch as i32, hidden as i32);
            device.launch(&launch, arguments![gates, view, weight, states, counters, batch, hidden, units])?;
        }
        Ok(y)
    }
}

/// How the units are spread over blocks, and how many of them a block has: all blocks of both directions must run at once.
fn launch(device: &Device, batch: usize, hidden: usize) -> Result<(Launch, i32)> {
    let others = |units: usize| (STAGED * hidden + batch * units + batch) * 4;
    let weights = |units: usize| units * 4 * hidden * 4;
    let of = |name, units: usize, bytes| {
        let launch = Launch::new(name, [hidden.div_ceil(units), 2, 1], 32 * WARPS as u32).shared(bytes);
        (Launch { cooperative: true, ..launch }, units as i32)
    };
    if others(hidden) + weights(hidden) <= SMALL_BYTES {
        return Ok(of("lstm_f32", hidden, others(hidden) + weights(hidden)));
    }
    // Fewer blocks have more units each, and so more shared memory, of which a processor has the less for other blocks.
    let fewest = hidden.div_ceil(MAX_BLOCKS).max(WARPS);
    for units in fewest..=hidden {
        let (launch, units) = of("lstm_f32", units, others(units) + weights(units));
        if launch.shared_bytes as usize > device.max_shared_bytes() {
            break;
        }
        if 2 * launch.grid[0] as usize <= device.resident_blocks(&launch)? {
            return Ok((launch, units));
        }
    }
    for units in fewest..=hidden {
        let (launch, units) = of("lstm_large_f32", units, others(units));
        if launch.shared_bytes as usize > device.max_shared_bytes() {
            break;
        }
        if 2 * launch.grid[0] as usize <= device.resident_blocks(&launch)? {
            return Ok((launch, units));
        }
    }
    bail!("lstm: {hidden} units for {batch} utterances are too many for {}", device.name())
}
