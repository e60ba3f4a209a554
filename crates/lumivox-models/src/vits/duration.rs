//! Duration predictors: the stochastic one of VITS, run backwards, and the plain regression (`StochasticDurationPredictor`, `DurationPredictor`).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Activation, ChannelNorm, Conv1d, Conv1dConfig, Epilogue, Prologue, Signal, spline_inverse};

use super::config::Config;
use crate::layers::{channel_norm, conv1d, conv1d_same};

/// Layers of a [`DdsConv`]; VITS has the number in code.
pub(super) const DDS_LAYERS: usize = 3;

pub(super) enum DurationPredictor {
    Stochastic(Stochastic),
    Regression(Regression),
}

impl DurationPredictor {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        Ok(if config.use_sdp {
            Self::Stochastic(Stochastic::new(config, vb)?)
        } else {
            Self::Regression(Regression::new(config, vb)?)
        })
    }

    /// Logarithms of durations, `(1, 1, T)`: `x: (1, hidden, T)`, `g: (1, gin, 1)`, `noise: (1, 2, T)`, scaled already, which the regression does not read.
    pub(super) fn forward(&self, x: &Tensor, g: Option<&Tensor>, noise: &Tensor) -> Result<Tensor> {
        match self {
            Self::Stochastic(predictor) => predictor.forward(x, g, noise),
            Self::Regression(predictor) => predictor.forward(x, g),
        }
    }
}

/// The pointwise convolution that a speaker's embedding goes through, where there is one.
fn condition(config: &Config, vb: &VarBuilder, channels: usize) -> Result<Option<Conv1d>> {
    let cond = |gin| conv1d(vb.pp("cond"), gin, channels, 1, Default::default());
    config.speaker_channels().map(cond).transpose()
}

/// `x` plus what the speaker adds to every step.
fn conditioned(x: Tensor, cond: Option<&Conv1d>, g: Option<&Tensor>) -> Result<Tensor> {
    match (cond, g) {
        (Some(cond), Some(g)) => x.broadcast_add(&cond.forward(g)?),
        _ => Ok(x),
    }
}

pub(super) struct Stochastic {
    pre: Conv1d,
    cond: Option<Conv1d>,
    convs: DdsConv,
    proj: Conv1d,
    /// Mean and logarithm of the deviation of the first flow, `(1, 2, 1)`.
    affine: (Tensor, Tensor),
    /// In the order in which inference runs them: the last one first. The very first one is left out, as in the reference.
    flows: Vec<ConvFlow>,
}

impl Stochastic {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, filter) = (config.hidden_channels, config.dp_filter_channels);
        let affine = |name: &str| vb.get((2, 1), &format!("flows.0.{name}"))?.unsqueeze(0);
        // Flows alternate with flips: 1, 3, 5 …; 1 is left out.
        let flows = (1..config.dp_n_flows).rev().map(|i| ConvFlow::new(config, vb.pp(format!("flows.{}", 2 * i + 1))));
        Ok(Self {
            pre: conv1d(vb.pp("pre"), hidden, filter, 1, Default::default())?,
            cond: condition(config, &vb, filter)?,
            convs: DdsConv::new(config, vb.pp("convs"), filter)?,
            proj: conv1d(vb.pp("proj"), filter, filter, 1, Default::default())?,
            affine: (affine("m")?, affine("logs")?),
            flows: flows.collect::<Result<_>>()?,
        })
    }

    fn forward(&self, x: &Tensor, g: Option<&Tensor>, noise: &Tensor) -> Result<Tensor> {
        let x = conditioned(self.pre.forward(x)?, self.cond.as_ref(), g)?;
        let x = self.convs.forward(Signal::from_tensor(&x)?)?;
        let x = self.proj.fused(&x, Prologue::default(), Epilogue::default())?;
        let mut z = noise.clone();
        for flow in &self.flows {
            z = flow.inverse(&flip(&z)?, &x)?;
        }
        let (mean, logs) = &self.affine;
        let z = flip(&z)?.broadcast_sub(mean)?.broadcast_mul(&logs.neg()?.exp()?)?;
        z.narrow(1, 0, 1)
    }
}

/// Swaps the two channels.
fn flip(z: &Tensor) -> Result<Tensor> {
    Tensor::cat(&[z.narrow(1, 1, 1)?, z.narrow(1, 0, 1)?], 1)
}

/// A coupling whose second channel goes through a spline that the first channel and the text shape.
struct ConvFlow {
    pre: Conv1d,
    convs: DdsConv,
    proj: Conv1d,
    num_bins: usize,
    tail_bound: f64,
    filter: usize,
}

