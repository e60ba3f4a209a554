//! What every op's candle side shares.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The contiguous `f32` values under `layout`.
pub(crate) fn f32_slice<'a>(storage: &'a CpuStorage, layout: &Layout, op: &'static str) -> Result<&'a [f32]> {
    let CpuStorage::F32(data) = storage else { bail!("{op}: expected f32 on the CPU") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&data[start..end]),
        None => bail!("{op}: expected a contiguous tensor"),
    }
}

/// Calls `f` with the values of `x` in row-major order.
pub(crate) fn with_values<R>(x: &Tensor, op: &'static str, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(f32_slice(storage, layout, op)?),
        _ => bail!("{op}: expected a tensor on the CPU"),
    }
}

/// The values of `tensor` in row-major order.
pub(crate) fn to_vec(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1()
}
