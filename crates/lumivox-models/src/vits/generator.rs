//! The HiFi-GAN generator (Kong et al., 2020), with both kinds of residual block (`Generator`, `ResBlock1`, `ResBlock2` of VITS).

use std::ops::Range;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, leaky_relu};

use super::config::{Config, ResBlockKind};
use crate::layers::{conv_transpose1d, conv1d, conv1d_same};
use crate::probe::{Probe, probed};

const LEAKY_SLOPE: f32 = 0.1;
/// In front of the last convolution the reference leaves PyTorch's default.
const LAST_LEAKY_SLOPE: f32 = 0.01;
/// Padding of the first and the last convolution, whose kernels have a width of 7.
const END_PADDING: usize = 3;

pub(super) struct Generator {
    conv_pre: Conv1d,
    cond: Option<Conv1d>,
    stages: Vec<Stage>,
    conv_post: Conv1d,
}

struct Stage {
    ups: ConvTranspose1d,
    resblocks: Vec<ResBlock>,
    /// Upsampling factor.
    rate: usize,
    /// Kernel width of the upsampling.
    kernel: usize,
}

impl Generator {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let initial = config.upsample_initial_channel;
        let stages = config.upsample_rates.len();
        let same = Conv1dConfig { padding: END_PADDING, ..Default::default() };
        let last = initial >> stages;
        let post = vb.pp("conv_post");
        // The original has no bias here; exports of other trainers have one.
        let bias = if post.contains_tensor("bias") { Some(post.get(1, "bias")?) } else { None };
        let cond = |gin| conv1d(vb.pp("cond"), gin, initial, 1, Default::default());
        Ok(Self {
            conv_pre: conv1d(vb.pp("conv_pre"), config.inter_channels, initial, 7, same)?,
            cond: config.speaker_channels().map(cond).transpose()?,
            stages: (0..stages).map(|i| Stage::new(config, i, &vb)).collect::<Result<_>>()?,
            conv_post: Conv1d::new(&post.get((1, last, 7), "weight")?, bias.as_ref(), same)?,
        })
    }

    /// The frames of the latent variable that the samples of `frames` depend on, of `total` that there are: the receptive field, found by following the
    /// samples back through the layers.
    pub(super) fn receptive_field(&self, frames: Range<usize>, total: usize) -> Range<usize> {
        let samples_per_frame: usize = self.stages.iter().map(|stage| stage.rate).product();
        let (mut start, mut end) = ((frames.start * samples_per_frame) as i64, (frames.end * samples_per_frame) as i64);
        (start, end) = (start - END_PADDING as i64, end + END_PADDING as i64);
        for stage in self.stages.iter().rev() {
            (start, end) = stage.receptive_field(start, end);
        }
        (start, end) = (start - END_PADDING as i64, end + END_PADDING as i64);
        start.clamp(0, total as i64) as usize..end.clamp(0, total as i64) as usize
    }

    /// `z: (1, inter, F)`, `g: (1, gin, 1)` → samples `(1, 1, F·samples_per_frame)`.
    pub(super) fn forward(&self, z: &Tensor, g: Option<&Tensor>, probe: &mut dyn Probe) -> Result<Tensor> {
        let mut x = self.conv_pre.forward(z)?;
        if let (Some(cond), Some(g)) = (&self.cond, g) {
            x = x.broadcast_add(&cond.forward(g)?)?;
        }
        for (i, stage) in self.stages.iter().enumerate() {
            x = probed(probe, &format!("dec_stage{i}"), stage.forward(&x)?);
        }
        self.conv_post.forward(&leaky_relu(&x, LAST_LEAKY_SLOPE)?)?.tanh()
    }
}

impl Stage {
    fn new(config: &Config, i: usize, vb: &VarBuilder) -> Result<Self> {
        let (rate, kernel) = (config.upsample_rates[i], config.upsample_kernel_sizes[i]);
        let (dim_in, dim_out) = (config.upsample_initial_channel >> i, config.upsample_initial_channel >> (i + 1));
        let ups = ConvTranspose1dConfig { padding: (kernel - rate) / 2, stride: rate, ..Default::default() };
        let blocks = config.resblock_kernel_sizes.iter().zip(&config.resblock_dilation_sizes).enumerate();
        let block = |(j, (&kernel, dilations)): (usize, (&usize, &Vec<usize>))| {
            let index = i * config.resblock_kernel_sizes.len() + j;
            ResBlock::new(config.resblock, vb.pp(format!("resblocks.{index}")), dim_out, kernel, dilations)
        };
        Ok(Self {
            ups: conv_transpose1d(vb.pp(format!("ups.{i}")), dim_in, dim_out, kernel, ups)?,
            resblocks: blocks.map(block).collect::<Result<_>>()?,
            rate,
            kernel,
        })
    }

    /// The input steps that the output steps `start..end` depend on; they may lie outside of the signal, where it is zero.
    fn receptive_field(&self, start: i64, end: i64) -> (i64, i64) {
        let (rate, kernel) = (self.rate as i64, self.kernel as i64);
        let reach = self.resblocks.iter().map(|block| block.reach).max().unwrap_or(0) as i64;
        let crop = (kernel - rate) / 2;
        // Input step i reaches the output steps i·rate − crop .. i·rate − crop + kernel.
        ((start - reach + crop - kernel).div_euclid(rate) + 1, (end + reach - 1 + crop).div_euclid(rate) + 1)
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.ups.forward(&leaky_relu(x, LEAKY_SLOPE)?)?;
        let mut sum: Option<Tensor> = None;
        for block in &self.resblocks {
            let y = block.forward(&x)?;
            sum = Some(match sum {
                Some(sum) => (sum + y)?,
                None => y,
            });
        }
        sum.unwrap_or(x) / self.resblocks.len() as f64
    }
}

/// Steps, each a chain of activated convolutions around which the input is carried: two convolutions a step (`ResBlock1`) or one (`ResBlock2`).
struct ResBlock {
    steps: Vec<Vec<Conv1d>>,
    /// Steps to either side that an output depends on.
    reach: usize,
}

impl ResBlock {
    fn new(kind: ResBlockKind, vb: VarBuilder, channels: usize, kernel: usize, dilations: &[usize]) -> Result<Self> {
        let conv = |name: String, dilation| conv1d_same(vb.pp(name), channels, channels, kernel, dilation);
        let step = |(i, &dilation): (usize, &usize)| match kind {
            ResBlockKind::Pairs => Ok(vec![conv(format!("convs1.{i}"), dilation)?, conv(format!("convs2.{i}"), 1)?]),
            ResBlockKind::Single => Ok(vec![conv(format!("convs.{i}"), dilation)?]),
        };
        let half = (kernel - 1) / 2;
        let reach = match kind {
            ResBlockKind::Pairs => dilations.iter().map(|dilation| half * (dilation + 1)).sum(),
            ResBlockKind::Single => dilations.iter().map(|dilation| half * dilation).sum(),
        };
        Ok(Self { steps: dilations.iter().enumerate().map(step).collect::<Result<_>>()?, reach })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for step in &self.steps {
            let mut y = x.clone();
            for (i, conv) in step.iter().enumerate() {
                let active = leaky_relu(&y, LEAKY_SLOPE)?;
                y = if i + 1 == step.len() { conv.forward_add(&active, &x)? } else { conv.forward(&active)? };
            }
            x = y;
        }
        Ok(x)
    }
}