impl ConvFlow {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let filter = config.dp_filter_channels;
        Ok(Self {
            pre: conv1d(vb.pp("pre"), 1, filter, 1, Default::default())?,
            convs: DdsConv::new(config, vb.pp("convs"), filter)?,
            proj: conv1d(vb.pp("proj"), filter, 3 * config.dp_num_bins - 1, 1, Default::default())?,
            num_bins: config.dp_num_bins,
            tail_bound: config.dp_tail_bound,
            filter,
        })
    }

    /// `z: (1, 2, T)`, `x: (1, filter, T)` → `(1, 2, T)`.
    fn inverse(&self, z: &Tensor, x: &Signal) -> Result<Tensor> {
        let (z0, z1) = (z.narrow(1, 0, 1)?, z.narrow(1, 1, 1)?);
        let conditioned = Epilogue { residual: Some(x), ..Default::default() };
        let h = self.convs.forward(self.pre.fused(&Signal::from_tensor(&z0)?, Prologue::default(), conditioned)?)?;
        let parameters = self.proj.fused(&h, Prologue::default(), Epilogue::default())?.into_tensor()?;
        // Widths and heights are scaled by the width of the layer that they come from.
        let scale = (self.filter as f64).powf(-0.5);
        let shapes = (parameters.narrow(1, 0, 2 * self.num_bins)? * scale)?;
        let slopes = parameters.narrow(1, 2 * self.num_bins, self.num_bins - 1)?;
        let parameters = Tensor::cat(&[shapes, slopes], 1)?;
        Tensor::cat(&[z0, spline_inverse(&z1, &parameters, self.tail_bound)?], 1)
    }
}

/// Dilated and depth-separable convolutions (`DDSConv`).
struct DdsConv {
    layers: Vec<DdsLayer>,
    /// Tokens to either side that a token depends on.
    reach: usize,
}

struct DdsLayer {
    sep: Conv1d,
    norm_1: ChannelNorm,
    pointwise: Conv1d,
    norm_2: ChannelNorm,
}

impl DdsConv {
    fn new(config: &Config, vb: VarBuilder, channels: usize) -> Result<Self> {
        let kernel = config.dp_kernel_size;
        let layer = |i: usize| {
            let dilation = kernel.pow(i as u32);
            let padding = (kernel - 1) * dilation / 2;
            let separable = Conv1dConfig { padding, dilation, groups: channels, ..Default::default() };
            Ok(DdsLayer {
                sep: conv1d(vb.pp(format!("convs_sep.{i}")), channels, channels, kernel, separable)?,
                norm_1: channel_norm(vb.pp(format!("norms_1.{i}")), channels)?,
                pointwise: conv1d(vb.pp(format!("convs_1x1.{i}")), channels, channels, 1, Default::default())?,
                norm_2: channel_norm(vb.pp(format!("norms_2.{i}")), channels)?,
            })
        };
        let reach = (0..DDS_LAYERS).map(|i| (kernel - 1) / 2 * kernel.pow(i as u32)).sum();
        Ok(Self { layers: (0..DDS_LAYERS).map(layer).collect::<Result<_>>()?, reach })
    }

    /// `(1, C, T) → (1, C, T)`. Each thread takes its part of the tokens through all layers, for these are too short to be shared out one by one.
    fn forward(&self, x: Signal) -> Result<Signal> {
        x.in_parts(self.reach, |part| self.compute(part))
    }

    fn compute(&self, mut x: Signal) -> Result<Signal> {
        for layer in &self.layers {
            let y = layer.sep.fused(&x, Prologue::default(), Epilogue::default())?;
            let y = layer.norm_1.fused(y, &Activation::Gelu, None)?;
            let y = layer.pointwise.fused(&y, Prologue::default(), Epilogue::default())?;
            x = layer.norm_2.fused(y, &Activation::Gelu, Some(&x))?;
        }
        Ok(x)
    }
}

pub(super) struct Regression {
    cond: Option<Conv1d>,
    layers: [(Conv1d, ChannelNorm); 2],
    proj: Conv1d,
}

impl Regression {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, filter, kernel) = (config.hidden_channels, config.dp_filter_channels, config.dp_kernel_size);
        let layer = |i: usize, c_in: usize| -> Result<_> {
            let conv = conv1d_same(vb.pp(format!("conv_{i}")), c_in, filter, kernel, 1)?;
            Ok((conv, channel_norm(vb.pp(format!("norm_{i}")), filter)?))
        };
        Ok(Self {
            cond: condition(config, &vb, hidden)?,
            layers: [layer(1, hidden)?, layer(2, filter)?],
            proj: conv1d(vb.pp("proj"), filter, 1, 1, Default::default())?,
        })
    }

    fn forward(&self, x: &Tensor, g: Option<&Tensor>) -> Result<Tensor> {
        let mut x = conditioned(x.clone(), self.cond.as_ref(), g)?;
        for (conv, norm) in &self.layers {
            x = norm.forward(&conv.forward(&x)?.relu()?)?;
        }
        self.proj.forward(&x)
    }
}
