//! Duration predictors: the stochastic one, run backwards, and the plain regression.

use candle_core::Result;
use candle_nn::VarBuilder;
use lumivox_kernels::Conv1dConfig;
use lumivox_kernels::cuda::{Activation, ChannelNorm, Conv1d, Epilogue, Prologue, Signal, copy, spline_inverse};

use super::{On, conditioned, plain};
use crate::vits::{Config, DDS_LAYERS};

pub(super) enum DurationPredictor {
    Stochastic(Stochastic),
    Regression(Regression),
}

impl DurationPredictor {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        Ok(if config.use_sdp {
            Self::Stochastic(Stochastic::new(on, config, vb)?)
        } else {
            Self::Regression(Regression::new(on, config, vb)?)
        })
    }

    /// Logarithms of durations, `(B, 1, T)`: `x: (B, hidden, T)`, `g: (B, gin, 1)`, `noise: (B, 2, T)`, scaled already, which the regression does not read.
    pub(super) fn forward(&self, x: &Signal, g: Option<&Signal>, noise: &Signal) -> Result<Signal> {
        match self {
            Self::Stochastic(predictor) => predictor.forward(x, g, noise),
            Self::Regression(predictor) => predictor.forward(x, g),
        }
    }
}

/// The pointwise convolution that a speaker's embedding goes through, where there is one.
fn condition(on: On, config: &Config, vb: &VarBuilder, channels: usize) -> Result<Option<Conv1d>> {
    let cond = |gin| on.conv1d(vb.pp("cond"), gin, channels, 1, Default::default());
    config.speaker_channels().map(cond).transpose()
}

pub(super) struct Stochastic {
    pre: Conv1d,
    cond: Option<Conv1d>,
    convs: DdsConv,
    proj: Conv1d,
    /// The first flow, backwards, for the one channel that is asked for: `(z − m)/e^logs`.
    affine: Conv1d,
    /// In the order in which inference runs them: the last one first. The very first one is left out, as in the reference.
    flows: Vec<ConvFlow>,
}

impl Stochastic {
    fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, filter) = (config.hidden_channels, config.dp_filter_channels);
        let first = |name: &str| vb.get((2, 1), &format!("flows.0.{name}"))?.narrow(0, 0, 1)?.flatten_all();
        let scale = first("logs")?.neg()?.exp()?;
        let shift = (first("m")? * &scale)?.neg()?;
        let flows =
            (1..config.dp_n_flows).rev().map(|i| ConvFlow::new(on, config, vb.pp(format!("flows.{}", 2 * i + 1))));
        Ok(Self {
            pre: on.conv1d(vb.pp("pre"), hidden, filter, 1, Default::default())?,
            cond: condition(on, config, &vb, filter)?,
            convs: DdsConv::new(on, config, vb.pp("convs"), filter)?,
            proj: on.conv1d(vb.pp("proj"), filter, filter, 1, Default::default())?,
            affine: on.conv1d_of(&scale.reshape((1, 1, 1))?, Some(&shift), Conv1dConfig::default())?,
            flows: flows.collect::<Result<_>>()?,
        })
    }

    fn forward(&self, x: &Signal, g: Option<&Signal>, noise: &Signal) -> Result<Signal> {
        let x = plain(&self.pre, x)?;
        conditioned(&x, self.cond.as_ref(), g)?;
        let x = plain(&self.proj, &self.convs.forward(x)?)?;
        let (mut z0, mut z1) = (noise.channels(0..1)?, noise.channels(1..2)?);
        for flow in &self.flows {
            // Each finds the channels swapped.
            (z0, z1) = (z1, z0);
            z1 = flow.inverse(&z0, &z1, &x)?;
        }
        plain(&self.affine, &z1)
    }
}

/// A coupling whose second channel goes through a spline that the first channel and the text shape.
struct ConvFlow {
    pre: Conv1d,
    convs: DdsConv,
    proj: Conv1d,
    tail_bound: f64,
    /// Widths and heights are scaled by the width of the layer that they come from.
    shape_scale: f64,
}

