//! The monotonic rational-quadratic spline of neural spline flows, backwards.

use candle_core::{Result, bail};

use super::device::{Launch, arguments};
use super::signal::{Dtype, Signal};

const BLOCK_STEPS: usize = 64;

/// As [`crate::spline_inverse`], on a device, in `f64`: `y: (B, 1, T)` → the same shape, in `out` (which may be `y`) or a new signal, with
/// `parameters: (B, 3·bins − 1, T)`: unnormalised widths, heights, and slopes at the inner knots. Widths and heights are multiplied by `shape_scale` first. All are
/// stored in [`Dtype::F32`]. Each step has a spline of its own from -tail_bound to tail_bound; values beyond it stay as they are.
///
/// The result differs from [`crate::spline_inverse`]'s by the rounding to `f32` at most, 1e-7 of it.
///
/// # Errors
/// If the shapes or types do not fit each other, or the device fails.
pub fn spline_inverse(
    y: &Signal,
    parameters: &Signal,
    shape_scale: f64,
    tail_bound: f64,
    out: Option<Signal>,
) -> Result<Signal> {
    let (batch, channels, steps) = y.dims();
    let rows = parameters.dims().1;
    if rows % 3 != 2 || channels != 1 {
        bail!("spline_inverse: {rows} parameters for values of {channels} channels");
    }
    y.check(y.dims(), Dtype::F32, "spline_inverse", "input")?;
    parameters.check((batch, rows, steps), Dtype::F32, "spline_inverse", "parameters")?;
    let x = y.output(1, out, "spline_inverse")?;
    let launch = Launch::new("spline_inverse_f32", [steps.div_ceil(BLOCK_STEPS), batch, 1], BLOCK_STEPS as u32);
    let operands = [y.view(), parameters.view(), x.view()];
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe {
        let arguments = arguments![operands[0], operands[1], operands[2], shape_scale, tail_bound];
        y.device().launch(&launch, arguments)?;
    }
    Ok(x)
}
