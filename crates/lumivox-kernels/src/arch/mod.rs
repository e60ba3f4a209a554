//! Instruction sets: one [`Simd`] trait that kernels are generic over, one token type per instruction set, and the run-time choice between them.
//!
//! A kernel implements [`Kernel`] once. [`dispatch`] runs it inside a function compiled for the chosen [`Isa`], so that the generic body, which is
//! `#[inline(always)]`, becomes code for that instruction set. Tests force each available set in turn with [`with_isa`].

mod generic;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::cell::Cell;
use std::sync::OnceLock;

pub(crate) use generic::Generic;

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Portable Rust; also the path for CPUs without a set of their own here.
    Generic,
    /// AVX2 with FMA: 8 lanes, 16 registers.
    Avx2,
    /// AVX-512F: 16 lanes, 32 registers.
    Avx512,
}

impl Isa {
    /// The sets that this CPU can run, narrowest first. [`Isa::Generic`] is always among them.
    pub fn available() -> Vec<Isa> {
        let mut sets = vec![Isa::Generic];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Isa::Avx2);
                if is_x86_feature_detected!("avx512f") {
                    sets.push(Isa::Avx512);
                }
            }
        }
        sets
    }

    /// The set in force for kernels started on this thread: the one forced by [`with_isa`], else the one named by the environment variable
    /// `LUMIVOX_ISA` (`generic`, `avx2`, `avx512`) if this CPU has it, else the widest available.
    pub fn current() -> Isa {
        if let Some(isa) = FORCED.get() {
            return isa;
        }
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let available = Isa::available();
            let widest = *available.last().unwrap_or(&Isa::Generic);
            let wished = std::env::var("LUMIVOX_ISA").unwrap_or_default();
            available.into_iter().find(|isa| isa.name() == wished).unwrap_or(widest)
        })
    }

    /// Whether the set has products of bytes on this CPU (AVX-512 VNNI), four times as fast as those of `f32`. Without them
    /// [`Algorithm::Int8`](crate::Algorithm::Int8) works in 16 bits and loses time.
    pub fn has_byte_products(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self == Isa::Avx512 {
            return is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw");
        }
        false
    }

    /// Lower-case name, as `LUMIVOX_ISA` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Generic => "generic",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }
}

thread_local! {
    static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
}

/// Runs `f` with every kernel that it starts on this thread using `isa`; kernels pass the choice on to their worker threads.
///
/// # Panics
/// If this CPU does not have `isa`.
pub fn with_isa<R>(isa: Isa, f: impl FnOnce() -> R) -> R {
    assert!(Isa::available().contains(&isa), "this CPU has no {}", isa.name());
    struct Restore(Option<Isa>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(isa)));
    f()
}

/// Where memory is asked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// The first-level cache: for what is touched next.
    First,
    /// The second-level cache: for more than the first one holds.
    Second,
}

/// `f32` vectors of one instruction set. A value of the type proves that the CPU has the set, so the arithmetic is safe to call; loads and stores are
/// `unsafe` because they take pointers.
pub(crate) trait Simd: Copy + Send + Sync {
    /// A vector of [`Simd::LANES`] values.
    type V: Copy;
    /// Values in a vector.
    const LANES: usize;
    /// Rows of a register tile that leave registers for the operands.
    const TILE_ROWS: usize;
    /// Vectors of columns of such a tile, two of four rows, or three of eight. Where it just fits, compilers may keep a sum in memory all the same, and each product then waits for the last one to be stored.
    const TILE_VECTORS: usize;
    /// Whether the set has instructions that choose lanes and move them: [`Simd::load_into`], and of the methods below those that are for its number of lanes.
    const SHUFFLES: bool = false;

