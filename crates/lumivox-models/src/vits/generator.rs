//! The HiFi-GAN generator (Kong et al., 2020), with both kinds of residual block (`Generator`, `ResBlock1`, `ResBlock2` of VITS).

use std::ops::Range;

use candle_core::{Error, Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{
    Activation, Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, Epilogue, Prologue, Signal,
};

use super::config::{Config, ResBlockKind};
use crate::layers::{conv_transpose1d, conv1d, conv1d_fast, gcd, lcm};
use crate::probe::{Probe, probed_signal};

const LEAKY: Prologue<'static> = Prologue { affine: None, activation: &Activation::LeakyRelu(0.1) };
/// In front of the last convolution the reference leaves PyTorch's default.
const LAST_LEAKY: Prologue<'static> = Prologue { affine: None, activation: &Activation::LeakyRelu(0.01) };
/// Values of a stage that are computed in one go where there are many more: what a thread's caches hold.
const SLAB_VALUES: usize = 512 * 1024;
/// Width of the first and the last convolution.
pub(crate) const END_KERNEL: usize = 7;

pub(super) struct Generator {
    conv_pre: Conv1d,
    cond: Option<Conv1d>,
    stages: Vec<Stage>,
    conv_post: Conv1d,
}

struct Stage {
    ups: ConvTranspose1d,
    resblocks: Vec<ResBlock>,
    /// Output channels.
    channels: usize,
    /// Upsampling factor.
    rate: usize,
    /// Kernel width of the upsampling.
    kernel: usize,
}

impl Generator {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let initial = config.upsample_initial_channel;
        let stages = config.upsample_rates.len();
        let last = initial >> stages;
        let post = vb.pp("conv_post");
        // The original has no bias here; exports of other trainers have one.
        let bias = if post.contains_tensor("bias") { Some(post.get(1, "bias")?) } else { None };
        let cond = |gin| conv1d(vb.pp("cond"), gin, initial, 1, Default::default());
        Ok(Self {
            conv_pre: conv1d_fast(vb.pp("conv_pre"), config.inter_channels, initial, END_KERNEL, 1)?,
            cond: config.speaker_channels().map(cond).transpose()?,
            stages: (0..stages).map(|i| Stage::new(config, i, &vb)).collect::<Result<_>>()?,
            conv_post: Conv1d::new(
                &post.get((1, last, END_KERNEL), "weight")?,
                bias.as_ref(),
                Conv1dConfig::same(END_KERNEL, 1),
            )?,
        })
    }

    /// The frames of the latent variable that the samples of `frames` are computed from, of `total` that there are: the receptive field, found by following the
    /// samples back through the layers. It begins where all layers' [grains](Conv1d::grain) do, so that what is computed from it is what is computed from all.
    pub(super) fn receptive_field(&self, frames: Range<usize>, total: usize) -> Range<usize> {
        let samples_per_frame: usize = self.stages.iter().map(|stage| stage.rate).product();
        let samples = (frames.start * samples_per_frame) as i64..(frames.end * samples_per_frame) as i64;
        let steps = self.conv_post.inputs(samples);
        let steps = self.stages.iter().rev().fold(steps, |steps, stage| stage.inputs(steps));
        let frames = self.conv_pre.inputs(steps);
        let start = frames.start.clamp(0, total as i64) as usize;
        start / self.alignment() * self.alignment()..frames.end.clamp(0, total as i64) as usize
    }

    /// The least number of frames that is a whole number of grains in every layer.
    fn alignment(&self) -> usize {
        let (mut frames, mut rate) = (self.conv_pre.grain(), 1);
        for stage in &self.stages {
            rate *= stage.rate;
            for conv in stage.convs() {
                frames = lcm(frames, conv.grain() / gcd(conv.grain(), rate));
            }
        }
        lcm(frames, self.conv_post.grain() / gcd(self.conv_post.grain(), rate))
    }

    /// `z: (1, inter, F)`, `g: (1, gin, 1)` → samples `(1, 1, F·samples_per_frame)`.
    pub(super) fn forward(&self, z: &Tensor, g: Option<&Tensor>, probe: &mut dyn Probe) -> Result<Tensor> {
        let mut x = self.conv_pre.forward(z)?;
        if let (Some(cond), Some(g)) = (&self.cond, g) {
            x = x.broadcast_add(&cond.forward(g)?)?;
        }
        let mut x = Signal::from_tensor(&x)?;
        probe.reached("conv_pre");
        for (i, stage) in self.stages.iter().enumerate() {
            x = probed_signal(probe, &format!("dec_stage{i}"), stage.forward(&x)?)?;
        }
        self.conv_post.fused(&x, LAST_LEAKY, Epilogue::default())?.into_tensor()?.tanh()
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
            channels: dim_out,
            rate,
            kernel,
        })
    }

    fn convs(&self) -> impl Iterator<Item = &Conv1d> {
        self.resblocks.iter().flat_map(|block| block.steps.iter().flatten())
    }

    /// The input steps that the output steps `steps` are computed from; they may lie outside of the signal, where it is zero.
    fn inputs(&self, steps: Range<i64>) -> Range<i64> {
        let fields = self.resblocks.iter().map(|block| block.inputs(steps.clone()));
        let widest = |a: Range<i64>, b: Range<i64>| a.start.min(b.start)..a.end.max(b.end);
        let Range { start, end } = fields.fold(steps.clone(), widest);
        let (rate, kernel) = (self.rate as i64, self.kernel as i64);
        let crop = (kernel - rate) / 2;
        // Input step i reaches the output steps i·rate − crop .. i·rate − crop + kernel.
        (start + crop - kernel).div_euclid(rate) + 1..(end - 1 + crop).div_euclid(rate) + 1
    }

    /// The least number of output steps that is a whole number of grains in every layer, and of input steps.
    fn alignment(&self) -> usize {
        self.convs().fold(self.rate, |steps, conv| lcm(steps, conv.grain()))
    }

    /// The output for `x: (1, C_in, L)`, `(1, C_out, L·rate)`. A long one is computed in slabs, which go through all layers while they are in the caches.
    fn forward(&self, x: &Signal) -> Result<Signal> {
        let (batch, _, steps) = x.dims();
        let total = steps * self.rate;
        let slabs = self.slabs(total);
        if slabs.len() == 1 {
            return self.compute(x);
        }
        Signal::in_slabs([batch, self.channels, total], &slabs, |slab| {
            let inputs = self.inputs(slab.start as i64..slab.end as i64);
            let alignment = (self.alignment() / self.rate) as i64;
            let start = (inputs.start.div_euclid(alignment) * alignment).max(0) as usize;
            let end = (inputs.end as usize).min(steps);
            Ok((self.compute(&x.narrow(start..end)?)?, slab.start - start * self.rate))
        })
    }

    /// Which output steps are computed together, of `total`.
    fn slabs(&self, total: usize) -> Vec<Range<usize>> {
        let alignment = self.alignment();
        // The inputs of a slab begin at a whole number of grains if its outputs begin as far behind it as they depend on.
        let far = 1000 * alignment;
        let begins = |reach: usize| {
            let output = (far + reach) as i64;
            self.inputs(output..output + 1).start * self.rate as i64
        };
        let reach = (0..).step_by(self.rate).find(|reach| begins(*reach) >= far as i64).unwrap_or_default();
        // What slabs compute twice shall be little of them.
        let least = (8 * reach).max(alignment);
        // So many that two or four threads have as many each.
        let count = match (total * self.channels).div_ceil(SLAB_VALUES) {
            1 => 1,
            count => count.next_multiple_of(4).min(total / least),
        };
        if count < 2 {
            return std::iter::once(0..total).collect();
        }
        let len = total.div_ceil(count).next_multiple_of(alignment);
        let starts = (1..).map(|n| n * len + reach).take_while(|start| start + reach < total);
        let starts: Vec<usize> = std::iter::once(0).chain(starts).collect();
        let ends = starts[1..].iter().copied().chain(std::iter::once(total));
        starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    fn compute(&self, x: &Signal) -> Result<Signal> {
        let x = self.ups.fused(x, LEAKY)?;
        let share = 1.0 / self.resblocks.len() as f32;
        let mut sum: Option<Signal> = None;
        for block in &self.resblocks {
            sum = Some(block.forward(&x, share, sum.take())?);
        }
        Ok(sum.unwrap_or(x))
    }
}

