//! Reproducible normal noise.
//!
//! Every value is a function of (seed, stream, index) alone, however the work is cut or threaded and whatever the instruction set. Philox 4×32-10 (Salmon et
//! al., *Parallel random numbers: as easy as 1, 2, 3*, 2011) makes the bits, the Box–Muller transform in `f64` makes them normal.

use rayon::prelude::*;

use crate::arch::{Isa, Kernel, Simd, dispatch};

/// Blocks of four values that are made side by side.
const WIDTH: usize = 16;
/// Blocks that one task of the thread pool makes.
const TASK_BLOCKS: usize = 256 * WIDTH;
/// How far from the middle between two `f32` values an `f64` value must be, in its units in the last place, to be rounded without a second look. Both
/// transforms, this one and the library's, are within 4 of the true value.
const MARGIN: u64 = 64;

/// Fills `out` with the standard normal values of the indices from 0 on in `stream`: exactly those of [`normal_reference`].
pub fn fill_normal(seed: u64, stream: [u32; 2], out: &mut [f32]) {
    let isa = Isa::current();
    out.par_chunks_mut(4 * TASK_BLOCKS).enumerate().for_each(|(task, out)| {
        dispatch(isa, Blocks { seed, stream, first: (task * TASK_BLOCKS) as u64, out });
    });
}

/// The value blocks from `first` on.
struct Blocks<'a> {
    seed: u64,
    stream: [u32; 2],
    first: u64,
    out: &'a mut [f32],
}

impl Kernel for Blocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (group, out) in self.out.chunks_mut(4 * WIDTH).enumerate() {
            let first = self.first + (group * WIDTH) as u64;
            let bits = philox4x32_10(self.seed, self.stream, first);
            let mut near_middle = 0u64;
            let mut values = [[0f32; WIDTH]; 4];
            for pair in 0..2 {
                let (a, b) = (&bits[2 * pair], &bits[2 * pair + 1]);
                for i in 0..WIDTH {
                    let radius = (-2.0 * ln(uniform(a[i]))).sqrt();
                    let (sin, cos) = sin_cos(std::f64::consts::TAU * uniform(b[i]));
                    let (x, y) = (radius * cos, radius * sin);
                    near_middle |= u64::from(is_near_middle(x)) | u64::from(is_near_middle(y));
                    (values[2 * pair][i], values[2 * pair + 1][i]) = (x as f32, y as f32);
                }
            }
            for (i, out) in out.chunks_mut(4).enumerate() {
                let block = if near_middle == 0 {
                    [values[0][i], values[1][i], values[2][i], values[3][i]]
                } else {
                    box_muller([bits[0][i], bits[1][i], bits[2][i], bits[3][i]])
                };
                out.copy_from_slice(&block[..out.len()]);
            }
        }
    }
}

/// In 0..1, both ends excluded.
#[inline(always)]
fn uniform(bits: u32) -> f64 {
    (f64::from(bits) + 0.5) / 4_294_967_296.0
}

/// Whether `x` lies so close to the middle between two `f32` values that an error in its last places could change which of them it is rounded to.
#[inline(always)]
fn is_near_middle(x: f64) -> bool {
    (x.to_bits() & 0x1fff_ffff).wrapping_sub((1 << 28) - MARGIN) < 2 * MARGIN
}

/// Natural logarithm of a normal positive number, by the method of fdlibm's `log`: error below 1 unit in the last place.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const SQRT_HALF: u64 = 0x3fe6_a09e_0000_0000;
    // x = 2^k · m, √½ ≤ m < √2.
    let bits = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - SQRT_HALF);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF);
    let k = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let (z, half) = (s * s, 0.5 * f * f);
    let w = z * z;
    let even = w * (3.999_999_999_940_942e-1 + w * (2.222_219_843_214_978_4e-1 + w * 1.531_383_769_920_937_3e-1));
    let odd = w * (1.818_357_216_161_805e-1 + w * 1.479_819_860_511_658_6e-1);
    let odd = z * (6.666_666_666_666_735e-1 + w * (2.857_142_874_366_239e-1 + odd));
    s * (half + (even + odd)) + k * 1.908_214_929_270_587_7e-10 - half + f + k * 6.931_471_803_691_238e-1
}

