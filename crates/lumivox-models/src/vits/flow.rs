//! The prior's flow, run backwards: couplings with WaveNets inside (`ResidualCouplingBlock` of VITS).

use std::ops::Range;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Algorithm, Conv1d, Conv1dConfig, Epilogue, Prologue, Signal, gate};

use super::config::Config;
use crate::layers::{conv1d, conv1d_by, lcm};

pub(super) struct Flow {
    /// In the order in which inference runs them: the last one first.
    couplings: Vec<Coupling>,
}

impl Flow {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        // Couplings alternate with flips: 0, 2, 4 … Each second one finds the channels in reverse order.
        // What runs last, i = 0, is computed directly: its frames then depend on few others, which shortens the wait for the first piece of a stream.
        let coupling = |i: usize| {
            let algorithm = if i == 0 { Algorithm::Direct } else { Algorithm::Winograd };
            Coupling::new(config, vb.pp(format!("flows.{}", 2 * i)), (config.n_flows - i) % 2 == 1, algorithm)
        };
        Ok(Self { couplings: (0..config.n_flows).rev().map(coupling).collect::<Result<_>>()? })
    }

    /// The frames of the input that `frames` of the output are computed from, of `total` that there are. They begin where all layers' [grains](Conv1d::grain) do, so that
    /// what is computed from them is what is computed from all.
    pub(super) fn receptive_field(&self, frames: Range<usize>, total: usize) -> Range<usize> {
        let field =
            self.layers().rev().fold(frames.start as i64..frames.end as i64, |frames, layer| layer.inputs(frames));
        let alignment = self.layers().fold(1, |frames, layer| lcm(frames, layer.grain()));
        let start = field.start.clamp(0, total as i64) as usize;
        start / alignment * alignment..field.end.clamp(0, total as i64) as usize
    }

    /// The convolutions that look at more than one frame, in the order in which they run.
    fn layers(&self) -> impl DoubleEndedIterator<Item = &Conv1d> {
        self.couplings.iter().flat_map(|coupling| &coupling.enc.layers).map(|layer| &layer.in_layer)
    }

    /// The first `wanted` frames for `z_p: (1, inter, F)` and `g: (1, gin, 1)`, `(1, inter, wanted)`.
    pub(super) fn inverse(&self, z_p: &Tensor, wanted: usize, g: Option<&Tensor>) -> Result<Tensor> {
        let (_, inter, total) = z_p.dims3()?;
        let half = inter / 2;
        // What each layer has to make of the frames that it gets: those that the layers behind it look at.
        let mut kept = Vec::new();
        self.layers().rev().fold(wanted, |frames, layer| {
            kept.push(frames);
            (layer.inputs(0..frames as i64).end as usize).min(total)
        });
        kept.reverse();
        let mut kept = &kept[..];
        let mut low = Signal::from_tensor(&z_p.narrow(1, 0, half)?)?;
        let mut high = Signal::from_tensor(&z_p.narrow(1, half, half)?)?;
        for coupling in &self.couplings {
            let (here, rest) = kept.split_at(coupling.enc.layers.len());
            kept = rest;
            (low, high) = if coupling.flipped {
                let (high, low) = coupling.inverse(high, low, here, g)?;
                (low, high)
            } else {
                coupling.inverse(low, high, here, g)?
            };
        }
        let (low, high) = (low.truncate(wanted)?, high.truncate(wanted)?);
        let z = Tensor::cat(&[low.into_tensor()?, high.into_tensor()?], 1)?;
        if self.couplings.len() % 2 == 1 { z.flip(&[1]) } else { Ok(z) }
    }
}

/// One half of the channels is shifted by what a WaveNet makes of the other.
struct Coupling {
    /// Whether it finds the channels in reverse order. They are left as they are, and its weights turned round instead.
    flipped: bool,
    pre: Conv1d,
    enc: WaveNet,
    post: Conv1d,
}

/// Weights and biases of a coupling's first and last convolution, turned round for channels in reverse order.
pub(crate) fn coupling_tensors(config: &Config, vb: &VarBuilder, flipped: bool) -> Result<[(Tensor, Tensor); 2]> {
    let (half, hidden) = (config.inter_channels / 2, config.hidden_channels);
    let turned = |x: Tensor, dim: usize| if flipped { x.flip(&[dim]) } else { Ok(x) };
    let (pre, post) = (vb.pp("pre"), vb.pp("post"));
    Ok([
        (turned(pre.get((hidden, half, 1), "weight")?, 1)?, pre.get(hidden, "bias")?),
        (turned(post.get((half, hidden, 1), "weight")?, 0)?, turned(post.get(half, "bias")?, 0)?),
    ])
}

impl Coupling {
    fn new(config: &Config, vb: VarBuilder, flipped: bool, algorithm: Algorithm) -> Result<Self> {
        let [pre, post] = coupling_tensors(config, &vb, flipped)?;
        Ok(Self {
            flipped,
            pre: Conv1d::new(&pre.0, Some(&pre.1), Conv1dConfig::default())?,
            enc: WaveNet::new(config, vb.pp("enc"), algorithm)?,
            post: Conv1d::new(&post.0, Some(&post.1), Conv1dConfig::default())?,
        })
    }

