//! Portable vectors of eight values, which the compiler may turn into whatever the target has.

use super::{Cache, Simd, SimdInt8};

#[derive(Clone, Copy)]
pub(crate) struct Generic;

#[inline(always)]
fn zip(a: [f32; 8], b: [f32; 8], f: impl Fn(f32, f32) -> f32) -> [f32; 8] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Generic {
    type V = [f32; 8];
    const LANES: usize = 8;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 1;

    #[inline(always)]
    fn prefetch(self, _: *const f32, _: Cache) {}
    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; 8]
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> Self::V {
        // SAFETY: the caller's.
        unsafe { p.cast::<[f32; 8]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: Self::V) {
        // SAFETY: the caller's.
        unsafe { p.cast::<[f32; 8]>().write_unaligned(x) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    /// Not fused: without the instruction, `f32::mul_add` is a library call for each value.
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a / b)
    }
    /// By adding and taking away 1.5·2²³, which rounds to even in the default mode; `round_ties_even` is a library call before SSE4.1.
    /// Exact for |x| < 2²²; larger values are integers already or come back within one unit of it.
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        const MAGIC: f32 = 12_582_912.0;
        a.map(|x| if x.abs() < 4_194_304.0 { (x + MAGIC) - MAGIC } else { x })
    }
    #[inline(always)]
    fn exp2_integer(self, n: Self::V) -> Self::V {
        n.map(|n| f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    fn select_lt(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        std::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        a.iter().sum()
    }
}

impl SimdInt8 for Generic {
    type Sums = [i32; 8];
    /// The first byte of each lane, the second and so on, in 16 bits: products that compilers find instructions for.
    type Inputs = [[i16; 8]; 4];
    type Weights = [i16; 4];

    #[inline(always)]
    fn splat_sum(self, x: i32) -> Self::Sums {
        [x; 8]
    }
    #[inline(always)]
    unsafe fn load_inputs(self, p: *const u8) -> Self::Inputs {
        // SAFETY: the caller's.
        let bytes = unsafe { p.cast::<[[u8; 4]; 8]>().read_unaligned() };
        std::array::from_fn(|i| bytes.map(|lane| lane[i].into()))
    }
    #[inline(always)]
    unsafe fn splat_weights(self, p: *const i8) -> Self::Weights {
        // SAFETY: the caller's.
        unsafe { p.cast::<[i8; 4]>().read_unaligned() }.map(i16::from)
    }
    #[inline(always)]
    fn dot(self, sums: Self::Sums, inputs: &Self::Inputs, weights: &Self::Weights) -> Self::Sums {
        inputs.iter().zip(weights).fold(sums, |sums, (inputs, &w)| {
            std::array::from_fn(|i| sums[i].wrapping_add(i32::from(inputs[i]) * i32::from(w)))
        })
    }
    #[inline(always)]
    fn to_f32(self, sums: Self::Sums) -> Self::V {
        sums.map(|sum| sum as f32)
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: [Self::V; 4], zero: i32) {
        let x = x.map(|x| self.round(x));
        let bytes: [[u8; 4]; 8] =
            std::array::from_fn(|i| x.map(|x| (x[i] as i16).saturating_add(zero as i16).clamp(0, 255) as u8));
        // SAFETY: the caller's.
        unsafe { p.cast::<[[u8; 4]; 8]>().write_unaligned(bytes) }
    }
}
