//! AVX2 with FMA: 8 lanes.

use std::arch::x86_64::*;

use crate::arch::{Cache, Simd, SimdInt8};

/// Exists only inside functions compiled for the set.
#[derive(Clone, Copy)]
pub(crate) struct Avx2 {
    pub(super) _proof: (),
}

// SAFETY of every block below: a value of the type exists only where the CPU has the set; pointers are the caller's promise.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;
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
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> Self::V {
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, x: Self::V) {
        unsafe { _mm256_storeu_ps(p, x) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn round(self, a: Self::V) -> Self::V {
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn exp2_integer(self, n: Self::V) -> Self::V {
        unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        }
    }
    #[inline(always)]
    fn select_lt(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) }
    }
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        unsafe {
            let halves = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
            _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)))
        }
    }
    #[inline(always)]
    unsafe fn load_into(self, to: Self::V, lanes: u16, p: *const f32) -> Self::V {
        unsafe {
            let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let chosen = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(lanes.into()), bits), bits);
            _mm256_blendv_ps(to, _mm256_loadu_ps(p), _mm256_castsi256_ps(chosen))
        }
    }
    #[inline(always)]
    fn permute(self, a: Self::V, index: &[u32; 8]) -> Self::V {
        unsafe { _mm256_permutevar8x32_ps(a, _mm256_loadu_si256(index.as_ptr().cast())) }
    }
    #[inline(always)]
    fn blend<const MASK: i32>(self, a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm256_blend_ps::<MASK>(a, b) }
    }
    #[inline(always)]
    fn halves(self, a: Self::V, b: Self::V) -> [Self::V; 2] {
        unsafe { [_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)] }
    }
}

// SAFETY of every block below: as above.
#[allow(clippy::undocumented_unsafe_blocks)]
impl SimdInt8 for Avx2 {
    type Sums = __m256i;
    /// The even bytes and the odd ones, widened to 16 bits: the set's products of bytes saturate.
    type Inputs = [__m256i; 2];
    type Weights = [__m256i; 2];

    #[inline(always)]
    fn splat_sum(self, x: i32) -> Self::Sums {
        unsafe { _mm256_set1_epi32(x) }
    }
    #[inline(always)]
    unsafe fn load_inputs(self, p: *const u8) -> Self::Inputs {
        unsafe {
            let bytes = _mm256_loadu_si256(p.cast());
            [_mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), _mm256_srli_epi16::<8>(bytes)]
        }
    }
    #[inline(always)]
    unsafe fn splat_weights(self, p: *const i8) -> Self::Weights {
        unsafe {
            let bytes = _mm256_set1_epi32(p.cast::<i32>().read_unaligned());
            [_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(bytes)), _mm256_srai_epi16::<8>(bytes)]
        }
    }
    #[inline(always)]
    fn dot(self, sums: Self::Sums, inputs: &Self::Inputs, weights: &Self::Weights) -> Self::Sums {
        unsafe {
            let sums = _mm256_add_epi32(sums, _mm256_madd_epi16(inputs[0], weights[0]));
            _mm256_add_epi32(sums, _mm256_madd_epi16(inputs[1], weights[1]))
        }
    }
    #[inline(always)]
    fn to_f32(self, sums: Self::Sums) -> Self::V {
        unsafe { _mm256_cvtepi32_ps(sums) }
    }
    #[inline(always)]
    unsafe fn store_bytes(self, p: *mut u8, x: [Self::V; 4], zero: i32) {
        unsafe {
            let [a, b, c, d] = x.map(|x| _mm256_cvtps_epi32(x));
            let zero = _mm256_set1_epi16(zero as i16);
            let ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
            let cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero);
            // In each half: the bytes of four lanes of `a`, then of `b`, `c` and `d`.
            let order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let order = _mm256_broadcastsi128_si256(order);
            _mm256_storeu_si256(p.cast(), _mm256_shuffle_epi8(_mm256_packus_epi16(ab, cd), order));
        }
    }
}
