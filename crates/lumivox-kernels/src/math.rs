//! Elementary functions on vectors. Each states its largest error, which `tests` holds it to against `f64` on every instruction set. NaN is not
//! handed on by those that limit their argument.
//!
//! The polynomials are minimax fits on the reduced ranges; ranges are reduced by Cody and Waite's method with constants short enough that the products
//! are exact without a fused multiply-add.

use crate::arch::Simd;

/// `c[0] + c[1]·x + c[2]·x² + …` by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::V, c: [f32; N]) -> S::V {
    let mut sum = simd.splat(c[N - 1]);
    for &c in c[..N - 1].iter().rev() {
        sum = simd.mul_add(sum, x, simd.splat(c));
    }
    sum
}

/// `e^x`. Relative error ≤ 2e-7 for -87.3 ≤ x ≤ 88; beyond, the value at the nearer end.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::V) -> S::V {
    const LN2_HIGH: f32 = 0.693_115_23;
    const LN2_LOW: f32 = 3.194_618_3e-5;
    let x = simd.min(simd.max(x, simd.splat(-87.3)), simd.splat(88.0));
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::LOG2_E)));
    let r = simd.mul_add(n, simd.splat(-LN2_HIGH), x);
    let r = simd.mul_add(n, simd.splat(-LN2_LOW), r);
    let p = polynomial(simd, r, [0.5, 0.166_665_2, 4.166_620_6e-2, 8.368_882e-3, 1.395_047_7e-3]);
    let p = simd.mul_add(simd.mul(r, r), p, simd.add(r, simd.splat(1.0)));
    simd.mul(p, simd.exp2_integer(n))
}

/// `1 / (1 + e^-x)`. Absolute error ≤ 2e-7.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(1.0);
    simd.div(one, simd.add(one, exp(simd, simd.sub(simd.splat(0.0), x))))
}

/// Hyperbolic tangent. Relative error ≤ 3e-7.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::V) -> S::V {
    let (one, two) = (simd.splat(1.0), simd.splat(2.0));
    let square = simd.mul(x, x);
    let p = polynomial(simd, square, [-0.333_332_84, 0.133_314_91, -5.374_35e-2, 2.065_059e-2, -5.717_049e-3]);
    let small = simd.mul_add(simd.mul(x, square), p, x);
    let large = simd.sub(one, simd.div(two, simd.add(one, exp(simd, simd.mul(two, x)))));
    simd.select_lt(square, simd.splat(0.625 * 0.625), small, large)
}

/// The GELU with a hyperbolic tangent (`gelu_new`): `x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))`. Absolute error ≤ 5e-7 · max(1, |x|).
#[inline(always)]
pub(crate) fn gelu_tanh<S: Simd>(simd: S, x: S::V) -> S::V {
    // (1 + tanh u)/2 is the logistic function of 2u.
    let cubic = simd.mul_add(simd.mul(x, x), simd.splat(2.0 * 0.797_884_6 * 0.044_715), simd.splat(2.0 * 0.797_884_6));
    simd.mul(x, sigmoid(simd, simd.mul(x, cubic)))
}

/// The GELU by its definition (`torch.nn.functional.gelu`): `x/2 · (1 + erf(x/√2))`. Absolute error ≤ 2e-7 · max(1, |x|).
#[inline(always)]
pub(crate) fn gelu<S: Simd>(simd: S, x: S::V) -> S::V {
    let (zero, negated) = (simd.splat(0.0), simd.sub(simd.splat(0.0), x));
    let u = simd.min(simd.mul(simd.max(x, negated), simd.splat(std::f32::consts::FRAC_1_SQRT_2)), simd.splat(4.0));
    // erfc(u) = exp(-u·p(u)), which is small where 1 + erf would cancel.
    const P: [f32; 8] = [
        1.128_380_3,
        0.636_597_75,
        0.102_919_616,
        -1.958_396_1e-2,
        5.369_339e-4,
        1.032_401_4e-3,
        -3.088_021_5e-4,
        3.144_016_6e-5,
    ];
    let erfc = exp(simd, simd.sub(zero, simd.mul(u, polynomial(simd, u, P))));
    let tail = simd.mul(simd.mul(x, simd.splat(0.5)), erfc);
    simd.select_lt(x, zero, tail, simd.sub(x, tail))
}

