//! AVX2 + FMA and AVX-512.

mod avx2;
mod avx512;

use super::Kernel;

/// Runs `kernel` compiled for AVX-512F.
///
/// # Safety
/// The CPU must have AVX-512F, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(avx512::Avx512 { _proof: () })
}

/// Runs `kernel` compiled for AVX2 and FMA.
///
/// # Safety
/// The CPU must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(avx2::Avx2 { _proof: () })
}
