//! Constants of ONNX graphs, read and written on the level of the wire format.

use anyhow::{Context, Result, bail, ensure};

use super::wire::{FLOAT, fields, put_message, put_varint, varint};
use crate::capture::Array;

/// `TensorProto.DataType`
const UINT8: u64 = 2;
const INT8: u64 = 3;
/// `TensorProto.dims`, `.data_type`, `.float_data`, `.int32_data`, `.name`, `.raw_data`
const DIMS: u64 = 1;
const DATA_TYPE: u64 = 2;
const FLOAT_DATA: u64 = 4;
const INT32_DATA: u64 = 5;
const NAME: u64 = 8;
const RAW_DATA: u64 = 9;

/// A constant, its values as f32, which 8-bit integers are exactly.
pub(super) struct Tensor {
    dims: Vec<usize>,
    values: Vec<f32>,
}

impl Tensor {
    /// The name in a `TensorProto`.
    pub(super) fn name(message: &[u8]) -> Result<String> {
        for field in fields(message) {
            let field = field?;
            if field.number == NAME {
                return Ok(String::from_utf8_lossy(field.payload).into_owned());
            }
        }
        bail!("a constant has no name")
    }

    /// Reads a `TensorProto` of 8-bit integers or f32.
    pub(super) fn read(message: &[u8]) -> Result<Self> {
        let (mut dims, mut data_type, mut raw, mut values) = (Vec::new(), 0, None, Vec::new());
        for field in fields(message) {
            let field = field?;
            match field.number {
                DIMS => varints(field.payload, |n| dims.push(n as usize))?,
                DATA_TYPE => data_type = varint(field.payload)?.0,
                RAW_DATA => raw = Some(field.payload),
                FLOAT_DATA => values.extend(floats(field.payload)),
                INT32_DATA => varints(field.payload, |n| values.push(n as i64 as f32))?,
                _ => {}
            }
        }
        if let Some(raw) = raw {
            values = match data_type {
                FLOAT => floats(raw).collect(),
                UINT8 => raw.iter().map(|byte| f32::from(*byte)).collect(),
                INT8 => raw.iter().map(|byte| f32::from(byte.cast_signed())).collect(),
                other => bail!("is of the element type {other}, where 8-bit integers or f32 are needed"),
            };
        }
        ensure!(
            values.len() == dims.iter().product::<usize>(),
            "{} values do not fill the shape {dims:?}",
            values.len()
        );
        Ok(Self { dims, values })
    }

    /// `(q − zero) · scale`, with one scale for all, for each of the last axis, or for each of the first.
    pub(super) fn dequantized(&self, scale: &Self, zero: &Self) -> Result<Self> {
        let last = self.dims.last().copied().unwrap_or(1);
        let first = self.dims.first().copied().unwrap_or(1);
        let rows = (self.values.len() / first.max(1)).max(1);
        let pick = |parameter: &Self, i: usize| match parameter.values.len() {
            1 => Some(parameter.values[0]),
            n if n == last => Some(parameter.values[i % last]),
            n if n == first => Some(parameter.values[i / rows]),
            _ => None,
        };
        let values = self.values.iter().enumerate().map(|(i, q)| Some((q - pick(zero, i)?) * pick(scale, i)?));
        let values =
            values.collect::<Option<Vec<f32>>>().context("has scales for neither the first nor the last axis")?;
        Ok(Self { dims: self.dims.clone(), values })
    }

    /// `(D, I, O)` → `(D, O, I)`.
    pub(super) fn transposed(self) -> Result<Self> {
        let [directions, rows, columns] = self.dims[..] else {
            bail!("has a weight of {} axes, not 3", self.dims.len())
        };
        let array = Array { shape: self.dims, values: self.values }.transposed();
        Ok(Self { dims: vec![directions, columns, rows], values: array.values })
    }

    /// `TensorProto`
    pub(super) fn message(&self, name: &str) -> Vec<u8> {
        let mut message = Vec::with_capacity(4 * self.values.len() + 64);
        for n in &self.dims {
            put_varint(&mut message, DIMS << 3);
            put_varint(&mut message, *n as u64);
        }
        put_varint(&mut message, DATA_TYPE << 3);
        put_varint(&mut message, FLOAT);
        put_message(&mut message, NAME, name.as_bytes());
        let raw: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        put_message(&mut message, RAW_DATA, &raw);
        message
    }
}

/// One varint, or many of them packed.
fn varints(mut bytes: &[u8], mut each: impl FnMut(u64)) -> Result<()> {
    while !bytes.is_empty() {
        let (value, rest) = varint(bytes)?;
        each(value);
        bytes = rest;
    }
    Ok(())
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[usize], values: &[f32]) -> Tensor {
        Tensor { dims: dims.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn scales_are_for_all_or_for_an_axis() {
        let q = tensor(&[2, 3], &[1., 2., 3., 4., 5., 6.]);
        let all = q.dequantized(&tensor(&[], &[0.5]), &tensor(&[], &[1.0])).unwrap();
        assert_eq!(all.values, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        let columns = q.dequantized(&tensor(&[3], &[1.0, 2.0, 3.0]), &tensor(&[3], &[0.0, 0.0, 1.0])).unwrap();
        assert_eq!(columns.values, [1.0, 4.0, 6.0, 4.0, 10.0, 15.0]);
        let rows = q.dequantized(&tensor(&[2], &[1.0, 10.0]), &tensor(&[], &[0.0])).unwrap();
        assert_eq!(rows.values, [1.0, 2.0, 3.0, 40.0, 50.0, 60.0]);
        assert!(q.dequantized(&tensor(&[5], &[1.0; 5]), &tensor(&[], &[0.0])).is_err());
    }

    #[test]
    fn constants_are_read_as_they_are_written() {
        let written = tensor(&[2, 2], &[1.0, -2.0, 0.5, 4.0]).message("w");
        assert_eq!(Tensor::name(&written).unwrap(), "w");
        let read = Tensor::read(&written).unwrap();
        assert_eq!((read.dims, read.values), (vec![2, 2], vec![1.0, -2.0, 0.5, 4.0]));
        let mut signed = Vec::new();
        put_varint(&mut signed, DIMS << 3);
        put_varint(&mut signed, 2);
        put_varint(&mut signed, DATA_TYPE << 3);
        put_varint(&mut signed, INT8);
        put_message(&mut signed, RAW_DATA, &[0xff, 3]);
        assert_eq!(Tensor::read(&signed).unwrap().values, [-1.0, 3.0]);
    }
}
