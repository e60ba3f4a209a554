//! The decoder in front of the generator.

use candle_core::Result;
use candle_nn::VarBuilder;
use lumivox_kernels::Conv1dConfig;
use lumivox_kernels::cuda::{Conv1d, Dtype, Epilogue, Lengths, Prologue, Signal, copy};

use super::adain_block::AdainResBlk1d;
use super::generator::Generator;
use super::{On, Projections, plain, probed};
use crate::kokoro::Config;
use crate::probe::Probe;

/// Channels between the decoder's blocks, and of the text that is joined on before each.
const CHANNELS: usize = 1024;
const ASR_RES_CHANNELS: usize = 64;
/// All channels in front of a block: the last block's, the text's, F0 and energy.
const JOINED: usize = CHANNELS + ASR_RES_CHANNELS + 2;

pub(super) struct Decoder {
    f0_conv: Conv1d,
    n_conv: Conv1d,
    asr_res: Conv1d,
    encode: AdainResBlk1d,
    decode: Vec<AdainResBlk1d>,
    generator: Generator,
    dtype: Dtype,
    hidden: usize,
}

impl Decoder {
    pub(super) fn new(on: On, config: &Config, vb: VarBuilder, projections: &mut Projections) -> Result<Self> {
        let (hidden, style_dim) = (config.hidden_dim, config.style_dim);
        let halve = Conv1dConfig { stride: 2, padding: 1, ..Default::default() };
        let mut block =
            |name: &str, dims, upsample| AdainResBlk1d::new(on, vb.pp(name), dims, style_dim, upsample, projections);
        let last = config.istftnet.upsample_initial_channel;
        Ok(Self {
            encode: block("encode", [hidden + 2, CHANNELS], false)?,
            decode: (0..4)
                .map(|i| block(&format!("decode.{i}"), [JOINED, if i == 3 { last } else { CHANNELS }], i == 3))
                .collect::<Result<_>>()?,
            f0_conv: on.f32().conv1d(vb.pp("F0_conv"), 1, 1, 3, halve)?,
            n_conv: on.f32().conv1d(vb.pp("N_conv"), 1, 1, 3, halve)?,
            asr_res: on.conv1d(vb.pp("asr_res.0"), hidden, ASR_RES_CHANNELS, 1, Default::default())?,
            generator: Generator::new(on, config, vb.pp("generator"), projections)?,
            dtype: on.dtype,
            hidden,
        })
    }

    /// How it stores values.
    pub(super) fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// `asr` writes the text's encoding, `(B, hidden, F)`, where it is told to; `f0` and `n`: `(B, 1, 2F)`; `style` is projected; `noise: (B, 1, L·HARMONICS)` → samples
    /// `(B, 1, L)`.
    #[allow(clippy::too_many_arguments, reason = "they are the graph's inputs")]
    pub(super) fn forward(
        &self,
        asr: impl Fn(Signal) -> Result<Signal>,
        [batch, frames]: [usize; 2],
        lengths: Lengths,
        [f0, n]: [&Signal; 2],
        style: &Signal,
        noise: &Signal,
        probe: &mut dyn Probe,
    ) -> Result<Signal> {
        let device = f0.device();
        let new = |channels: usize| Signal::new(device, self.dtype, [batch, channels, frames], lengths.clone());
        let dec_f0 = probed(probe, "dec_F0", plain(&self.f0_conv, f0)?)?;
        let dec_n = probed(probe, "dec_N", plain(&self.n_conv, n)?)?;
        let curves = |x: &Signal, first: usize| -> Result<()> {
            copy(&dec_f0, x.channels(first..first + 1)?)?;
            copy(&dec_n, x.channels(first + 1..first + 2)?)?;
            Ok(())
        };
        let text = new(self.hidden + 2)?;
        let asr = self.asr(asr, &text, probe)?;
        curves(&text, self.hidden)?;
        // Blocks read one of two signals and write the other; what is joined on is in both.
        let joined = [new(JOINED)?, new(JOINED)?];
        let text_end = CHANNELS + ASR_RES_CHANNELS;
        let out = Some(joined[0].channels(CHANNELS..text_end)?);
        self.asr_res.fused(&asr, Prologue::default(), Epilogue { out, ..Default::default() })?;
        if probe.is_active() {
            let part = joined[0].channels(CHANNELS..text_end)?;
            let asr_res = probed(probe, "dec_asr_res", copy(&part, new(ASR_RES_CHANNELS)?)?)?;
            copy(&asr_res, part)?;
        }
        curves(&joined[0], text_end)?;
        copy(&joined[0].channels(CHANNELS..JOINED)?, joined[1].channels(CHANNELS..JOINED)?)?;
        self.encode.forward(&text, style, Some(joined[0].channels(0..CHANNELS)?))?;
        self.shown(probe, "dec_encode", &joined[0], new)?;
        let (last, blocks) = self.decode.split_last().unwrap_or_else(|| unreachable!("there are four"));
        for (i, block) in blocks.iter().enumerate() {
            let out = joined[(i + 1) % 2].channels(0..CHANNELS)?;
            block.forward(&joined[i % 2], style, Some(out))?;
            self.shown(probe, &format!("dec_decode{i}"), &joined[(i + 1) % 2], new)?;
        }
        let x = last.forward(&joined[blocks.len() % 2], style, None)?;
        let x = probed(probe, &format!("dec_decode{}", blocks.len()), x)?;
        self.generator.forward(x, style, f0, noise, probe)
    }

    /// The text's encoding, in the first channels of `text`.
    fn asr(&self, asr: impl Fn(Signal) -> Result<Signal>, text: &Signal, probe: &mut dyn Probe) -> Result<Signal> {
        let asr = asr(text.channels(0..self.hidden)?)?;
        if probe.is_active() {
            let (batch, channels, frames) = asr.dims();
            let whole = Signal::new(asr.device(), self.dtype, [batch, channels, frames], asr.lengths().clone())?;
            copy(&probed(probe, "asr", copy(&asr, whole)?)?, asr.clone())?;
        }
        Ok(asr)
    }

    /// Shows a block's output, the first channels of `joined`.
    fn shown(
        &self,
        probe: &mut dyn Probe,
        name: &str,
        joined: &Signal,
        new: impl Fn(usize) -> Result<Signal>,
    ) -> Result<()> {
        if probe.is_active() {
            let part = joined.channels(0..CHANNELS)?;
            copy(&probed(probe, name, copy(&part, new(CHANNELS)?)?)?, part)?;
        }
        Ok(())
    }
}
