//! AVX-512F: 16 lanes; with VNNI, byte products too.

use std::arch::x86_64::*;

use crate::arch::{Cache, Simd, SimdInt8};

/// Exists only inside functions compiled for the set; with `VNNI`, for AVX-512BW and AVX-512VNNI as well.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const VNNI: bool> {
    pub(super) _proof: (),
}

// SAFETY of every block below: a value of the type exists only where the CPU has the set; pointers are the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl<const VNNI: bool> Simd for Avx512<VNNI> {
    type V = __m512;
    const LANES: usize = 16;
    const TILE_ROWS: usize = 8;
    const TILE_VECTORS: usize = 3;
    const SHUFFLES: bool = true;

    #[inline(always)]
    fn prefetch(self, p: *const f32, into: Cache) {
        match into {
            Cache::First => unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) },
            Cache::Second => unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) },
        }
    }
    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> Self::V {
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: Self::V) {
        unsafe { _mm512_storeu_ps(p, x) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn exp2_integer(self, n: Self::V) -> Self::V {
        unsafe {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        }
    }
    #[inline(always)]
    fn select_lt(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), no, yes) }
    }
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    unsafe fn load_into(self, to: Self::V, lanes: u16, p: *const f32) -> Self::V {
        unsafe { _mm512_mask_loadu_ps(to, lanes, p) }
    }
    #[inline(always)]
    fn permute2(self, a: Self::V, index: &[u32; 16], b: Self::V) -> Self::V {
        unsafe { _mm512_permutex2var_ps(a, _mm512_loadu_si512(index.as_ptr().cast()), b) }
    }
}

// SAFETY of every block below: as above.
#[allow(clippy::undocumented_unsafe_blocks)]
impl SimdInt8 for Avx512<true> {
    type Sums = __m512i;
    type Inputs = __m512i;
    type Weights = __m512i;

    #[inline(always)]
    fn splat_sum(self, x: i32) -> Self::Sums {
        unsafe { _mm512_set1_epi32(x) }
    }
    #[inline(always)]
    unsafe fn load_inputs(self, p: *const u8) -> Self::Inputs {
        unsafe { _mm512_loadu_si512(p.cast()) }
    }
    #[inline(always)]
    unsafe fn splat_weights(self, p: *const i8) -> Self::Weights {
        unsafe { _mm512_set1_epi32(p.cast::<i32>().read_unaligned()) }
    }
    #[inline(always)]
    fn dot(self, sums: Self::Sums, inputs: &Self::Inputs, weights: &Self::Weights) -> Self::Sums {
        unsafe { _mm512_dpbusd_epi32(sums, *inputs, *weights) }
    }
    #[inline(always)]
    fn to_f32(self, sums: Self::Sums) -> Self::V {
        unsafe { _mm512_cvtepi32_ps(sums) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: [Self::V; 4], zero: i32) {
        unsafe {
            let [a, b, c, d] = x.map(|x| _mm512_cvtps_epi32(x));
            let zero = _mm512_set1_epi16(zero as i16);
            let ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero);
            let cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
            // In each quarter: the bytes of four lanes of `a`, then of `b`, `c` and `d`.
            let order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
            _mm512_storeu_si512(p.cast(), _mm512_shuffle_epi8(_mm512_packus_epi16(ab, cd), order));
        }
    }
}
