//! Payloads of `TensorProto`: the shape is checked against the data before anything is allocated.

use super::proto::{EXTERNAL, TensorProto, data_type};
use crate::ConvertError;
use crate::tensor::{Float, Tensor, element_count};
use half::{bf16, f16};

/// The floating-point type of `proto`, if it has one.
pub(super) fn float_type(proto: &TensorProto) -> Option<Float> {
    match proto.data_type {
        data_type::FLOAT => Some(Float::F32),
        data_type::FLOAT16 => Some(Float::F16),
        data_type::BFLOAT16 => Some(Float::Bf16),
        data_type::DOUBLE => Some(Float::F64),
        _ => None,
    }
}

/// Size of the payload of `proto`, at most what it takes of the file.
pub(super) fn payload_bytes(proto: &TensorProto) -> usize {
    proto.raw_data.len() + proto.int32_data.len() + 4 * proto.float_data.len() + 8 * proto.double_data.len()
}

/// Decodes a floating-point tensor, widening or narrowing to f32.
pub(super) fn decode_float(proto: &TensorProto) -> Result<Tensor, ConvertError> {
    let Some(float) = float_type(proto) else {
        return Err(error(
            proto,
            format!("has element type {}, where a floating-point type is needed", proto.data_type),
        ));
    };
    let shape = shape(proto)?;
    let data = if !proto.raw_data.is_empty() {
        check_raw(proto, &shape, float.size())?;
        float.decode(&proto.raw_data)
    } else {
        match float {
            Float::F32 => proto.float_data.clone(),
            Float::F64 => proto.double_data.iter().map(|&v| v as f32).collect(),
            // Typed fields keep the 16 bits of each half in the low half of an int32.
            Float::F16 => proto.int32_data.iter().map(|&v| f16::from_bits(v as u16).to_f32()).collect(),
            Float::Bf16 => proto.int32_data.iter().map(|&v| bf16::from_bits(v as u16).to_f32()).collect(),
        }
    };
    finish(proto, shape, data)
}

/// Decodes an 8- or 32-bit integer tensor.
pub(super) fn decode_integer(proto: &TensorProto) -> Result<Tensor<i32>, ConvertError> {
    let shape = shape(proto)?;
    let raw = &proto.raw_data;
    let data = match proto.data_type {
        data_type::UINT8 | data_type::INT8 | data_type::INT32 if raw.is_empty() => proto.int32_data.clone(),
        data_type::UINT8 => raw.iter().map(|&b| i32::from(b)).collect(),
        data_type::INT8 => raw.iter().map(|&b| i32::from(b.cast_signed())).collect(),
        data_type::INT32 => {
            check_raw(proto, &shape, 4)?;
            raw.as_chunks::<4>().0.iter().map(|&b| i32::from_le_bytes(b)).collect()
        }
        other => return Err(error(proto, format!("has element type {other}, where 8- or 32-bit integers are needed"))),
    };
    finish(proto, shape, data)
}

fn shape(proto: &TensorProto) -> Result<Vec<usize>, ConvertError> {
    if proto.data_location == EXTERNAL {
        return Err(error(
            proto,
            "is kept in a separate file; save the model with its data inside (onnx.save_model without external data)",
        ));
    }
    let shape: Option<Vec<usize>> = proto.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    shape
        .filter(|s| element_count(s).is_some())
        .ok_or_else(|| error(proto, format!("has the impossible shape {:?}", proto.dims)))
}

fn check_raw(proto: &TensorProto, shape: &[usize], size: usize) -> Result<(), ConvertError> {
    if element_count(shape).and_then(|n| n.checked_mul(size)) == Some(proto.raw_data.len()) {
        return Ok(());
    }
    Err(error(proto, format!("has {} bytes of data, which shape {shape:?} does not call for", proto.raw_data.len())))
}

fn finish<T>(proto: &TensorProto, shape: Vec<usize>, data: Vec<T>) -> Result<Tensor<T>, ConvertError> {
    if element_count(&shape) == Some(data.len()) {
        return Ok(Tensor { shape, data });
    }
    Err(error(proto, format!("has {} elements, which shape {shape:?} does not call for", data.len())))
}

fn error(proto: &TensorProto, reason: impl Into<String>) -> ConvertError {
    ConvertError::Onnx { what: format!("tensor `{}`", proto.name), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proto(data_type: i32, dims: &[i64], raw: &[u8]) -> TensorProto {
        TensorProto {
            name: "w".into(),
            dims: dims.to_vec(),
            data_type,
            raw_data: bytes::Bytes::copy_from_slice(raw),
            ..Default::default()
        }
    }

    #[test]
    fn raw_and_typed_payloads_agree() {
        let raw: Vec<u8> = [1.0f32, -2.5].iter().flat_map(|v| v.to_le_bytes()).collect();
        let typed = TensorProto { float_data: vec![1.0, -2.5], ..proto(data_type::FLOAT, &[2], &[]) };
        assert_eq!(decode_float(&proto(data_type::FLOAT, &[2], &raw)).unwrap(), decode_float(&typed).unwrap());
        let halves = TensorProto { int32_data: vec![0x3c00, 0xc100], ..proto(data_type::FLOAT16, &[2], &[]) };
        assert_eq!(decode_float(&halves).unwrap().data, [1.0, -2.5]);
    }

    #[test]
    fn integers_keep_their_sign() {
        assert_eq!(decode_integer(&proto(data_type::UINT8, &[2], &[255, 1])).unwrap().data, [255, 1]);
        assert_eq!(decode_integer(&proto(data_type::INT8, &[2], &[255, 1])).unwrap().data, [-1, 1]);
    }

    #[test]
    fn hostile_shapes_are_refused_before_allocation() {
        for dims in [&[i64::MAX, i64::MAX][..], &[-1], &[1 << 40], &[3]] {
            assert!(decode_float(&proto(data_type::FLOAT, dims, &[0; 8])).is_err(), "{dims:?}");
        }
        let external = TensorProto { data_location: EXTERNAL, ..proto(data_type::FLOAT, &[2], &[]) };
        assert!(decode_float(&external).unwrap_err().to_string().contains("separate file"));
    }
}