impl ConvFlow {
    fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let filter = config.dp_filter_channels;
        Ok(Self {
            pre: on.conv1d(vb.pp("pre"), 1, filter, 1, Default::default())?,
            convs: DdsConv::new(on, config, vb.pp("convs"), filter)?,
            proj: on.conv1d(vb.pp("proj"), filter, 3 * config.dp_num_bins - 1, 1, Default::default())?,
            tail_bound: config.dp_tail_bound,
            shape_scale: (filter as f64).powf(-0.5),
        })
    }

    /// The second channel: `z0`, `z1: (B, 1, T)`, `x: (B, filter, T)` → `(B, 1, T)`.
    fn inverse(&self, z0: &Signal, z1: &Signal, x: &Signal) -> Result<Signal> {
        let with_text = Epilogue { residual: Some(x), ..Default::default() };
        let h = self.convs.forward(self.pre.fused(z0, Prologue::default(), with_text)?)?;
        spline_inverse(z1, &plain(&self.proj, &h)?, self.shape_scale, self.tail_bound, None)
    }
}

/// Dilated and depth-separable convolutions.
struct DdsConv(Vec<DdsLayer>);

struct DdsLayer {
    sep: Conv1d,
    norm_1: ChannelNorm,
    pointwise: Conv1d,
    norm_2: ChannelNorm,
}

impl DdsConv {
    fn new(on: On, config: &Config, vb: VarBuilder, channels: usize) -> Result<Self> {
        let kernel = config.dp_kernel_size;
        let layer = |i: usize| {
            let dilation = kernel.pow(i as u32);
            let padding = (kernel - 1) * dilation / 2;
            let separable = Conv1dConfig { padding, dilation, groups: channels, ..Default::default() };
            Ok(DdsLayer {
                sep: on.conv1d(vb.pp(format!("convs_sep.{i}")), channels, channels, kernel, separable)?,
                norm_1: on.channel_norm(vb.pp(format!("norms_1.{i}")), channels)?,
                pointwise: on.conv1d(vb.pp(format!("convs_1x1.{i}")), channels, channels, 1, Default::default())?,
                norm_2: on.channel_norm(vb.pp(format!("norms_2.{i}")), channels)?,
            })
        };
        Ok(Self((0..DDS_LAYERS).map(layer).collect::<Result<_>>()?))
    }

    /// `(B, C, T) → (B, C, T)`.
    fn forward(&self, mut x: Signal) -> Result<Signal> {
        for layer in &self.0 {
            let y = layer.norm_1.fused(&plain(&layer.sep, &x)?, &Activation::Gelu, None, None)?;
            x = layer.norm_2.fused(&plain(&layer.pointwise, &y)?, &Activation::Gelu, Some(&x), None)?;
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
    fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, filter, kernel) = (config.hidden_channels, config.dp_filter_channels, config.dp_kernel_size);
        let layer = |i: usize, c_in: usize| -> Result<_> {
            let conv = on.conv1d_same(vb.pp(format!("conv_{i}")), c_in, filter, kernel, 1)?;
            Ok((conv, on.channel_norm(vb.pp(format!("norm_{i}")), filter)?))
        };
        Ok(Self {
            cond: condition(on, config, &vb, hidden)?,
            layers: [layer(1, hidden)?, layer(2, filter)?],
            proj: on.conv1d(vb.pp("proj"), filter, 1, 1, Default::default())?,
        })
    }

    fn forward(&self, x: &Signal, g: Option<&Signal>) -> Result<Signal> {
        let (batch, channels, tokens) = x.dims();
        let mut x = match g {
            // What the text encoder said goes on to the prior as it is.
            Some(_) => {
                let own = Signal::new(x.device(), x.dtype(), [batch, channels, tokens], x.lengths().clone())?;
                copy(x, own)?
            }
            None => x.clone(),
        };
        conditioned(&x, self.cond.as_ref(), g)?;
        for (conv, norm) in &self.layers {
            let relu = Epilogue { activation: Activation::LeakyRelu(0.0), ..Default::default() };
            x = norm.fused(&conv.fused(&x, Prologue::default(), relu)?, &Activation::None, None, None)?;
        }
        plain(&self.proj, &x)
    }
}
