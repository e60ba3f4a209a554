//! Leaky rectified linear unit.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch, map};
use crate::math;
use crate::op::f32_slice;

/// Values that one task of the thread pool takes.
const CHUNK: usize = 64 * 1024;

/// `x` where it is positive, `slope·x` elsewhere; any shape. Exact to the rounding of one product.
///
/// # Errors
/// If `x` is not `f32`.
pub fn leaky_relu(x: &Tensor, slope: f32) -> Result<Tensor> {
    x.contiguous()?.apply_op1_no_bwd(&LeakyRelu { slope })
}

struct LeakyRelu {
    slope: f32,
}

impl CustomOp1 for LeakyRelu {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }
    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = f32_slice(x, layout, "leaky_relu")?;
        let mut out = vec![0f32; x.len()];
        let isa = Isa::current();
        out.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .for_each(|(out, x)| dispatch(isa, Chunk { x, out, slope: self.slope }));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

struct Chunk<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    slope: f32,
}

impl Kernel for Chunk<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        map!(s, self.x, self.out, |v| math::leaky_relu(s, v, s.splat(self.slope)));
    }
}
