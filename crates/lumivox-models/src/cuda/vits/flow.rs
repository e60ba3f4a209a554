//! The prior's flow, run backwards: couplings with WaveNets inside.

use std::ops::Range;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::Conv1dConfig;
use lumivox_kernels::cuda::{Conv1d, Epilogue, Prologue, Signal, gate};

use super::{On, plain};
use crate::vits::{Config, coupling_tensors, res_skip_tensors};

pub(super) struct Flow {
    /// In the order in which inference runs them: the last one first.
    couplings: Vec<Coupling>,
}

impl Flow {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let coupling = |i: usize| {
            let flipped = (config.n_flows - i) % 2 == 1;
            Coupling::new(on, config, vb.pp(format!("flows.{}", 2 * i)), flipped)
        };
        Ok(Self { couplings: (0..config.n_flows).rev().map(coupling).collect::<Result<_>>()? })
    }

    /// `z_p: (B, inter, F) → (B, inter, F)`, in its memory. With an odd number of couplings the channels come out in reverse order, see [`is_reversed`].
    pub(super) fn inverse(&self, z: Signal, g: Option<&Signal>) -> Result<Signal> {
        for coupling in &self.couplings {
            coupling.inverse(&z, g)?;
        }
        Ok(z)
    }
}

/// Whether the flow's output has its channels in reverse order: whoever reads it turns his weights round.
pub(super) fn is_reversed(config: &Config) -> bool {
    config.n_flows % 2 == 1
}

/// One half of the channels is shifted by what a WaveNet makes of the other. Couplings alternate with flips of the channels; these are left as they are, and the
/// weights of each second coupling turned round instead.
struct Coupling {
    given: Range<usize>,
    shifted: Range<usize>,
    pre: Conv1d,
    enc: WaveNet,
    post: Conv1d,
}

impl Coupling {
    fn new(on: On, config: &Config, vb: VarBuilder, flipped: bool) -> Result<Self> {
        let [pre, post] = coupling_tensors(config, &vb, flipped)?;
        let half = config.inter_channels / 2;
        let (low, high) = (0..half, half..2 * half);
        let (given, shifted) = if flipped { (high, low) } else { (low, high) };
        Ok(Self {
            given,
            shifted,
            pre: on.conv1d_of(&pre.0, Some(&pre.1), Conv1dConfig::default())?,
            enc: WaveNet::new(on, config, vb.pp("enc"))?,
            post: on.conv1d_of(&post.0, Some(&post.1), Conv1dConfig::default())?,
        })
    }

    /// Takes what the given half of `z: (B, inter, F)` says of the other's mean away from that.
    fn inverse(&self, z: &Signal, g: Option<&Signal>) -> Result<()> {
        let h = self.enc.forward(plain(&self.pre, &z.channels(self.given.clone())?)?, g)?;
        let out = Some(z.channels(self.shifted.clone())?);
        let subtracted = Epilogue { scale: -1.0, out, accumulate: true, ..Default::default() };
        self.post.fused(&h, Prologue::default(), subtracted).map(drop)
    }
}

/// Gated convolutions with residual and skip connections.
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
    fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, layers) = (config.hidden_channels, config.flow_layers);
        let cond = |gin| on.conv1d(vb.pp("cond_layer"), gin, 2 * hidden * layers, 1, Default::default());
        Ok(Self {
            cond_layer: config.speaker_channels().map(cond).transpose()?,
            layers: (0..layers).map(|i| WaveNetLayer::new(on, config, i, &vb)).collect::<Result<_>>()?,
            hidden,
        })
    }

    /// `x: (B, hidden, F) → (B, hidden, F)`, `x` being used up.
    fn forward(&self, x: Signal, g: Option<&Signal>) -> Result<Signal> {
        let cond = match (&self.cond_layer, g) {
            (Some(layer), Some(g)) => Some(plain(layer, g)?),
            _ => None,
        };
        let onto = |sum: Option<Signal>| {
            let accumulate = sum.is_some();
            Epilogue { out: sum, accumulate, ..Default::default() }
        };
        let mut output = None::<Signal>;
        for (i, layer) in self.layers.iter().enumerate() {
            let part = 2 * self.hidden * i..2 * self.hidden * (i + 1);
            let cond = cond.as_ref().map(|cond| cond.channels(part)).transpose()?;
            let acts = gate(&plain(&layer.in_layer, &x)?, cond.as_ref())?;
            if let Some(res) = &layer.res {
                res.fused(&acts, Prologue::default(), onto(Some(x.clone())))?;
            }
            output = Some(layer.skip.fused(&acts, Prologue::default(), onto(output.take()))?);
        }
        Ok(output.unwrap_or(x))
    }
}

impl WaveNetLayer {
    fn new(on: On, config: &Config, i: usize, vb: &VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        let pointwise = |(weight, bias): (Tensor, Tensor)| on.conv1d_of(&weight, Some(&bias), Conv1dConfig::default());
        let (res, skip) = res_skip_tensors(config, i, vb)?;
        let in_layer = vb.pp(format!("in_layers.{i}"));
        Ok(Self {
            in_layer: on.conv1d_same(in_layer, hidden, 2 * hidden, config.flow_kernel_size, 1)?,
            res: res.map(pointwise).transpose()?,
            skip: pointwise(skip)?,
        })
    }
}