    /// `given: (1, inter/2, F)`, and `shifted: (1, inter/2, F)` minus what `given` says of its mean; of both, what the last layer keeps, see [`WaveNet::forward`].
    fn inverse(&self, given: Signal, shifted: Signal, kept: &[usize], g: Option<&Tensor>) -> Result<(Signal, Signal)> {
        let h = self.enc.forward(self.pre.fused(&given, Prologue::default(), Epilogue::default())?, kept, g)?;
        let frames = h.dims().2;
        let subtracted = Epilogue { scale: -1.0, add_to: Some(shifted.truncate(frames)?), ..Default::default() };
        Ok((given.truncate(frames)?, self.post.fused(&h, Prologue::default(), subtracted)?))
    }
}

/// Gated convolutions with residual and skip connections (`WN` of VITS, dilation 1).
struct WaveNet {
    cond_layer: Option<Conv1d>,
    layers: Vec<WaveNetLayer>,
    hidden: usize,
}

struct WaveNetLayer {
    in_layer: Conv1d,
    /// The first half of `res_skip_layers`, which goes on to the next layer; the last layer has none.
    res: Option<Conv1d>,
    /// The second half, which is part of the output.
    skip: Conv1d,
}

impl WaveNet {
    fn new(config: &Config, vb: VarBuilder, algorithm: Algorithm) -> Result<Self> {
        let (hidden, layers) = (config.hidden_channels, config.flow_layers);
        let cond = |gin| conv1d(vb.pp("cond_layer"), gin, 2 * hidden * layers, 1, Default::default());
        Ok(Self {
            cond_layer: config.speaker_channels().map(cond).transpose()?,
            layers: (0..layers).map(|i| WaveNetLayer::new(config, i, &vb, algorithm)).collect::<Result<_>>()?,
            hidden,
        })
    }

    /// `x: (1, hidden, F) → (1, hidden, kept)`: each layer keeps so many of its first frames, the last one of `kept` to the end.
    fn forward(&self, mut x: Signal, kept: &[usize], g: Option<&Tensor>) -> Result<Signal> {
        let hidden = self.hidden;
        let cond = match (&self.cond_layer, g) {
            (Some(layer), Some(g)) => Some(layer.forward(g)?),
            _ => None,
        };
        let mut output = None::<Signal>;
        for (i, (layer, &frames)) in self.layers.iter().zip(kept).enumerate() {
            let cond = cond.as_ref().map(|cond| cond.narrow(1, 2 * hidden * i, 2 * hidden)).transpose()?;
            let a = layer.in_layer.fused(&x, Prologue::default(), Epilogue::default())?;
            let a = gate(&a.truncate(frames)?, cond.as_ref())?;
            if let Some(res) = &layer.res {
                let add_to = Some(x.truncate(frames)?);
                x = res.fused(&a, Prologue::default(), Epilogue { add_to, ..Default::default() })?;
            }
            let add_to = output.take().map(|output| output.truncate(frames)).transpose()?;
            output = Some(layer.skip.fused(&a, Prologue::default(), Epilogue { add_to, ..Default::default() })?);
        }
        Ok(output.unwrap_or(x))
    }
}

/// Weight and bias of what goes on to the next layer, which the last one has none of, and of what is part of the output.
pub(crate) type ResSkip = (Option<(Tensor, Tensor)>, (Tensor, Tensor));

/// The two halves of `res_skip_layers.{i}`.
pub(crate) fn res_skip_tensors(config: &Config, i: usize, vb: &VarBuilder) -> Result<ResSkip> {
    let hidden = config.hidden_channels;
    let is_last = i + 1 == config.flow_layers;
    let outputs = if is_last { hidden } else { 2 * hidden };
    let res_skip = vb.pp(format!("res_skip_layers.{i}"));
    let (weight, bias) = (res_skip.get((outputs, hidden, 1), "weight")?, res_skip.get(outputs, "bias")?);
    let part = |from: usize| -> Result<_> { Ok((weight.narrow(0, from, hidden)?, bias.narrow(0, from, hidden)?)) };
    Ok((if is_last { None } else { Some(part(0)?) }, part(outputs - hidden)?))
}

impl WaveNetLayer {
    fn new(config: &Config, i: usize, vb: &VarBuilder, algorithm: Algorithm) -> Result<Self> {
        let hidden = config.hidden_channels;
        let pointwise = |(weight, bias): (Tensor, Tensor)| Conv1d::new(&weight, Some(&bias), Conv1dConfig::default());
        let (res, skip) = res_skip_tensors(config, i, vb)?;
        Ok(Self {
            in_layer: conv1d_by(
                algorithm,
                vb.pp(format!("in_layers.{i}")),
                hidden,
                2 * hidden,
                config.flow_kernel_size,
                1,
            )?,
            res: res.map(pointwise).transpose()?,
            skip: pointwise(skip)?,
        })
    }
}
