//! The iSTFTNet generator with its harmonic source.

use candle_core::{Error, Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{
    Activation, Conv1d, ConvTranspose1d, Dtype, Epilogue, Prologue, Signal, SineGen, Stft, add_delayed,
};

use super::adain_block::StyledNorm;
use super::{On, Projections, plain, probed};
use crate::cuda::probe::probed_as;
use crate::kokoro::{Config, NOISE_DILATIONS, StageSizes, harmonic_source};
use crate::probe::Probe;

pub(super) struct Generator {
    source: SineGen,
    stages: Vec<Stage>,
    conv_post: Conv1d,
    stft: Stft,
    dtype: Dtype,
}

/// One upsampling: the source joins in, then parallel residual blocks are averaged.
struct Stage {
    ups: ConvTranspose1d,
    noise_conv: Conv1d,
    noise_res: AdaInResBlock1,
    resblocks: Vec<AdaInResBlock1>,
}

impl Generator {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder, projections: &mut Projections) -> Result<Self> {
        let c = &config.istftnet;
        let stages = c.upsample_rates.len();
        let last = c.upsample_initial_channel >> stages;
        let sine_gen = harmonic_source(c);
        let merge = vb.pp("m_source.l_linear");
        let weight = merge.get((1, sine_gen.harmonics), "weight")?.flatten_all()?.to_vec1::<f32>()?;
        let bias = merge.get(1, "bias")?.to_vec1::<f32>()?[0];
        Ok(Self {
            source: SineGen::new(on.device, sine_gen, &weight, bias)?,
            stages: (0..stages).map(|i| Stage::new(on, config, i, &vb, projections)).collect::<Result<_>>()?,
            conv_post: on.conv1d_same(vb.pp("conv_post"), last, c.gen_istft_n_fft + 2, 7, 1)?,
            stft: Stft::new(on.device, c.gen_istft_n_fft, c.gen_istft_hop_size)?,
            dtype: on.dtype,
        })
    }

    /// `x: (B, upsample_initial_channel, 2F)`, projected `style`, `f0: (B, 1, 2F)`, `noise: (B, 1, L·HARMONICS)` → samples `(B, 1, L)`.
    pub(super) fn forward(
        &self,
        mut x: Signal,
        style: &Signal,
        f0: &Signal,
        noise: &Signal,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        let har_source = self.source.forward_merged(f0, noise)?;
        // The CPU has it sample by sample.
        let turned = |x: Tensor| x.transpose(1, 2)?.contiguous();
        let har_source = probed_as(probe, "har_source", har_source, turned, turned)?;
        let har = probed(probe, "har", self.stft.transform(&har_source, self.dtype)?)?;
        for (i, stage) in self.stages.iter().enumerate() {
            x = stage.forward(&x, &har, style, i, i + 1 == self.stages.len(), probe)?;
        }
        let leaky = Prologue { affine: None, activation: Activation::LeakyRelu(0.01) };
        let x = probed(probe, "conv_post", self.conv_post.fused(&x, leaky, Epilogue::default())?)?;
        self.stft.inverse_exp_sin(&x)
    }
}

impl Stage {
    fn new(on: On, config: &Config, i: usize, vb: &VarBuilder, projections: &mut Projections) -> Result<Self> {
        let (c, style_dim) = (&config.istftnet, config.style_dim);
        let StageSizes { dim_in, dim_out, kernel, ups, noise_kernel, noise, noise_res_kernel } = c.stage(i);
        let noise_vb = vb.pp(format!("noise_convs.{i}"));
        let mut block = |name: String, kernel, dilations: &[usize]| {
            AdaInResBlock1::new(on, vb.pp(name), [dim_out, kernel, style_dim], dilations, projections)
        };
        let blocks = c.resblock_kernel_sizes.iter().zip(&c.resblock_dilation_sizes).enumerate();
        Ok(Self {
            ups: on.conv_transpose1d(vb.pp(format!("ups.{i}")), dim_in, dim_out, kernel, ups)?,
            noise_conv: on.conv1d(noise_vb, c.gen_istft_n_fft + 2, dim_out, noise_kernel, noise)?,
            noise_res: block(format!("noise_res.{i}"), noise_res_kernel, &NOISE_DILATIONS)?,
            resblocks: blocks
                .map(|(j, (&kernel, dilations))| {
                    block(format!("resblocks.{}", i * c.resblock_kernel_sizes.len() + j), kernel, dilations)
                })
                .collect::<Result<_>>()?,
        })
    }

