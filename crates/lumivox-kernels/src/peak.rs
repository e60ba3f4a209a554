//! What the CPU could do at most: the yardstick of the kernels' speed.

use std::hint::black_box;
use std::time::Instant;

use crate::arch::{Isa, Kernel, Simd, dispatch};

/// Independent sums: enough to hide the latency of a fused multiply-add, few enough for the registers of the widest set.
const SUMS: usize = 12;
const ROUNDS: usize = 7;

/// The most floating-point operations per second that one thread gets out of [`Isa::current`], in GFLOP/s: fused multiply-adds on registers alone, a
/// multiplication and an addition each; the best of a few rounds.
pub fn peak_gflops() -> f64 {
    let isa = Isa::current();
    (0..ROUNDS).map(|_| dispatch(isa, MultiplyAdds)).fold(0.0, f64::max)
}

struct MultiplyAdds;

impl Kernel for MultiplyAdds {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        const STEPS: usize = 400_000;
        let mut sums = black_box([s.splat(1.0); SUMS]);
        let (factor, addend) = (black_box(s.splat(0.999)), black_box(s.splat(0.001)));
        let started = Instant::now();
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, factor, addend);
            }
        }
        black_box(sums);
        (2 * S::LANES * SUMS * STEPS) as f64 / started.elapsed().as_secs_f64() / 1e9
    }
}
