//! Stages of a graph on a device, shown to a [`Probe`] as the CPU's graph shows them: each one that is looked at is copied to the host.

use candle_core::{Result, Tensor};
use lumivox_kernels::cuda::Signal;

use crate::probe::Probe;

/// Shows `x: (B, C, L)` and returns what to go on with.
pub(super) fn probed(probe: &mut dyn Probe, name: &str, x: Signal) -> Result<Signal> {
    probed_as(probe, name, x, Ok, Ok)
}

/// [`probed`] for what the CPU has token by token, `(B, T, C)`.
pub(super) fn probed_tokens(probe: &mut dyn Probe, name: &str, x: Signal) -> Result<Signal> {
    let turned = |x: Tensor| x.transpose(1, 2)?.contiguous();
    probed_as(probe, name, x, turned, turned)
}

/// Shows what `shown` makes of `x`, and goes on with what `taken` makes of what was injected.
pub(super) fn probed_as(
    probe: &mut dyn Probe,
    name: &str,
    x: Signal,
    shown: impl Fn(Tensor) -> Result<Tensor>,
    taken: impl Fn(Tensor) -> Result<Tensor>,
) -> Result<Signal> {
    if !probe.is_active() {
        return Ok(x);
    }
    probe.stage(name, &shown(x.to_tensor()?)?);
    match probe.inject(name) {
        None => Ok(x),
        Some(injected) => {
            let lengths = x.lengths().clone();
            Ok(Signal::from_tensor(x.device(), x.dtype(), &taken(injected)?)?.with_lengths(lengths))
        }
    }
}