    fn forward(
        &self,
        x: &Signal,
        har: &Signal,
        style: &Signal,
        i: usize,
        is_last: bool,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        let source = probed(probe, &format!("noise_conv{i}"), plain(&self.noise_conv, har)?)?;
        let source = self.noise_res.forward(&source, style, 1.0, None)?;
        let source = probed(probe, &format!("noise_res{i}"), source)?;
        let leaky = Prologue { affine: None, activation: Activation::LeakyRelu(0.1) };
        let ups = probed(probe, &format!("ups{i}"), self.ups.fused(x, leaky, Epilogue::default())?)?;
        // The source's frames are centred, so that in the last stage there is one more of them: reflection by one step on the left.
        add_delayed(&source, &ups, usize::from(is_last))?;
        let x = source;
        let share = 1.0 / self.resblocks.len() as f32;
        let mut sum: Option<Signal> = None;
        for (j, block) in self.resblocks.iter().enumerate() {
            if probe.is_active() {
                // The block's own output, which is only ever added up.
                let alone = block.forward(&x, style, 1.0, None)?;
                probe.stage(&format!("resblock{}", i * self.resblocks.len() + j), &alone.to_tensor()?);
            }
            sum = Some(block.forward(&x, style, share, sum.take())?);
        }
        Ok(sum.unwrap_or(x))
    }
}

/// Residual block of dilated convolutions, each half normalised by the style and activated by a snake.
struct AdaInResBlock1 {
    halves: Vec<[Half; 2]>,
}

struct Half {
    adain: StyledNorm,
    conv: Conv1d,
}

impl Half {
    fn forward(&self, x: &Signal, style: &Signal, epilogue: Epilogue) -> Result<Signal> {
        let affine = self.adain.affine(x, style)?;
        self.conv.fused(x, self.adain.prologue(&affine), epilogue)
    }
}

impl AdaInResBlock1 {
    fn new(
        on: On,
        vb: VarBuilder,
        [channels, kernel, style_dim]: [usize; 3],
        dilations: &[usize],
        projections: &mut Projections,
    ) -> Result<Self> {
        let mut half = |i: usize, which: usize, dilation: usize| -> Result<Half> {
            let alpha = vb.get((1, channels, 1), &format!("alpha{which}.{i}"))?.flatten_all()?.to_vec1::<f32>()?;
            let snake = Activation::snake(on.device, &alpha)?;
            let adain = vb.pp(format!("adain{which}.{i}"));
            Ok(Half {
                adain: StyledNorm::new(projections, adain, style_dim, channels, snake)?,
                conv: on.conv1d_same(vb.pp(format!("convs{which}.{i}")), channels, channels, kernel, dilation)?,
            })
        };
        let halves = dilations.iter().enumerate().map(|(i, &dilation)| Ok([half(i, 1, dilation)?, half(i, 2, 1)?]));
        Ok(Self { halves: halves.collect::<Result<_>>()? })
    }

    /// `x: (B, C, L)` → `(B, C, L)`: `scale` times the block's output, onto `sum` if given.
    fn forward(&self, x: &Signal, style: &Signal, scale: f32, mut sum: Option<Signal>) -> Result<Signal> {
        let mut carried = x.clone();
        for (i, [first, second]) in self.halves.iter().enumerate() {
            let inner = first.forward(&carried, style, Epilogue::default())?;
            let epilogue = if i + 1 == self.halves.len() {
                let accumulate = sum.is_some();
                Epilogue { residual: Some(&carried), scale, out: sum.take(), accumulate, ..Default::default() }
            } else {
                Epilogue { residual: Some(&carried), ..Default::default() }
            };
            carried = second.forward(&inner, style, epilogue)?;
        }
        if self.halves.is_empty() {
            Err(Error::Msg("a residual block without convolutions".into()))
        } else {
            Ok(carried)
        }
    }
}