    /// Asks for the cache line that `p` points into, for a cache; nothing happens where there is none.
    fn prefetch(self, p: *const f32, into: Cache);
    fn splat(self, x: f32) -> Self::V;
    /// # Safety
    /// `p` must be readable for [`Simd::LANES`] values; no alignment is needed.
    unsafe fn load(self, p: *const f32) -> Self::V;
    /// # Safety
    /// `p` must be writable for [`Simd::LANES`] values; no alignment is needed.
    unsafe fn store(self, p: *mut f32, x: Self::V);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a·b + c`, fused where the set has it.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of the two; `b` where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller of the two; `b` where either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// To the nearest integer, halves to even.
    fn round(self, a: Self::V) -> Self::V;
    /// `2^n` for integral `n` in -126..=127.
    fn exp2_integer(self, n: Self::V) -> Self::V;
    /// Lane by lane: `yes` where `a < b`, else `no`.
    fn select_lt(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    fn sum(self, a: Self::V) -> f32;
    /// `to` with the lanes whose bits are set in `lanes` loaded from their places in the vector at `p`; only with [`Simd::SHUFFLES`].
    ///
    /// # Safety
    /// `p` must be readable for [`Simd::LANES`] values; no alignment is needed.
    unsafe fn load_into(self, to: Self::V, lanes: u16, p: *const f32) -> Self::V {
        let _ = (to, lanes, p);
        unreachable!("a set that does not shuffle")
    }
    /// Lane by lane: lane `index` of `a`, or lane `index − 16` of `b`; only with 16 lanes.
    fn permute2(self, a: Self::V, index: &[u32; 16], b: Self::V) -> Self::V {
        let _ = (a, index, b);
        unreachable!("a set without 16 lanes")
    }
    /// Lane by lane: lane `index` of `a`; only with 8 lanes.
    fn permute(self, a: Self::V, index: &[u32; 8]) -> Self::V {
        let _ = (a, index);
        unreachable!("a set without 8 lanes")
    }
    /// Lane by lane: `b` where the bit is set in `MASK`, else `a`; only with 8 lanes.
    fn blend<const MASK: i32>(self, a: Self::V, b: Self::V) -> Self::V {
        let _ = (a, b);
        unreachable!("a set without 8 lanes")
    }
    /// The lower halves of both, and the upper ones; only with 8 lanes.
    fn halves(self, a: Self::V, b: Self::V) -> [Self::V; 2] {
        let _ = (a, b);
        unreachable!("a set without 8 lanes")
    }
}

/// A computation generic over the instruction set.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// The body; mark it `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `kernel` compiled for `isa`, which [`Isa::current`] or [`Isa::available`] must have returned.
pub(crate) fn dispatch<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::available` offers a set only after the CPU was asked for it, and no other source of `Isa` values reaches here.
        Isa::Avx512 => unsafe { x86_64::run_avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { x86_64::run_avx2(kernel) },
        _ => kernel.run(Generic),
    }
}

/// Products of bytes on top of [`Simd`]: [`Simd::LANES`] sums at a time, each of four inputs with four weights. Every set gives the same sums.
pub(crate) trait SimdInt8: Simd {
    /// One sum for each lane.
    type Sums: Copy;
    /// Four unsigned bytes for each lane, ready for [`SimdInt8::dot`].
    type Inputs: Copy;
    /// Four signed bytes that all lanes share, ready for [`SimdInt8::dot`].
    type Weights: Copy;

    fn splat_sum(self, x: i32) -> Self::Sums;
    /// # Safety
    /// `p` must be readable for four bytes a lane; no alignment is needed.
    unsafe fn load_inputs(self, p: *const u8) -> Self::Inputs;
    /// # Safety
    /// `p` must be readable for four bytes; no alignment is needed.
    unsafe fn splat_weights(self, p: *const i8) -> Self::Weights;
    /// `sums[lane] + Σ inputs[lane][i]·weights[i]`, exact modulo 2³².
    fn dot(self, sums: Self::Sums, inputs: &Self::Inputs, weights: &Self::Weights) -> Self::Sums;
    /// To the nearest value, halves to even.
    fn to_f32(self, sums: Self::Sums) -> Self::V;
    /// Writes `bytes[lane][i] = round(x[i][lane]) + zero`, halves to even, limited to 0..=255, for `|x|` below 2¹⁵; what becomes of other values is any byte.
    ///
    /// # Safety
    /// `p` must be writable for four bytes a lane; no alignment is needed.
    unsafe fn store_bytes(self, p: *mut u8, x: [Self::V; 4], zero: i32);
}

/// A computation on bytes, generic over the instruction set.
pub(crate) trait KernelInt8 {
    /// What it returns.
    type Output;
    /// The body; mark it `#[inline(always)]`.
    fn run<S: SimdInt8>(self, simd: S) -> Self::Output;
}

/// As [`dispatch`]. AVX-512 without byte products (before Ice Lake and Zen 4) is served by AVX2.
pub(crate) fn dispatch_int8<K: KernelInt8>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as in `dispatch`, and the CPU was asked for the rest.
        Isa::Avx512 if isa.has_byte_products() => unsafe { x86_64::run_avx512_vnni(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as in `dispatch`; whoever has AVX-512 has AVX2 by `Isa::available`.
        Isa::Avx512 | Isa::Avx2 => unsafe { x86_64::run_avx2_int8(kernel) },
        _ => kernel.run(Generic),
    }
}

/// `map!(simd, x, out, |v| …)` computes an expression over the slice `x` into `out`, a vector at a time; the last, shorter piece goes through a buffer, so that
/// every lane takes the same path. A macro, because a closure is compiled without the instruction set of the function that it is passed to.
macro_rules! map {
    ($simd:expr, $x:expr, $out:expr, |$v:ident| $body:expr) => {{
        let (simd, x, out): (_, &[f32], &mut [f32]) = ($simd, $x, $out);
        let n = x.len().min(out.len());
        let whole = n - n % S::LANES;
        let mut i = 0;
        while i < whole {
            // SAFETY: `i + LANES <= whole <= n`, which both slices have.
            let $v = unsafe { simd.load(x.as_ptr().add(i)) };
            let y = $body;
            // SAFETY: as above.
            unsafe { simd.store(out.as_mut_ptr().add(i), y) };
            i += S::LANES;
        }
        if whole < n {
            let mut tail = [0f32; 16];
            tail[..n - whole].copy_from_slice(&x[whole..n]);
            // SAFETY: no set has more than 16 lanes.
            let $v = unsafe { simd.load(tail.as_ptr()) };
            let y = $body;
            // SAFETY: as above.
            unsafe { simd.store(tail.as_mut_ptr(), y) };
            out[whole..n].copy_from_slice(&tail[..n - whole]);
        }
    }};
}
pub(crate) use map;
