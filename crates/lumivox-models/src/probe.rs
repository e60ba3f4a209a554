//! A way to look at the tensors between the stages of a graph.

use candle_core::{Result, Tensor};
use lumivox_kernels::Signal;

/// Receives each stage's result as the graph computes it: for parity tests and profiles.
pub trait Probe {
    /// Called once for each stage, in the order of the graph, with its name and result.
    fn stage(&mut self, name: &str, x: &Tensor);

    /// Called when a stage has been computed, before [`Probe::stage`], and also if the probe is not active: then results stay where they are, nothing is made to be
    /// looked at, and the time since the call before is the stage's own. Between stages of a piece of work that has several parts without a result of their own it
    /// is called for each part.
    fn reached(&mut self, _name: &str) {}

    /// Whether the rest is not wanted any more: the model then stops with an error at the next stage.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Whether it looks at all: what is only made to be looked at isn't made otherwise.
    fn is_active(&self) -> bool {
        true
    }

    /// A tensor to go on with in the place of the stage's own result, of the same shape; `None` goes on with the result. Parity tests inject the
    /// reference's tensors here, to judge the stages behind one that amplifies rounding.
    fn inject(&mut self, _name: &str) -> Option<Tensor> {
        None
    }
}

/// Looks at nothing.
pub struct NoProbe;

impl Probe for NoProbe {
    fn stage(&mut self, _name: &str, _x: &Tensor) {}

    fn is_active(&self) -> bool {
        false
    }
}

/// Tells the probe that a stage has been computed.
///
/// # Errors
/// If the rest is not wanted any more.
pub(crate) fn reached(probe: &mut dyn Probe, name: &str) -> Result<()> {
    probe.reached(name);
    if probe.is_cancelled() {
        candle_core::bail!("cancelled behind {name}");
    }
    Ok(())
}

/// Shows `x` to the probe and returns what to go on with.
pub(crate) fn probed(probe: &mut dyn Probe, name: &str, x: Tensor) -> Tensor {
    probe.reached(name);
    probe.stage(name, &x);
    probe.inject(name).unwrap_or(x)
}

/// [`probed`] for activations between fused operations.
pub(crate) fn probed_signal(probe: &mut dyn Probe, name: &str, x: Signal) -> Result<Signal> {
    reached(probe, name)?;
    if !probe.is_active() {
        return Ok(x);
    }
    probe.stage(name, &x.to_tensor()?);
    probe.inject(name).map_or(Ok(x), |injected| Signal::from_tensor(&injected))
}
