//! The iSTFTNet generator (Kaneko et al., 2022) with a harmonic source (`Generator` of Kokoro's `istftnet.py`).

use candle_core::{Error, Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Activation, Algorithm, Conv1d, ConvTranspose1d, Epilogue, Prologue, Signal, Stft};

use super::adain_block::StyledNorm;
use super::config::{Config, Precision, StageSizes};
use super::source::Source;
use crate::layers::{conv_transpose1d, conv1d, conv1d_by, conv1d_fast};
use crate::probe::{Probe, probed, probed_signal, reached};

/// Dilations of the noise branches' residual blocks.
pub(crate) const NOISE_DILATIONS: [usize; 3] = [1, 3, 5];

pub(super) struct Generator {
    source: Source,
    stages: Vec<Stage>,
    conv_post: Conv1d,
    stft: Stft,
}

/// One upsampling: the source joins in, then parallel residual blocks are averaged.
struct Stage {
    ups: ConvTranspose1d,
    noise_conv: Conv1d,
    noise_res: AdaInResBlock1,
    resblocks: Vec<AdaInResBlock1>,
}

impl Generator {
    pub(super) fn new(config: &Config, precision: Precision, vb: VarBuilder) -> Result<Self> {
        let c = &config.istftnet;
        let stages = c.upsample_rates.len();
        let last = c.upsample_initial_channel >> stages;
        Ok(Self {
            source: Source::new(c, vb.pp("m_source"))?,
            stages: (0..stages).map(|i| Stage::new(config, precision, i, &vb)).collect::<Result<_>>()?,
            conv_post: conv1d_fast(vb.pp("conv_post"), last, c.gen_istft_n_fft + 2, 7, 1)?,
            stft: Stft::new(c.gen_istft_n_fft, c.gen_istft_hop_size)?,
        })
    }

    /// `x: (B, upsample_initial_channel, 2F)`, `style: (B, style_dim)`, `f0: (B, 2F)`, `noise: (B, L, HARMONICS)` → samples `(B, L)`.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        style: &Tensor,
        f0: &Tensor,
        noise: &Tensor,
        probe: &mut dyn Probe,
    ) -> Result<Tensor> {
        let har = self.source.forward(f0, noise, probe)?;
        let har = Signal::from_tensor(&har)?;
        let mut x = Signal::from_tensor(x)?;
        for (i, stage) in self.stages.iter().enumerate() {
            let is_last = i + 1 == self.stages.len();
            x = stage.forward(&x, &har, style, i, is_last, probe)?;
        }
        let leaky = Prologue { affine: None, activation: &Activation::LeakyRelu(0.01) };
        let x = self.conv_post.fused(&x, leaky, Epilogue::default())?.into_tensor()?;
        let x = probed(probe, "conv_post", x);
        self.stft.inverse_exp_sin(&x)
    }
}

impl Stage {
    fn new(config: &Config, precision: Precision, i: usize, vb: &VarBuilder) -> Result<Self> {
        let (c, style_dim) = (&config.istftnet, config.style_dim);
        let StageSizes { dim_in, dim_out, kernel, ups, noise_kernel, noise, noise_res_kernel } = c.stage(i);
        let noise_vb = vb.pp(format!("noise_convs.{i}"));
        let blocks = c.resblock_kernel_sizes.iter().zip(&c.resblock_dilation_sizes).enumerate();
        let block = |(j, (&kernel, dilations)): (usize, (&usize, &Vec<usize>))| {
            let index = i * c.resblock_kernel_sizes.len() + j;
            let vb = vb.pp(format!("resblocks.{index}"));
            AdaInResBlock1::new(vb, dim_out, kernel, dilations, style_dim, precision)
        };
        Ok(Self {
            ups: conv_transpose1d(vb.pp(format!("ups.{i}")), dim_in, dim_out, kernel, ups)?,
            noise_conv: conv1d(noise_vb, c.gen_istft_n_fft + 2, dim_out, noise_kernel, noise)?,
            noise_res: AdaInResBlock1::new(
                vb.pp(format!("noise_res.{i}")),
                dim_out,
                noise_res_kernel,
                &NOISE_DILATIONS,
                style_dim,
                precision,
            )?,
            resblocks: blocks.map(block).collect::<Result<_>>()?,
        })
    }

