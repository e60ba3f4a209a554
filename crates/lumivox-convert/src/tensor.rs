//! Dense row-major tensors, the currency between readers and mappings.

use half::{bf16, f16};

/// A dense row-major tensor. `data.len()` is the product of `shape` (1 for a scalar).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tensor<T = f32> {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<T>,
}

impl<T: Copy> Tensor<T> {
    /// `(rows, columns)` → `(columns, rows)`, or `None` when the tensor is not a matrix.
    pub(crate) fn transposed(&self) -> Option<Self> {
        let [rows, columns] = self.shape[..] else { return None };
        // Tiles keep both sides in cache; the matrices of ALBERT are 6 MB.
        const TILE: usize = 32;
        let mut data = self.data.clone();
        for r0 in (0..rows).step_by(TILE) {
            for c0 in (0..columns).step_by(TILE) {
                for r in r0..rows.min(r0 + TILE) {
                    for c in c0..columns.min(c0 + TILE) {
                        data[c * rows + r] = self.data[r * columns + c];
                    }
                }
            }
        }
        Some(Self { shape: vec![columns, rows], data })
    }

    /// The `index`-th sub-tensor along the first axis.
    pub(crate) fn slice(&self, index: usize) -> Option<Self> {
        let (&first, rest) = self.shape.split_first()?;
        let stride = self.data.len().checked_div(first)?;
        let data = self.data.get(index * stride..(index + 1) * stride)?.to_vec();
        Some(Self { shape: rest.to_vec(), data })
    }
}

/// Number of elements of `shape`, or `None` when it overflows.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
}

/// Floating-point element types of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// Size of one element in bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Reads little-endian elements; trailing bytes that make no whole element are left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => chunks(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => chunks(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => chunks(bytes, f32::from_le_bytes),
            Self::F64 => chunks(bytes, |b| f64::from_le_bytes(b) as f32),
        }
    }
}

fn chunks<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&b| read(b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_crosses_tile_borders() {
        let (rows, columns) = (37, 70);
        let data: Vec<u32> = (0..rows * columns).map(|i| i as u32).collect();
        let t = Tensor { shape: vec![rows, columns], data }.transposed().unwrap();
        assert_eq!(t.shape, [columns, rows]);
        for r in 0..rows {
            for c in 0..columns {
                assert_eq!(t.data[c * rows + r] as usize, r * columns + c);
            }
        }
    }

    #[test]
    fn every_float_type_reads_one_and_a_half() {
        assert_eq!(Float::F16.decode(&f16::from_f32(1.5).to_le_bytes()), [1.5]);
        assert_eq!(Float::Bf16.decode(&bf16::from_f32(1.5).to_le_bytes()), [1.5]);
        assert_eq!(Float::F32.decode(&1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(Float::F64.decode(&1.5f64.to_le_bytes()), [1.5]);
    }
}