/// Sine. Absolute error ≤ 2e-7 for |x| ≤ 2e4.
#[inline(always)]
pub(crate) fn sin<S: Simd>(simd: S, x: S::V) -> S::V {
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::FRAC_1_PI)));
    let half = simd.mul(n, simd.splat(0.5));
    // A half where the number of half turns is odd, else nothing.
    let odd = simd.sub(half, simd.round(half));
    let sign = simd.mul_add(simd.mul(odd, odd), simd.splat(-8.0), simd.splat(1.0));
    simd.mul(sin_unsigned(simd, x), sign)
}

/// Cosine and sine for |x| ≤ 1. Absolute error ≤ 1.5e-7.
#[inline(always)]
pub(crate) fn cos_sin_unit<S: Simd>(simd: S, x: S::V) -> (S::V, S::V) {
    let square = simd.mul(x, x);
    let cos = polynomial(simd, square, [1.0, -0.5, 4.166_666_8e-2, -1.388_888_9e-3, 2.480_158_7e-5, -2.755_732e-7]);
    let p = polynomial(simd, square, [-0.166_666_67, 8.333_334e-3, -1.984_127e-4, 2.755_731_9e-6]);
    (cos, simd.mul_add(simd.mul(x, square), p, x))
}

/// The angle of the point `(x, y)` in -π..=π, +π where `x` is negative and `y` is zero of either sign, 0 at the origin. Absolute error ≤ 5e-7.
#[inline(always)]
pub(crate) fn atan2<S: Simd>(simd: S, y: S::V, x: S::V) -> S::V {
    use std::f32::consts::{FRAC_PI_2, PI};
    let zero = simd.splat(0.0);
    let (abs_x, abs_y) = (simd.max(x, simd.sub(zero, x)), simd.max(y, simd.sub(zero, y)));
    let larger = simd.max(simd.max(abs_x, abs_y), simd.splat(f32::MIN_POSITIVE));
    let ratio = simd.div(simd.min(abs_x, abs_y), larger);
    let square = simd.mul(ratio, ratio);
    let p = polynomial(
        simd,
        square,
        [
            -0.333_333_22,
            0.199_986_82,
            -0.142_570_45,
            0.108_657_59,
            -8.009_682e-2,
            4.891_432e-2,
            -2.002_674_7e-2,
            3.866_738_9e-3,
        ],
    );
    let angle = simd.mul_add(simd.mul(ratio, square), p, ratio);
    let angle = simd.select_lt(abs_x, abs_y, simd.sub(simd.splat(FRAC_PI_2), angle), angle);
    let angle = simd.select_lt(x, zero, simd.sub(simd.splat(PI), angle), angle);
    simd.select_lt(y, zero, simd.sub(zero, angle), angle)
}

/// Sine without its sign: `±sin x`, for where only the square is wanted, whose absolute error is ≤ 4e-7 for |x| ≤ 2e4.
#[inline(always)]
pub(crate) fn sin_unsigned<S: Simd>(simd: S, x: S::V) -> S::V {
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::FRAC_1_PI)));
    // π in pieces of at most 11 bits, so that n times the first three is exact.
    let mut r = x;
    for part in [3.140_625_f32, 9.675_026e-4, 1.509_906_7e-7, 5.126_688e-12] {
        r = simd.mul_add(n, simd.splat(-part), r);
    }
    let square = simd.mul(r, r);
    let p = polynomial(simd, square, [-0.166_666_67, 8.333_331e-3, -1.984_089_5e-4, 2.752_664e-6, -2.390_960_1e-8]);
    simd.mul_add(simd.mul(r, square), p, r)
}

