//! One-dimensional convolution.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};

use crate::direct::{Direct, Geometry, Store};
use crate::op::{f32_slice, to_vec};

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
}

impl Default for Conv1dConfig {
    fn default() -> Self {
        Self { padding: 0, stride: 1, dilation: 1, groups: 1 }
    }
}

/// `torch.nn.functional.conv1d` with its weights packed once.
///
/// Sums run over taps, then channels, in `f32`: the error against [`conv1d_reference`] stays within `2e-6 · Σ|w·x|`.
#[derive(Clone, Debug)]
pub struct Conv1d {
    direct: Arc<Direct>,
}

impl Conv1d {
    /// Packs `weight: (C_out, C_in/groups, K)` and `bias: (C_out)`.
    ///
    /// # Errors
    /// If the shapes do not fit each other or `config`, or a size is zero.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, config: Conv1dConfig) -> Result<Self> {
        let (c_out, c_in, taps) = weight.dims3()?;
        let Conv1dConfig { padding, stride, dilation, groups } = config;
        if [c_out, c_in, taps, stride, dilation, groups].contains(&0) || c_out % groups != 0 {
            bail!("conv1d: weight {:?} does not fit {config:?}", weight.shape());
        }
        let bias = match bias {
            Some(bias) if bias.dims() == [c_out] => to_vec(bias)?,
            Some(bias) => bail!("conv1d: bias {:?} for {c_out} output channels", bias.shape()),
            None => vec![0.0; c_out],
        };
        let weight = to_vec(weight)?;
        let rows = c_out / groups;
        let geometry = Geometry { groups, c_in, rows, taps, stride, dilation, padding, store: Store::Dense };
        let direct = Direct::new(
            geometry,
            |group, row, channel, tap| weight[((group * rows + row) * c_in + channel) * taps + tap],
            |group, row| bias[group * rows + row],
        );
        Ok(Self { direct: Arc::new(direct) })
    }

    /// `x: (B, C_in, L) → (B, C_out, (L + 2·padding − dilation·(K−1) − 1)/stride + 1)`.
    ///
    /// # Errors
    /// If `x` has another number of channels or is shorter than the kernel.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(self)
    }

    /// As [`Conv1d::forward`], plus `residual`, which has the output's shape.
    ///
    /// # Errors
    /// As [`Conv1d::forward`], or if `residual` has another shape.
    pub fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op2_no_bwd(&residual.contiguous()?, self)
    }

    fn compute(&self, x: &[f32], x_shape: &Shape, residual: Option<(&[f32], &Shape)>) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, l_in) = x_shape.dims3()?;
        let conv = &*self.direct;
        let span = conv.geometry.dilation * (conv.geometry.taps - 1) + 1;
        if channels != conv.geometry.c_in * conv.geometry.groups || l_in + 2 * conv.geometry.padding < span {
            bail!(
                "conv1d: input {x_shape:?} for {} channels and a kernel that spans {span} steps",
                conv.geometry.c_in * conv.geometry.groups
            );
        }
        let l_out = (l_in + 2 * conv.geometry.padding - span) / conv.geometry.stride + 1;
        let shape = Shape::from((batch, conv.c_out(), l_out));
        if let Some((_, residual)) = residual
            && residual != &shape
        {
            bail!("conv1d: residual {residual:?} for an output {shape:?}");
        }
        let mut out = vec![0f32; shape.elem_count()];
        conv.run(x, residual.map(|(values, _)| values), &mut out, batch, l_in, l_out);
        Ok((CpuStorage::F32(out), shape))
    }
}

impl CustomOp1 for Conv1d {
    fn name(&self) -> &'static str {
        "conv1d"
    }
    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.compute(f32_slice(x, layout, "conv1d")?, layout.shape(), None)
    }
}

impl CustomOp2 for Conv1d {
    fn name(&self) -> &'static str {
        "conv1d_add"
    }
    fn cpu_fwd(&self, x: &CpuStorage, xl: &Layout, residual: &CpuStorage, rl: &Layout) -> Result<(CpuStorage, Shape)> {
        let residual = (f32_slice(residual, rl, "conv1d_add")?, rl.shape());
        self.compute(f32_slice(x, xl, "conv1d_add")?, xl.shape(), Some(residual))
    }
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
    let Conv1dConfig { padding, stride, dilation, groups } = config;
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
