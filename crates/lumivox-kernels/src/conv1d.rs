//! One-dimensional convolution.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use candle_core::{Result, Tensor, bail};

use crate::direct::{Direct, Geometry, Store};
use crate::fuse::{Epilogue, Pass, Prologue};
use crate::int8::Int8;
use crate::op::{to_vec, with_values};
use crate::signal::Signal;
use crate::winograd::Winograd;

/// How a [`Conv1d`] is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// By the definition: the least rounding.
    #[default]
    Direct,
    /// By Toom and Cook's fewer multiplications where that can be had and pays, else directly. The environment variable `LUMIVOX_CONV=direct` overrules it, for
    /// comparisons.
    Winograd,
    /// In 8-bit integers where there are enough channels, else as [`Algorithm::Winograd`]; `LUMIVOX_CONV` overrules it too. Where
    /// [`Isa::has_byte_products`](crate::Isa::has_byte_products) it is 1.8 times as fast as Winograd for three taps and 1.2 times for eleven (3 times for one,
    /// which Winograd leaves to the definition); elsewhere slower, but for one tap.
    Int8,
}

/// Geometry of a [`Conv1d`], with `torch.nn.Conv1d`'s names and defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dConfig {
    /// Zeros on both sides, in input steps.
    pub padding: usize,
    /// Input steps between output steps.
    pub stride: usize,
    /// Input steps between taps.
    pub dilation: usize,
    /// Channel groups.
    pub groups: usize,
    /// How it is computed.
    pub algorithm: Algorithm,
}

impl Default for Conv1dConfig {
    fn default() -> Self {
        Self { padding: 0, stride: 1, dilation: 1, groups: 1, algorithm: Algorithm::default() }
    }
}

impl Conv1dConfig {
    /// Of a convolution whose output is as long as its input: `kernel` is odd, the stride 1.
    pub fn same(kernel: usize, dilation: usize) -> Self {
        Self { padding: (kernel - 1) * dilation / 2, dilation, ..Self::default() }
    }
}

/// `torch.nn.functional.conv1d` with its weights packed once.
///
/// Sums are in `f32`: the error against [`conv1d_reference`] stays within `2e-6 · Σ|w·x|` for [`Algorithm::Direct`], and for [`Algorithm::Winograd`] within
/// `2e-5` of the sums' root mean square `√Σw² · √Σx²` (in the mean 1e-6 for 3 taps to 5e-6 for 7 and 11, relative L2).
///
/// [`Algorithm::Int8`] rounds: a weight is off by at most 1/254 of its output channel's largest, an input by at most 1/510 of the range (zero included) of
/// what 48 output steps see, all channels together. For normalised noise behind an activation that is a relative L2 error of 0.9 % to 1.2 % (38 to 41 dB);
/// signals with rare peaks lose more. [`conv1d_int8_reference`](crate::conv1d_int8_reference) says what comes out, to the bit. NaN is not handed on.
#[derive(Clone, Debug)]
pub struct Conv1d {
    engine: Arc<Engine>,
    c_in: usize,
    c_out: usize,
    taps: usize,
    config: Conv1dConfig,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one for a convolution, and behind an Arc")]
enum Engine {
    Direct(Direct),
    Winograd(Winograd),
    Int8(Int8),
}

impl Conv1d {
    /// Packs `weight: (C_out, C_in/groups, K)` and `bias: (C_out)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or `config`, or a size is zero.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, config: Conv1dConfig) -> Result<Self> {
        let (c_out, c_in, taps) = weight.dims3()?;
        let Conv1dConfig { padding, stride, dilation, groups, algorithm } = config;
        if [c_out, c_in, taps, stride, dilation, groups].contains(&0) || c_out % groups != 0 {
            bail!("conv1d: weight {:?} does not fit {config:?}", weight.shape());
        }
        let bias = match bias {
            Some(bias) if bias.dims() == [c_out] => to_vec(bias)?,
            Some(bias) => bail!("conv1d: bias {:?} for {c_out} output channels", bias.shape()),
            None => vec![0.0; c_out],
        };
        let engine = with_values(weight, "conv1d", |weight| {
            let shape = [c_out, c_in, taps];
            let fast = stride == 1 && groups == 1 && algorithm != Algorithm::Direct && !only_direct();
            if fast
                && algorithm == Algorithm::Int8
                && let Some(int8) = Int8::new(weight, shape, &bias, dilation, padding)
            {
                return Ok(Engine::Int8(int8));
            }
            if fast && let Some(winograd) = Winograd::new(weight, shape, &bias, dilation, padding) {
                return Ok(Engine::Winograd(winograd));
            }
            let rows = c_out / groups;
            let geometry = Geometry { groups, c_in, rows, taps, stride, dilation, padding, store: Store::Dense };
            let direct = Direct::new(
                geometry,
                |group, row, channel, tap| weight[((group * rows + row) * c_in + channel) * taps + tap],
                |group, row| bias[group * rows + row],
            );
            Ok(Engine::Direct(direct))
        })?;
        Ok(Self { engine: Arc::new(engine), c_in: c_in * groups, c_out, taps, config })
    }

