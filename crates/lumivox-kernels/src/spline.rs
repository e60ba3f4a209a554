//! The monotonic rational-quadratic spline of neural spline flows, backwards.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::op::f32_slice;

/// Steps that a thread takes at a time, at least.
const STEPS: usize = 32;
/// Least width and height of a piece, as shares of the whole, and least slope.
const MIN_SHARE: f64 = 1e-3;
const MIN_SLOPE: f64 = 1e-3;

/// The inverse of a monotonic rational-quadratic spline with linear tails (Durkan et al., 2019; `transforms.py` of VITS), in `f64`.
///
/// `y: (1, 1, T)`; `parameters: (1, 3·bins − 1, T)`: unnormalised widths, heights, and slopes at the inner knots. Each step has a spline of its own from
/// -tail_bound to tail_bound; values beyond it stay as they are.
///
/// # Errors
/// If the shapes do not fit each other.
pub fn spline_inverse(y: &Tensor, parameters: &Tensor, tail_bound: f64) -> Result<Tensor> {
    y.contiguous()?.apply_op2_no_bwd(&parameters.contiguous()?, &SplineInverse { tail_bound })
}

struct SplineInverse {
    tail_bound: f64,
}

impl CustomOp2 for SplineInverse {
    fn name(&self) -> &'static str {
        "spline_inverse"
    }
    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        yl: &Layout,
        parameters: &CpuStorage,
        pl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, rows, steps) = pl.shape().dims3()?;
        if rows % 3 != 2 || rows < 2 || yl.shape().dims() != [1, 1, steps] || pl.shape().dims()[0] != 1 {
            bail!("spline_inverse: parameters {:?} for values {:?}", pl.shape(), yl.shape());
        }
        let (y, parameters) = (f32_slice(y, yl, "spline_inverse")?, f32_slice(parameters, pl, "spline_inverse")?);
        let values = y.par_iter().with_min_len(STEPS).enumerate().map(|(t, &y)| {
            let column: Vec<f64> = (0..rows).map(|row| parameters[row * steps + t].into()).collect();
            Spline::new(&column, self.tail_bound).inverse(y.into()) as f32
        });
        Ok((CpuStorage::F32(values.collect()), yl.shape().clone()))
    }
}

/// Knots of one spline.
struct Spline {
    x: Vec<f64>,
    y: Vec<f64>,
    slopes: Vec<f64>,
    tail_bound: f64,
}

impl Spline {
    fn new(parameters: &[f64], tail_bound: f64) -> Self {
        let bins = (parameters.len() + 1) / 3;
        let inner = parameters[2 * bins..].iter().map(|&slope| MIN_SLOPE + softplus(slope));
        // The tails have slope 1.
        let slopes = std::iter::once(1.0).chain(inner).chain(std::iter::once(1.0)).collect();
        let (x, y) = (knots(&parameters[..bins], tail_bound), knots(&parameters[bins..2 * bins], tail_bound));
        Self { x, y, slopes, tail_bound }
    }

    /// The x whose value is `y`.
    fn inverse(&self, y: f64) -> f64 {
        if y.abs() > self.tail_bound || y.is_nan() {
            return y;
        }
        let bins = self.x.len() - 1;
        let i = self.y[1..bins].iter().filter(|knot| **knot <= y).count();
        let (width, height) = (self.x[i + 1] - self.x[i], self.y[i + 1] - self.y[i]);
        let (left, right, slope) = (self.slopes[i], self.slopes[i + 1], height / width);
        let rise = y - self.y[i];
        let bend = rise * (left + right - 2.0 * slope);
        let (a, b, c) = (bend + height * (slope - left), height * left - bend, -slope * rise);
        // The root of a·ξ² + b·ξ + c that lies in 0..1, in the form that does not cancel.
        let root = 2.0 * c / (-b - (b * b - 4.0 * a * c).max(0.0).sqrt());
        root * width + self.x[i]
    }

    /// The value at `x`: what [`Spline::inverse`] undoes.
    #[cfg(test)]
    fn forward(&self, x: f64) -> f64 {
        if x.abs() > self.tail_bound {
            return x;
        }
        let bins = self.x.len() - 1;
        let i = self.x[1..bins].iter().filter(|knot| **knot <= x).count();
        let (width, height) = (self.x[i + 1] - self.x[i], self.y[i + 1] - self.y[i]);
        let (left, right, slope) = (self.slopes[i], self.slopes[i + 1], height / width);
        let (s, r) = ((x - self.x[i]) / width, 1.0 - (x - self.x[i]) / width);
        let numerator = height * (slope * s * s + left * s * r);
        self.y[i] + numerator / (slope + (left + right - 2.0 * slope) * s * r)
    }
}

/// Places of the knots: shares by softmax, none below the least, laid out from -tail_bound to tail_bound.
fn knots(unnormalized: &[f64], tail_bound: f64) -> Vec<f64> {
    let largest = unnormalized.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = unnormalized.iter().map(|u| (u - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut at = 0.0;
    let mut knots = vec![-tail_bound];
    for weight in &weights {
        at += MIN_SHARE + (1.0 - MIN_SHARE * weights.len() as f64) * weight / total;
        knots.push(2.0 * tail_bound * at - tail_bound);
    }
    knots[weights.len()] = tail_bound;
    knots
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_inverse_undoes_the_spline(parameters in prop::collection::vec(-6f64..6.0, 29), x in -7f64..7.0) {
            let spline = Spline::new(&parameters, 5.0);
            let y = spline.forward(x);
            prop_assert!((spline.inverse(y) - x).abs() < 1e-6, "{x} -> {y} -> {}", spline.inverse(y));
        }
    }

    #[test]
    fn values_in_the_tails_stay_and_shapes_are_checked() {
        let y = Tensor::from_slice(&[-9f32, 0.0, 9.0], (1, 1, 3), &Device::Cpu).unwrap();
        let flat = Tensor::zeros((1, 29, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        let x = spline_inverse(&y, &flat, 5.0).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((x[0], x[2]), (-9.0, 9.0));
        assert!(x[1].abs() < 1e-6);
        assert!(spline_inverse(&y, &flat.narrow(1, 0, 28).unwrap(), 5.0).is_err());
        assert!(spline_inverse(&y, &flat.narrow(2, 0, 2).unwrap(), 5.0).is_err());
    }
}
