//! AVX2 + FMA, AVX-512 and AVX-512 with VNNI.

mod avx2;
mod avx512;

use super::{Kernel, KernelInt8};

/// Runs `kernel` compiled for AVX-512F.
///
/// # Safety
/// The CPU must have AVX-512F, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(avx512::Avx512::<false> { _proof: () })
}

/// Runs `kernel` compiled for AVX2 and FMA.
///
/// # Safety
/// The CPU must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(avx2::Avx2 { _proof: () })
}

/// Runs `kernel` compiled for AVX-512F, BW and VNNI.
///
/// # Safety
/// The CPU must have AVX-512F, AVX-512BW, AVX-512VNNI, AVX2 and FMA.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
pub(super) unsafe fn run_avx512_vnni<K: KernelInt8>(kernel: K) -> K::Output {
    kernel.run(avx512::Avx512::<true> { _proof: () })
}

/// Runs `kernel` compiled for AVX2 and FMA.
///
/// # Safety
/// The CPU must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2_int8<K: KernelInt8>(kernel: K) -> K::Output {
    kernel.run(avx2::Avx2 { _proof: () })
}