    /// `x: (B, C_in, L) → (B, C_out, (L + 2·padding − dilation·(K−1) − 1)/stride + 1)`.
    ///
    /// # Errors
    /// If `x` has another number of channels or is shorter than the kernel.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, steps) = x.dims3()?;
        let run = |x: &[f32]| self.compute((x, [batch, channels, steps]), Prologue::default(), Epilogue::default());
        with_values(x, "conv1d", run)?.into_tensor()
    }

    /// As [`Conv1d::forward`], plus `residual`, which has the output's shape.
    ///
    /// # Errors
    /// As [`Conv1d::forward`], or if `residual` has another shape.
    pub fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let residual = Signal::from_tensor(residual)?;
        let epilogue = Epilogue { residual: Some(&residual), ..Default::default() };
        self.fused(&Signal::from_tensor(x)?, Prologue::default(), epilogue)?.into_tensor()
    }

    /// As [`Conv1d::forward`], with what stands before and behind the convolution done on the way, see [`Prologue`] and [`Epilogue`].
    ///
    /// # Errors
    /// As [`Conv1d::forward`], or if something of the prologue or epilogue has another shape.
    pub fn fused(&self, x: &Signal, prologue: Prologue, epilogue: Epilogue) -> Result<Signal> {
        let (batch, channels, steps) = x.dims();
        self.compute((&x.values, [batch, channels, steps]), prologue, epilogue)
    }

    /// The output steps that are computed together, counted from the signal's start: a part of a signal that begins at a multiple of it gives the same bits as the
    /// whole, for the steps whose `grain` has all of its inputs.
    pub fn grain(&self) -> usize {
        match &*self.engine {
            Engine::Direct(_) => 1,
            Engine::Winograd(winograd) => winograd.grain(),
            Engine::Int8(int8) => int8.tile(),
        }
    }

    /// The input steps that the output steps `steps` of a convolution of stride 1 are computed from; they may lie outside of the signal, where it is zero.
    pub fn inputs(&self, steps: Range<i64>) -> Range<i64> {
        let grain = self.grain() as i64;
        let Conv1dConfig { padding, dilation, .. } = self.config;
        let start = steps.start.div_euclid(grain) * grain - padding as i64;
        let end = (steps.end + grain - 1).div_euclid(grain) * grain - padding as i64;
        let taps = match &*self.engine {
            Engine::Winograd(winograd) => winograd.taps(),
            _ => self.taps,
        };
        start..end + (dilation * (taps - 1)) as i64
    }

    fn compute(&self, x: (&[f32], [usize; 3]), prologue: Prologue, epilogue: Epilogue) -> Result<Signal> {
        let [batch, channels, l_in] = x.1;
        let Conv1dConfig { padding, stride, dilation, .. } = self.config;
        let span = dilation * (self.taps - 1) + 1;
        if channels != self.c_in || l_in + 2 * padding < span {
            bail!("conv1d: input {:?} for {} channels and a kernel that spans {span} steps", x.1, self.c_in);
        }
        if !prologue.fits(batch * channels, channels) {
            bail!("conv1d: the prologue has not the input's {channels} channels");
        }
        let l_out = (l_in + 2 * padding - span) / stride + 1;
        let out = [self.c_out, l_out];
        match &*self.engine {
            Engine::Direct(direct) => {
                Pass::run(x, prologue, out, epilogue, direct.geometry.tile(), |pass| direct.run(pass))
            }
            Engine::Winograd(winograd) => {
                Pass::run(x, prologue, out, epilogue, winograd.piece(), |pass| winograd.run(pass))
            }
            Engine::Int8(int8) => Pass::run(x, prologue, out, epilogue, int8.tile(), |pass| int8.run(pass)),
        }
    }
}

/// Whether the environment asks for direct convolution everywhere.
fn only_direct() -> bool {
    static ONLY_DIRECT: OnceLock<bool> = OnceLock::new();
    *ONLY_DIRECT.get_or_init(|| std::env::var("LUMIVOX_CONV").is_ok_and(|algorithm| algorithm == "direct"))
}

/// The scalar oracle of [`Conv1d`]: the definition, summed in `f64`. `x: [B][C_in][l_in]`, `weight: [C_out][C_in/groups][K]` → `[B][C_out][l_out]`.
pub fn conv1d_reference(
    x: &[f32],
    [batch, c_in, l_in]: [usize; 3],
    weight: &[f32],
    [c_out, c_in_group, taps]: [usize; 3],
    bias: &[f32],
    config: Conv1dConfig,
) -> Vec<f64> {
    let Conv1dConfig { padding, stride, dilation, groups, .. } = config;
    let l_out = (l_in + 2 * padding - dilation * (taps - 1) - 1) / stride + 1;
    let mut out = Vec::with_capacity(batch * c_out * l_out);
    for b in 0..batch {
        for o in 0..c_out {
            for t in 0..l_out {
                let mut sum = f64::from(bias[o]);
                for i in 0..c_in_group {
                    let channel = o / (c_out / groups) * c_in_group + i;
                    for k in 0..taps {
                        if let Some(step) = (t * stride + k * dilation).checked_sub(padding).filter(|step| *step < l_in)
                        {
                            let w = weight[(o * c_in_group + i) * taps + k];
                            sum += f64::from(w) * f64::from(x[(b * c_in + channel) * l_in + step]);
                        }
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}
