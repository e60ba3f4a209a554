//! Activations that go from one fused operation to the next.

use std::ops::Range;

use candle_core::{Device, Result, Tensor, bail};
use rayon::prelude::*;

use crate::arch::{Isa, with_isa};
use crate::arena::Buffer;
use crate::op::with_values;
use crate::parallel::SharedMut;
use crate::statistics::Statistics;

/// Activations `(B, C, L)` between fused operations, in a buffer that is used again, with the statistics that were gathered while they were written.
#[derive(Debug)]
pub struct Signal {
    pub(crate) values: Buffer,
    batch: usize,
    channels: usize,
    steps: usize,
    pub(crate) statistics: Option<Statistics>,
}

impl Signal {
    /// `(batch, channels, steps)` of `values`, without statistics.
    pub(crate) fn new(values: Buffer, [batch, channels, steps]: [usize; 3]) -> Self {
        debug_assert_eq!(values.len(), batch * channels * steps);
        Self { values, batch, channels, steps, statistics: None }
    }

    /// Copies `x: (B, C, L)`.
    ///
    /// # Errors
    /// If `x` has another rank or is not `f32`.
    pub fn from_tensor(x: &Tensor) -> Result<Self> {
        let (batch, channels, steps) = x.dims3()?;
        with_values(x, "signal", |x| {
            let mut values = Buffer::new(x.len());
            values.copy_from_slice(x);
            Ok(Self::new(values, [batch, channels, steps]))
        })
    }

    /// A tensor `(B, C, L)` with a copy of the values.
    ///
    /// # Errors
    /// None that can be foreseen.
    pub fn to_tensor(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.values, self.dims(), &Device::Cpu)
    }

    /// The tensor `(B, C, L)` that the values become.
    ///
    /// # Errors
    /// None that can be foreseen.
    pub fn into_tensor(self) -> Result<Tensor> {
        let dims = self.dims();
        Tensor::from_vec(self.values.into_vec(), dims, &Device::Cpu)
    }

    /// The steps `steps`, copied.
    ///
    /// # Errors
    /// If there are no such steps.
    pub fn narrow(&self, steps: Range<usize>) -> Result<Self> {
        if steps.is_empty() || steps.end > self.steps {
            bail!("narrow: steps {steps:?} of {}", self.steps);
        }
        let mut values = Buffer::new(self.batch * self.channels * steps.len());
        for (to, from) in values.chunks_exact_mut(steps.len()).zip(self.values.chunks_exact(self.steps)) {
            to.copy_from_slice(&from[steps.clone()]);
        }
        Ok(Self::new(values, [self.batch, self.channels, steps.len()]))
    }

    /// The first `steps` steps.
    ///
    /// # Errors
    /// If there are not so many, or none.
    pub fn truncate(self, steps: usize) -> Result<Self> {
        if steps == self.steps { Ok(self) } else { self.narrow(0..steps) }
    }

    /// A signal `(B, C, L)` made slab by slab, on the threads of the pool: `compute` gives a signal in which the steps of a slab begin at some step. `slabs` follow one
    /// another from 0 to `L`.
    ///
    /// # Errors
    /// If `compute` fails, or gives other channels or too few steps.
    pub fn in_slabs(
        [batch, channels, steps]: [usize; 3],
        slabs: &[Range<usize>],
        compute: impl Fn(Range<usize>) -> Result<(Self, usize)> + Sync,
    ) -> Result<Self> {
        let follow = slabs.iter().try_fold(0, |end, slab| (slab.start == end && slab.end >= end).then_some(slab.end));
        if follow != Some(steps) {
            bail!("in_slabs: {slabs:?} are not {steps} steps");
        }
        let mut values = Buffer::new(batch * channels * steps);
        let out = SharedMut::new(&mut values);
        let isa = Isa::current();
        slabs.par_iter().filter(|slab| !slab.is_empty()).try_for_each(|slab| {
            let (part, first) = with_isa(isa, || compute(slab.clone()))?;
            if (part.batch, part.channels) != (batch, channels) || first + slab.len() > part.steps {
                bail!("in_slabs: {:?} from step {first} on for {slab:?} of {channels} channels", part.dims());
            }
            for (row, part) in part.values.chunks_exact(part.steps).enumerate() {
                // SAFETY: slabs do not overlap.
                let to = unsafe { out.slice(row * steps + slab.start, slab.len()) };
                to.copy_from_slice(&part[first..first + slab.len()]);
            }
            Ok(())
        })?;
        Ok(Self::new(values, [batch, channels, steps]))
    }

    /// What `compute` makes of the signal, a signal of the same shape, where a step depends on `reach` steps to either side: each thread of the pool computes a part of
    /// it, with so many steps more, unless that is too much for too little.
    ///
    /// # Errors
    /// If `compute` fails, or gives another shape.
    pub fn in_parts(self, reach: usize, compute: impl Fn(Self) -> Result<Self> + Sync) -> Result<Self> {
        let Self { batch, channels, steps, .. } = self;
        let parts = rayon::current_num_threads().min(steps / (4 * reach).max(1));
        if parts < 2 {
            return compute(self);
        }
        let slabs: Vec<_> = (0..parts).map(|i| i * steps / parts..(i + 1) * steps / parts).collect();
        Self::in_slabs([batch, channels, steps], &slabs, |slab| {
            let start = slab.start.saturating_sub(reach);
            let part = self.narrow(start..(slab.end + reach).min(steps))?;
            Ok((compute(part)?, slab.start - start))
        })
    }

    /// `(B, C, L)`.
    pub fn dims(&self) -> (usize, usize, usize) {
        (self.batch, self.channels, self.steps)
    }

    /// Mean and variance of each channel: those that were gathered when the values were written, else from another look at them.
    pub fn statistics(&self) -> Statistics {
        self.statistics.clone().unwrap_or_else(|| Statistics::of(&self.values, self.steps))
    }

    /// Adds `x`, which comes `delay` steps late, its beginning reflected to fill them: step `t` gets `x[|t − delay|]`. Gathers the sum's statistics.
    ///
    /// # Errors
    /// If `x` has other channels, not `delay` steps less, or no more than `delay` steps.
    pub fn add_delayed(&mut self, x: &Signal, delay: usize) -> Result<()> {
        x.check_dims((self.batch, self.channels, self.steps.saturating_sub(delay)), "add_delayed", "addend")?;
        if x.steps <= delay {
            bail!("add_delayed: {} steps can't be reflected {delay} steps late", x.steps);
        }
        let rows = self.values.par_chunks_mut(self.steps).zip(x.values.par_chunks(x.steps));
        rows.for_each(|(row, x)| {
            let (start, rest) = row.split_at_mut(delay);
            for (t, value) in start.iter_mut().enumerate() {
                *value += x[delay - t];
            }
            for (value, x) in rest.iter_mut().zip(x) {
                *value += x;
            }
        });
        self.statistics = Some(Statistics::of(&self.values, self.steps));
        Ok(())
    }

    /// Fails unless the signal is `(batch, channels, steps)`.
    pub(crate) fn check_dims(&self, dims: (usize, usize, usize), op: &str, what: &str) -> Result<()> {
        if self.dims() == dims {
            return Ok(());
        }
        bail!("{op}: {what} {:?} for {dims:?}", self.dims())
    }
}