    fn forward(
        &self,
        x: &Signal,
        har: &Signal,
        style: &Tensor,
        i: usize,
        is_last: bool,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        let with_statistics = Epilogue { statistics: true, ..Default::default() };
        let source = self.noise_conv.fused(har, Prologue::default(), with_statistics)?;
        let source = probed_signal(probe, &format!("noise_conv{i}"), source)?;
        let source = self.noise_res.forward(&source, style, 1.0, None)?;
        let mut source = probed_signal(probe, &format!("noise_res{i}"), source)?;
        let leaky = Prologue { affine: None, activation: &Activation::LeakyRelu(0.1) };
        let ups = probed_signal(probe, &format!("ups{i}"), self.ups.fused(x, leaky)?)?;
        // The source's frames are centred, so that in the last stage there is one more of them: reflection by one step on the left.
        source.add_delayed(&ups, usize::from(is_last))?;
        drop(ups);
        let x = source;
        let share = 1.0 / self.resblocks.len() as f32;
        let mut sum: Option<Signal> = None;
        for (j, block) in self.resblocks.iter().enumerate() {
            let index = i * self.resblocks.len() + j;
            let before = sum.as_ref().filter(|_| probe.is_active()).map(Signal::to_tensor).transpose()?;
            let after = block.forward(&x, style, share, sum.take())?;
            reached(probe, &format!("resblock{index}"))?;
            if probe.is_active() {
                // The block's own output, which is only ever added up.
                let y = after.to_tensor()?;
                let y = if let Some(before) = before { (y - before)? } else { y };
                probe.stage(&format!("resblock{index}"), &(y / f64::from(share))?);
            }
            sum = Some(after);
        }
        Ok(sum.unwrap_or(x))
    }
}

/// Residual block of dilated convolutions, each half normalised by the style and activated by a snake (`AdaINResBlock1`).
struct AdaInResBlock1 {
    halves: Vec<[Half; 2]>,
}

struct Half {
    adain: StyledNorm,
    conv: Conv1d,
}

impl Half {
    fn forward(&self, x: &Signal, style: &Tensor, epilogue: Epilogue) -> Result<Signal> {
        let affine = self.adain.affine(x, style)?;
        self.conv.fused(x, self.adain.prologue(&affine), epilogue)
    }
}

impl AdaInResBlock1 {
    fn new(
        vb: VarBuilder,
        channels: usize,
        kernel: usize,
        dilations: &[usize],
        style_dim: usize,
        precision: Precision,
    ) -> Result<Self> {
        let algorithm = match precision {
            Precision::F32 => Algorithm::Winograd,
            Precision::Int8 => Algorithm::Int8,
        };
        let half = |i: usize, which: usize, dilation: usize| -> Result<Half> {
            let alpha = Activation::snake(&vb.get((1, channels, 1), &format!("alpha{which}.{i}"))?)?;
            Ok(Half {
                adain: StyledNorm::new(vb.pp(format!("adain{which}.{i}")), style_dim, channels, alpha)?,
                conv: conv1d_by(algorithm, vb.pp(format!("convs{which}.{i}")), channels, channels, kernel, dilation)?,
            })
        };
        let halves = dilations.iter().enumerate().map(|(i, &dilation)| Ok([half(i, 1, dilation)?, half(i, 2, 1)?]));
        Ok(Self { halves: halves.collect::<Result<_>>()? })
    }

    /// `x: (B, C, L)`, `style: (B, style_dim)` → `(B, C, L)`: `scale` times the block's output, onto `sum` if given.
    fn forward(&self, x: &Signal, style: &Tensor, scale: f32, mut sum: Option<Signal>) -> Result<Signal> {
        // What has been carried around the convolutions so far, once it is another signal than `x`; it takes up each step's output in place.
        let mut carried: Option<Signal> = None;
        for (i, [first, second]) in self.halves.iter().enumerate() {
            let input = carried.as_ref().unwrap_or(x);
            let inner = first.forward(input, style, Epilogue { statistics: true, ..Default::default() })?;
            let is_last = i + 1 == self.halves.len();
            let epilogue = match &carried {
                _ if is_last => Epilogue { residual: Some(input), scale, add_to: sum.take(), statistics: false },
                Some(_) => Epilogue { add_to: carried.take(), statistics: true, ..Default::default() },
                None => Epilogue { residual: Some(x), statistics: true, ..Default::default() },
            };
            carried = Some(second.forward(&inner, style, epilogue)?);
        }
        carried.ok_or_else(|| Error::Msg("a residual block without convolutions".into()))
    }
}