/// Sine and cosine of 0 ≤ `x` < 2π, by the method of fdlibm: errors below 1 unit in the last place.
#[inline(always)]
fn sin_cos(x: f64) -> (f64, f64) {
    // Adding 1.5·2⁵² rounds to an integer, whose last bits then stand in the last bits.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let quarter = x * std::f64::consts::FRAC_2_PI + MAGIC;
    let (n, quadrant) = (quarter - MAGIC, quarter.to_bits());
    // π/2 in two parts, the product with the first exact.
    let (high, low) = (x - n * 1.570_796_326_734_125_6, n * 6.077_100_506_506_192e-11);
    let r = high - low;
    let rest = (high - r) - low;
    let z = r * r;
    let v = z * r;
    let p = -2.505_076_025_340_686_3e-8 + z * 1.589_690_995_211_55e-10;
    let p = 8.333_333_333_322_49e-3 + z * (-1.984_126_982_985_795e-4 + z * (2.755_731_370_707_006_8e-6 + z * p));
    let sin = r - ((z * (0.5 * rest - v * p) - rest) - v * -1.666_666_666_666_663_2e-1);
    let p = 2.087_572_321_298_175e-9 + z * -1.135_964_755_778_819_5e-11;
    let p = 2.480_158_728_947_673e-5 + z * (-2.755_731_435_139_066_3e-7 + z * p);
    let p = z * (4.166_666_666_666_66e-2 + z * (-1.388_888_888_887_411e-3 + z * p));
    let half = 0.5 * z;
    let w = 1.0 - half;
    let cos = w + (((1.0 - w) - half) + (z * p - r * rest));
    let (a, b) = if quadrant & 1 == 0 { (sin, cos) } else { (cos, sin) };
    let sign = |x: f64, negative: u64| f64::from_bits(x.to_bits() ^ (negative & 1) << 63);
    (sign(a, quadrant >> 1), sign(b, (quadrant >> 1) ^ quadrant))
}

/// Ten rounds of Philox with four words of 32 bits, on the counters `[block, stream]` for `WIDTH` blocks from `first` on.
#[inline(always)]
fn philox4x32_10(seed: u64, stream: [u32; 2], first: u64) -> [[u32; WIDTH]; 4] {
    const MULTIPLIERS: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
    const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
    let mut key = [seed as u32, (seed >> 32) as u32];
    let block = |i: usize| first.wrapping_add(i as u64);
    let (low, high) = (std::array::from_fn(|i| block(i) as u32), std::array::from_fn(|i| (block(i) >> 32) as u32));
    let mut counter = [low, high, [stream[0]; WIDTH], [stream[1]; WIDTH]];
    for _ in 0..10 {
        let [words0, words1, words2, words3] = &mut counter;
        for (((c0, c1), c2), c3) in words0.iter_mut().zip(words1).zip(words2).zip(words3) {
            let [a, b] = [MULTIPLIERS[0] * u64::from(*c0), MULTIPLIERS[1] * u64::from(*c2)];
            (*c0, *c1) = ((b >> 32) as u32 ^ *c1 ^ key[0], b as u32);
            (*c2, *c3) = ((a >> 32) as u32 ^ *c3 ^ key[1], a as u32);
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// Box–Muller with the library's functions: bits to normal values, `(r·cos θ, r·sin θ)` from each pair.
fn box_muller(bits: [u32; 4]) -> [f32; 4] {
    let pair = |a: u32, b: u32| {
        let radius = (-2.0 * uniform(a).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * uniform(b)).sin_cos();
        [(radius * cos) as f32, (radius * sin) as f32]
    };
    let ([a, b], [c, d]) = (pair(bits[0], bits[1]), pair(bits[2], bits[3]));
    [a, b, c, d]
}

/// The scalar oracle of [`fill_normal`]: the first `n` values.
pub fn normal_reference(seed: u64, stream: [u32; 2], n: usize) -> Vec<f32> {
    let block = |block: usize| box_muller(philox4x32_10(seed, stream, block as u64).map(|words| words[0]));
    let mut values: Vec<f32> = (0..n.div_ceil(4)).flat_map(block).collect();
    values.truncate(n);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123, the authors' own implementation.
    #[test]
    fn philox_gives_the_published_answers() {
        let philox = |block: u64, stream, seed| philox4x32_10(seed, stream, block).map(|words| words[0]);
        assert_eq!(philox(0, [0; 2], 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox(u64::MAX, [u32::MAX; 2], u64::MAX), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox(0x85a3_08d3_243f_6a88, [0x1319_8a2e, 0x0370_7344], 0x299f_31d0_a409_3822),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn logarithm_and_circle_are_within_the_margin_of_the_library() {
        let distance = |a: f64, b: f64| a.to_bits().abs_diff(b.to_bits());
        for i in 0..3_000_000u32 {
            let u = uniform(if i < 1000 { i } else { i.wrapping_mul(2_654_435_761) });
            assert!(distance(ln(u), u.ln()) <= 2, "ln {u}");
            let angle = std::f64::consts::TAU * u;
            let ((sin, cos), want) = (sin_cos(angle), angle.sin_cos());
            assert!(distance(sin, want.0) <= 2 && distance(cos, want.1) <= 2, "{angle}: {sin} {cos} for {want:?}");
        }
    }
}