/// Steps, each a chain of activated convolutions around which the input is carried: two convolutions a step (`ResBlock1`) or one (`ResBlock2`).
struct ResBlock {
    steps: Vec<Vec<Conv1d>>,
}

impl ResBlock {
    fn new(kind: ResBlockKind, vb: VarBuilder, channels: usize, kernel: usize, dilations: &[usize]) -> Result<Self> {
        let conv = |name: String, dilation| conv1d_fast(vb.pp(name), channels, channels, kernel, dilation);
        let step = |(i, &dilation): (usize, &usize)| match kind {
            ResBlockKind::Pairs => Ok(vec![conv(format!("convs1.{i}"), dilation)?, conv(format!("convs2.{i}"), 1)?]),
            ResBlockKind::Single => Ok(vec![conv(format!("convs.{i}"), dilation)?]),
        };
        Ok(Self { steps: dilations.iter().enumerate().map(step).collect::<Result<_>>()? })
    }

    /// The input steps that the output steps `steps` are computed from.
    fn inputs(&self, steps: Range<i64>) -> Range<i64> {
        self.steps.iter().flatten().rev().fold(steps, |steps, conv| conv.inputs(steps))
    }

    /// `scale` times the block's output for `x: (1, C, L)`, onto `sum` if given.
    fn forward(&self, x: &Signal, scale: f32, mut sum: Option<Signal>) -> Result<Signal> {
        let mut carried: Option<Signal> = None;
        for (i, step) in self.steps.iter().enumerate() {
            let input = carried.as_ref().unwrap_or(x);
            let mut inner: Option<Signal> = None;
            for conv in &step[..step.len() - 1] {
                inner = Some(conv.fused(inner.as_ref().unwrap_or(input), LEAKY, Epilogue::default())?);
            }
            let mut epilogue = Epilogue { residual: Some(input), ..Default::default() };
            if i + 1 == self.steps.len() {
                epilogue = Epilogue { scale, add_to: sum.take(), ..epilogue };
            }
            let y = step[step.len() - 1].fused(inner.as_ref().unwrap_or(input), LEAKY, epilogue)?;
            carried = Some(y);
        }
        carried.ok_or_else(|| Error::Msg("a residual block without convolutions".into()))
    }
}
