//! What is done value by value.

use candle_core::{Result, bail};

use super::device::{Launch, arguments};
use super::signal::{Dtype, Signal};

/// One thread for each value.
fn launch(kernel: &'static str, x: &Signal) -> Launch {
    let (batch, channels, steps) = x.dims();
    Launch::new(kernel, [steps.div_ceil(256), channels, batch], 256)
}

/// Copies `x: (B, C, L)` to `out` of the same shape and either type, which is returned. Of an utterance, as many steps are copied as both have. A value of 32 bits is
/// rounded to the nearest of 16; otherwise nothing is lost.
///
/// # Errors
/// If the shapes differ, or the device fails.
pub fn copy(x: &Signal, out: Signal) -> Result<Signal> {
    out.check(x.dims(), out.dtype(), "copy", "output")?;
    let kernel = match x.dtype() {
        Dtype::F32 => out.dtype().of("copy_f32_f32", "copy_f32_f16"),
        Dtype::F16 => out.dtype().of("copy_f16_f32", "copy_f16_f16"),
    };
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { x.device().launch(&launch(kernel, x), arguments![x.view(), out.view()])? };
    Ok(out)
}

/// Gives each step of `out: (B, C, L)` the one value of `x: (B, C, 1)`, both of [`Dtype::F32`].
///
/// # Errors
/// If the shapes or types do not fit each other, or the device fails.
pub fn broadcast(x: &Signal, out: &Signal) -> Result<()> {
    let (batch, channels, _) = out.dims();
    x.check((batch, channels, 1), Dtype::F32, "broadcast", "input")?;
    out.check(out.dims(), Dtype::F32, "broadcast", "output")?;
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { out.device().launch(&launch("broadcast_f32", out), arguments![x.view(), out.view()]) }
}

/// As [`crate::Signal::add_delayed`], on a device: adds `x: (B, C, L − delay)` to `y: (B, C, L)`, `delay` steps late and with its beginning reflected to fill them:
/// step `t` gets `x[|t − delay|]`. An utterance's length in `y` must be that in `x` and `delay` steps; a step for which `x` has no value stays as it is. The sum is
/// rounded once.
///
/// # Errors
/// If the shapes or types do not fit each other, `x` has no more than `delay` steps, or the device fails.
pub fn add_delayed(y: &Signal, x: &Signal, delay: usize) -> Result<()> {
    let (batch, channels, steps) = y.dims();
    x.check((batch, channels, steps.saturating_sub(delay)), y.dtype(), "add_delayed", "addend")?;
    if x.dims().2 <= delay {
        bail!("add_delayed: {} steps can't be reflected {delay} steps late", x.dims().2);
    }
    let kernel = y.dtype().of("add_delayed_f32", "add_delayed_f16");
    let delay = delay as i32;
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { y.device().launch(&launch(kernel, y), arguments![y.view(), x.view(), delay]) }
}

/// Adds `condition: (B, C, 1)`, stored in [`Dtype::F32`], to each step of `x: (B, C, L)`, in its memory. The sum is rounded once.
///
/// # Errors
/// If the condition does not fit `x`, or the device fails.
pub fn broadcast_add(x: &Signal, condition: &Signal) -> Result<()> {
    let (batch, channels, _) = x.dims();
    condition.check((batch, channels, 1), Dtype::F32, "broadcast_add", "condition")?;
    let kernel = x.dtype().of("broadcast_add_f32", "broadcast_add_f16");
    // SAFETY: these are the kernel's parameters, and the operands' shapes were checked.
    unsafe { x.device().launch(&launch(kernel, x), arguments![x.view(), condition.view()]) }
}