/// The Snake activation `x + sin²(αx)/α` of BigVGAN and iSTFTNet, given `alpha` and `1/alpha`.
/// Absolute error ≤ 4e-6·max(1/|α|, |x|) for |x| ≤ 4 and α ≤ 7.5; beyond, the rounding of `αx` to `f32` comes on top.
#[inline(always)]
pub(crate) fn snake<S: Simd>(simd: S, x: S::V, alpha: S::V, alpha_inv: S::V) -> S::V {
    let sin = sin_unsigned(simd, simd.mul(alpha, x));
    simd.mul_add(simd.mul(sin, sin), alpha_inv, x)
}

/// `x` where it is positive, `slope·x` elsewhere.
#[inline(always)]
pub(crate) fn leaky_relu<S: Simd>(simd: S, x: S::V, slope: S::V) -> S::V {
    simd.select_lt(x, simd.splat(0.0), simd.mul(x, slope), x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Isa, Kernel, dispatch, map};

    /// The functions under test, as they are called.
    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Sigmoid,
        Tanh,
        GeluTanh,
        Gelu,
        Sin,
        CosUnit,
        SinUnit,
        /// Of the point (x, y) with this x.
        Atan2(f32),
        SinSquared,
        Snake(f32),
        LeakyRelu(f32),
    }

    struct Apply<'a>(Function, &'a [f32], &'a mut [f32]);
    impl Kernel for Apply<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Apply(function, x, out) = self;
            match function {
                Function::Exp => map!(s, x, out, |v| exp(s, v)),
                Function::Sigmoid => map!(s, x, out, |v| sigmoid(s, v)),
                Function::Tanh => map!(s, x, out, |v| tanh(s, v)),
                Function::GeluTanh => map!(s, x, out, |v| gelu_tanh(s, v)),
                Function::Gelu => map!(s, x, out, |v| gelu(s, v)),
                Function::Sin => map!(s, x, out, |v| sin(s, v)),
                Function::CosUnit => map!(s, x, out, |v| cos_sin_unit(s, v).0),
                Function::SinUnit => map!(s, x, out, |v| cos_sin_unit(s, v).1),
                Function::Atan2(x_of_point) => map!(s, x, out, |v| atan2(s, v, s.splat(x_of_point))),
                Function::SinSquared => map!(s, x, out, |v| {
                    let r = sin_unsigned(s, v);
                    s.mul(r, r)
                }),
                Function::Snake(a) => map!(s, x, out, |v| snake(s, v, s.splat(a), s.splat(1.0 / a))),
                Function::LeakyRelu(slope) => map!(s, x, out, |v| leaky_relu(s, v, s.splat(slope))),
            }
        }
    }

    /// Largest error over `range` on every instruction set, each error divided by `scale(x, exact)`.
    fn largest_error(
        function: Function,
        range: std::ops::Range<f32>,
        exact: impl Fn(f64) -> f64,
        scale: impl Fn(f64, f64) -> f64,
    ) -> f64 {
        let n = 200_003;
        let x: Vec<f32> = (0..n).map(|i| range.start + (range.end - range.start) * i as f32 / n as f32).collect();
        let mut worst = 0f64;
        for isa in Isa::available() {
            let mut y = vec![f32::NAN; n];
            dispatch(isa, Apply(function, &x, &mut y));
            for (&x, &y) in x.iter().zip(&y) {
                let want = exact(x.into());
                worst = worst.max((f64::from(y) - want).abs() / scale(x.into(), want));
            }
        }
        worst
    }

    #[test]
    fn stated_errors_hold() {
        let relative = |_: f64, want: f64| want.abs().max(1e-30);
        let absolute = |_: f64, _: f64| 1.0;
        assert!(largest_error(Function::Exp, -87.2..87.9, f64::exp, relative) <= 2e-7);
        assert!(largest_error(Function::Sigmoid, -60.0..60.0, |x| 1.0 / (1.0 + (-x).exp()), absolute) <= 2e-7);
        assert!(largest_error(Function::Tanh, -12.0..12.0, f64::tanh, relative) <= 3e-7);
        assert!(largest_error(Function::Tanh, -0.7..0.7, f64::tanh, relative) <= 3e-7);
        let gelu = |x: f64| x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
        assert!(largest_error(Function::GeluTanh, -12.0..12.0, gelu, |x, _| x.abs().max(1.0)) <= 5e-7);
        assert!(largest_error(Function::GeluTanh, -0.5..0.5, gelu, |x, _| x.abs().max(1.0)) <= 5e-7);
        let gelu = |x: f64| x / 2.0 * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2));
        assert!(largest_error(Function::Gelu, -12.0..12.0, gelu, |x, _| x.abs().max(1.0)) <= 2e-7);
        assert!(largest_error(Function::Gelu, -0.5..0.5, gelu, |x, _| x.abs().max(1.0)) <= 2e-7);
        assert!(largest_error(Function::Sin, -10.0..10.0, f64::sin, absolute) <= 2e-7);
        assert!(largest_error(Function::Sin, -2e4..2e4, f64::sin, absolute) <= 2e-7);
        assert!(largest_error(Function::CosUnit, -1.0..1.0, f64::cos, absolute) <= 1.5e-7);
        assert!(largest_error(Function::SinUnit, -1.0..1.0, f64::sin, absolute) <= 1.5e-7);
        for x in [1e-20f32, 1e-3, 0.7, 1.0, 30.0, -1e-20, -1e-3, -0.7, -30.0] {
            assert!(largest_error(Function::Atan2(x), -2.0..2.0, |y| y.atan2(x.into()), absolute) <= 5e-7, "{x}");
        }
        let sin_squared = |x: f64| x.sin().powi(2);
        assert!(largest_error(Function::SinSquared, -10.0..10.0, sin_squared, absolute) <= 4e-7);
        assert!(largest_error(Function::SinSquared, -2e4..2e4, sin_squared, absolute) <= 4e-7);
        for alpha in [0.05f32, 1.0, 7.5] {
            let a = f64::from(alpha);
            let snake = |x: f64| x + (a * x).sin().powi(2) / a;
            // The argument αx is rounded to f32 before the sine; that error is the input's, not the polynomial's, hence the small range.
            let scale = |x: f64, _: f64| (1.0 / a).max(x.abs());
            assert!(largest_error(Function::Snake(alpha), -4.0..4.0, snake, scale) <= 4e-6);
        }
        assert_eq!(
            largest_error(Function::LeakyRelu(0.5), -3.0..3.0, |x| if x < 0.0 { 0.5 * x } else { x }, absolute),
            0.0
        );
    }

    #[test]
    fn atan2_of_real_numbers_is_zero_or_plus_pi() {
        for isa in Isa::available() {
            let mut y = [f32::NAN; 2];
            for (x, want) in [(-1.0, std::f32::consts::PI), (0.0, 0.0), (2.0, 0.0)] {
                dispatch(isa, Apply(Function::Atan2(x), &[0.0, -0.0], &mut y));
                assert_eq!(y, [want; 2], "{isa:?} {x}");
            }
        }
    }

    #[test]
    fn exp_and_tanh_saturate() {
        for isa in Isa::available() {
            let x = [-1e9f32, -88.0, 89.0, 1e9, 0.0];
            let mut y = [0f32; 5];
            dispatch(isa, Apply(Function::Exp, &x, &mut y));
            assert!(y.iter().all(|y| y.is_finite() && *y > 0.0), "{isa:?} {y:?}");
            assert_eq!(y[4], 1.0);
            dispatch(isa, Apply(Function::Tanh, &x, &mut y));
            assert_eq!(y, [-1.0, -1.0, 1.0, 1.0, 0.0], "{isa:?}");
        }
    }
}
