//! What a run of a graph leaves behind: its stages in order, as plain arrays.

use std::collections::BTreeMap;

use anyhow::Result;
use candle_core::{DType, Device, Tensor};

use crate::metrics::{max_abs, relative_l2};

/// The stage that has the durations, by whatever name the graph calls it.
pub const DURATIONS: &str = "durations";
/// The stage that has the samples.
pub const AUDIO: &str = "audio";

/// A tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its axes.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

impl Array {
    /// Copies a tensor of any element type.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn of(x: &Tensor) -> candle_core::Result<Self> {
        Ok(Self { shape: x.dims().to_vec(), values: x.flatten_all()?.to_dtype(DType::F32)?.to_vec1()? })
    }

    /// As a tensor on the processor.
    ///
    /// # Errors
    /// If the shape does not fit the values.
    pub fn tensor(&self) -> candle_core::Result<Tensor> {
        Tensor::from_slice(&self.values, &self.shape[..], &Device::Cpu)
    }

    /// The last two axes swapped.
    pub fn transposed(&self) -> Self {
        let n = self.shape.len();
        let [.., rows, columns] = self.shape[..] else { return self.clone() };
        let mut shape = self.shape.clone();
        shape.swap(n - 2, n - 1);
        let mut values = Vec::with_capacity(self.values.len());
        for matrix in self.values.chunks((rows * columns).max(1)) {
            values.extend((0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])));
        }
        Self { shape, values }
    }

    /// The difference of `self` from `want`; `None` where the shapes differ, axes of one left aside.
    pub fn difference(&self, want: &Self) -> Option<Difference> {
        let long = |shape: &[usize]| shape.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
        (long(&self.shape) == long(&want.shape)).then(|| Difference {
            relative_l2: relative_l2(&self.values, &want.values),
            max_abs: max_abs(&self.values, &want.values),
        })
    }
}

/// How far a tensor is from the reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// `‖got − want‖ / ‖want‖`.
    pub relative_l2: f64,
    /// The largest `|got − want|`.
    pub max_abs: f64,
}

/// The stages of a run, in the order of the graph.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    stages: Vec<(String, Array)>,
    places: BTreeMap<String, usize>,
}

impl Capture {
    /// Adds a stage, or replaces the one of the same name.
    pub fn insert(&mut self, name: &str, x: Array) {
        match self.places.get(name) {
            Some(place) => self.stages[*place].1 = x,
            None => {
                self.places.insert(name.to_owned(), self.stages.len());
                self.stages.push((name.to_owned(), x));
            }
        }
    }

    /// The stage `name`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.places.get(name).map(|place| &self.stages[*place].1)
    }

    /// All stages, in the order of the graph.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.stages.iter().map(|(name, x)| (name.as_str(), x))
    }

    /// Frames of each id.
    pub fn durations(&self) -> Vec<u32> {
        self.get(DURATIONS).map(|x| x.values.iter().map(|x| *x as u32).collect()).unwrap_or_default()
    }

    /// The samples.
    pub fn audio(&self) -> &[f32] {
        self.get(AUDIO).map_or(&[], |x| &x.values)
    }
}

/// A reference's tensors, whole or in part.
pub trait Tensors {
    /// The difference of `x` from the stage `name`: `None` where the reference does not have that stage, infinite where it has another shape.
    ///
    /// # Errors
    /// If `x` can't be read.
    fn difference(&self, name: &str, x: &Array) -> Result<Option<Difference>>;
}

/// Where the shapes differ.
pub(crate) const INCOMPARABLE: Difference = Difference { relative_l2: f64::INFINITY, max_abs: f64::INFINITY };

impl Tensors for Capture {
    fn difference(&self, name: &str, x: &Array) -> Result<Option<Difference>> {
        Ok(self.get(name).map(|want| x.difference(want).unwrap_or(INCOMPARABLE)))
    }
}

/// Magnitudes and phases `(B, 2·bins, F)` → real and imaginary parts of the same shape: where the magnitude is nothing, neither is the phase.
///
/// # Errors
/// If it has other axes.
pub fn complex(har: &Tensor) -> candle_core::Result<Tensor> {
    let bins = har.dim(1)? / 2;
    let (magnitude, phase) = (har.narrow(1, 0, bins)?, har.narrow(1, bins, bins)?);
    Tensor::cat(&[(&magnitude * phase.cos()?)?, (&magnitude * phase.sin()?)?], 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_axes_are_swapped() {
        let x = Array { shape: vec![2, 2, 3], values: (0..12).map(|x| x as f32).collect() };
        let y = x.transposed();
        assert_eq!(y.shape, [2, 3, 2]);
        assert_eq!(y.values, [0., 3., 1., 4., 2., 5., 6., 9., 7., 10., 8., 11.]);
        assert_eq!(y.transposed(), x);
    }

    #[test]
    fn axes_of_one_are_left_aside_and_other_shapes_are_not_compared() {
        let x = Array { shape: vec![1, 2], values: vec![3.0, 4.0] };
        let same = Array { shape: vec![2, 1, 1], values: vec![3.0, 4.5] };
        let difference = x.difference(&same).unwrap();
        assert!((difference.max_abs - 0.5).abs() < 1e-9);
        let mut capture = Capture::default();
        capture.insert("x", Array { shape: vec![3], values: vec![0.0; 3] });
        assert_eq!(capture.difference("x", &x).unwrap(), Some(INCOMPARABLE));
        assert_eq!(capture.difference("y", &x).unwrap(), None);
    }
}
