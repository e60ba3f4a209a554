//! The HiFi-GAN generator, with both kinds of residual block.

use candle_core::{Error, Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{Activation, Conv1d, ConvTranspose1d, Epilogue, Prologue, Signal};
use lumivox_kernels::{Conv1dConfig, ConvTranspose1dConfig};

use super::flow::is_reversed;
use super::{On, conditioned, plain, probed};
use crate::probe::Probe;
use crate::vits::{Config, END_KERNEL, ResBlockKind};

const LEAKY: Prologue<'static> = Prologue { affine: None, activation: Activation::LeakyRelu(0.1) };
/// In front of the last convolution the reference leaves PyTorch's default.
const LAST_LEAKY: Prologue<'static> = Prologue { affine: None, activation: Activation::LeakyRelu(0.01) };

pub(super) struct Generator {
    conv_pre: Conv1d,
    cond: Option<Conv1d>,
    stages: Vec<Stage>,
    conv_post: Conv1d,
}

struct Stage {
    ups: ConvTranspose1d,
    resblocks: Vec<ResBlock>,
}

/// Each step's convolutions, around which the step's input is carried.
struct ResBlock(Vec<Vec<Conv1d>>);

impl Generator {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder) -> Result<Self> {
        let initial = config.upsample_initial_channel;
        let stages = config.upsample_rates.len();
        let (pre, post) = (vb.pp("conv_pre"), vb.pp("conv_post"));
        // The original has no bias here; exports of other trainers have one.
        let bias = if post.contains_tensor("bias") { Some(post.get(1, "bias")?) } else { None };
        let weight = pre.get((initial, config.inter_channels, END_KERNEL), "weight")?;
        let weight = if is_reversed(config) { weight.flip(&[1])? } else { weight };
        let cond = |gin| on.f32().conv1d(vb.pp("cond"), gin, initial, 1, Default::default());
        let last: Tensor = post.get((1, initial >> stages, END_KERNEL), "weight")?;
        Ok(Self {
            conv_pre: on.conv1d_of(&weight, Some(&pre.get(initial, "bias")?), Conv1dConfig::same(END_KERNEL, 1))?,
            cond: config.speaker_channels().map(cond).transpose()?,
            stages: (0..stages).map(|i| Stage::new(on, config, i, &vb)).collect::<Result<_>>()?,
            conv_post: on.conv1d_of(&last, bias.as_ref(), Conv1dConfig::same(END_KERNEL, 1))?,
        })
    }

    /// `z: (B, inter, F)`, `g: (B, gin, 1)` → samples `(B, 1, F·samples_per_frame)`.
    pub(super) fn forward(&self, z: &Signal, g: Option<&Signal>, probe: &mut dyn Probe) -> Result<Signal> {
        let mut x = plain(&self.conv_pre, z)?;
        conditioned(&x, self.cond.as_ref(), g)?;
        for (i, stage) in self.stages.iter().enumerate() {
            x = probed(probe, &format!("dec_stage{i}"), stage.forward(&x)?)?;
        }
        let tanh = Epilogue { activation: Activation::Tanh, ..Default::default() };
        self.conv_post.fused(&x, LAST_LEAKY, tanh)
    }
}

impl Stage {
    fn new(on: On, config: &Config, i: usize, vb: &VarBuilder) -> Result<Self> {
        let (rate, kernel) = (config.upsample_rates[i], config.upsample_kernel_sizes[i]);
        let (dim_in, dim_out) = (config.upsample_initial_channel >> i, config.upsample_initial_channel >> (i + 1));
        let ups = ConvTranspose1dConfig { padding: (kernel - rate) / 2, stride: rate, ..Default::default() };
        let blocks = config.resblock_kernel_sizes.iter().zip(&config.resblock_dilation_sizes).enumerate();
        let block = |(j, (&kernel, dilations)): (usize, (&usize, &Vec<usize>))| {
            let vb = vb.pp(format!("resblocks.{}", i * config.resblock_kernel_sizes.len() + j));
            ResBlock::new(on, config.resblock, vb, dim_out, kernel, dilations)
        };
        Ok(Self {
            ups: on.conv_transpose1d(vb.pp(format!("ups.{i}")), dim_in, dim_out, kernel, ups)?,
            resblocks: blocks.map(block).collect::<Result<_>>()?,
        })
    }

    /// `x: (B, C_in, L) → (B, C_out, L·rate)`.
    fn forward(&self, x: &Signal) -> Result<Signal> {
        let x = self.ups.fused(x, LEAKY, Epilogue::default())?;
        let share = 1.0 / self.resblocks.len() as f32;
        let mut sum: Option<Signal> = None;
        for block in &self.resblocks {
            sum = Some(block.forward(&x, share, sum.take())?);
        }
        Ok(sum.unwrap_or(x))
    }
}

impl ResBlock {
    fn new(
        on: On,
        kind: ResBlockKind,
        vb: VarBuilder,
        channels: usize,
        kernel: usize,
        dilations: &[usize],
    ) -> Result<Self> {
        let conv = |name: String, dilation| on.conv1d_same(vb.pp(name), channels, channels, kernel, dilation);
        let step = |(i, &dilation): (usize, &usize)| match kind {
            ResBlockKind::Pairs => Ok(vec![conv(format!("convs1.{i}"), dilation)?, conv(format!("convs2.{i}"), 1)?]),
            ResBlockKind::Single => Ok(vec![conv(format!("convs.{i}"), dilation)?]),
        };
        Ok(Self(dilations.iter().enumerate().map(step).collect::<Result<_>>()?))
    }

    /// `x: (B, C, L) → (B, C, L)`: `scale` times the block's output, onto `sum` if given.
    fn forward(&self, x: &Signal, scale: f32, mut sum: Option<Signal>) -> Result<Signal> {
        let mut carried = x.clone();
        for (i, step) in self.0.iter().enumerate() {
            let Some((last, inner)) = step.split_last() else { continue };
            let mut y = carried.clone();
            for conv in inner {
                y = conv.fused(&y, LEAKY, Epilogue::default())?;
            }
            let mut epilogue = Epilogue { residual: Some(&carried), ..Default::default() };
            if i + 1 == self.0.len() {
                let accumulate = sum.is_some();
                epilogue = Epilogue { scale, out: sum.take(), accumulate, ..epilogue };
            }
            carried = last.fused(&y, LEAKY, epilogue)?;
        }
        if self.0.is_empty() { Err(Error::Msg("a residual block without convolutions".into())) } else { Ok(carried) }
    }
}
