//! The gate of WaveNet.

use candle_core::{Result, bail};

use super::device::{Launch, arguments};
use super::signal::{Dtype, Signal};

/// As [`crate::gate`], on a device: `tanh(a + p)·sigmoid(b + q)` where `x: (B, 2C, L)` = `[a | b]` and `condition: (B, 2C, 1)` = `[p | q]`, if given, in [`Dtype::F32`]
/// → `(B, C, L)`. Absolute error against [`crate::gate_reference`] ≤ 1e-6 in [`Dtype::F32`], to which 16 bits add the rounding of the result.
///
/// # Errors
/// If the number of channels is odd, the condition does not fit `x`, or the device fails.
pub fn gate(x: &Signal, condition: Option<&Signal>) -> Result<Signal> {
    let (batch, channels, steps) = x.dims();
    if channels % 2 == 1 {
        bail!("gate: {channels} channels");
    }
    if let Some(condition) = condition {
        condition.check((batch, channels, 1), Dtype::F32, "gate", "condition")?;
    }
    let y = x.output(channels / 2, None, "gate")?;
    let kernel = x.dtype().of("gate_f32", "gate_f16");
    let launch = Launch::new(kernel, [steps.div_ceil(256), channels / 2, batch], 256);
    let (condition, stride) = condition.map_or((0, 0), |condition| (condition.address(), condition.batch_stride()));
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { x.device().launch(&launch, arguments![x.view(), y.view(), condition, stride])? };
    Ok(y)
}
