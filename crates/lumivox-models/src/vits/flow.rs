//! The prior's flow, run backwards: couplings with WaveNets inside (`ResidualCouplingBlock` of VITS).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::Conv1d;

use super::config::Config;
use crate::layers::{conv1d, conv1d_same};

pub(super) struct Flow {
    /// In the order in which inference runs them: the last one first.
    couplings: Vec<Coupling>,
    /// Frames to either side that a frame depends on.
    reach: usize,
}

impl Flow {
    pub(super) fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        // Couplings alternate with flips: 0, 2, 4 …
        let coupling = |i: usize| Coupling::new(config, vb.pp(format!("flows.{}", 2 * i)));
        let reach = config.n_flows * config.flow_layers * ((config.flow_kernel_size - 1) / 2);
        Ok(Self { couplings: (0..config.n_flows).rev().map(coupling).collect::<Result<_>>()?, reach })
    }

    /// Frames to either side that a frame depends on.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// `z_p: (1, inter, F)`, `g: (1, gin, 1)` → `(1, inter, F)`.
    pub(super) fn inverse(&self, z_p: &Tensor, g: Option<&Tensor>) -> Result<Tensor> {
        let mut z = z_p.clone();
        for coupling in &self.couplings {
            z = coupling.inverse(&z.flip(&[1])?, g)?;
        }
        Ok(z)
    }
}

/// The second half of the channels is shifted by what a WaveNet makes of the first.
struct Coupling {
    pre: Conv1d,
    enc: WaveNet,
    post: Conv1d,
    half: usize,
}

impl Coupling {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (half, hidden) = (config.inter_channels / 2, config.hidden_channels);
        Ok(Self {
            pre: conv1d(vb.pp("pre"), half, hidden, 1, Default::default())?,
            enc: WaveNet::new(config, vb.pp("enc"))?,
            post: conv1d(vb.pp("post"), hidden, half, 1, Default::default())?,
            half,
        })
    }

    fn inverse(&self, z: &Tensor, g: Option<&Tensor>) -> Result<Tensor> {
        let (z0, z1) = (z.narrow(1, 0, self.half)?, z.narrow(1, self.half, self.half)?);
        let mean = self.post.forward(&self.enc.forward(&self.pre.forward(&z0)?, g)?)?;
        Tensor::cat(&[z0, (z1 - mean)?], 1)
    }
}

/// Gated convolutions with residual and skip connections (`WN` of VITS, dilation 1).
struct WaveNet {
    cond_layer: Option<Conv1d>,
    layers: Vec<(Conv1d, Conv1d)>,
    hidden: usize,
}

impl WaveNet {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, layers) = (config.hidden_channels, config.flow_layers);
        let layer = |i: usize| {
            // The last layer has no residual.
            let outputs = if i + 1 < layers { 2 * hidden } else { hidden };
            let in_layer = vb.pp(format!("in_layers.{i}"));
            let res_skip = vb.pp(format!("res_skip_layers.{i}"));
            Ok((
                conv1d_same(in_layer, hidden, 2 * hidden, config.flow_kernel_size, 1)?,
                conv1d(res_skip, hidden, outputs, 1, Default::default())?,
            ))
        };
        let cond = |gin| conv1d(vb.pp("cond_layer"), gin, 2 * hidden * layers, 1, Default::default());
        Ok(Self {
            cond_layer: config.speaker_channels().map(cond).transpose()?,
            layers: (0..layers).map(layer).collect::<Result<_>>()?,
            hidden,
        })
    }

    /// `x: (1, hidden, F) → (1, hidden, F)`.
    fn forward(&self, x: &Tensor, g: Option<&Tensor>) -> Result<Tensor> {
        let hidden = self.hidden;
        let cond = match (&self.cond_layer, g) {
            (Some(layer), Some(g)) => Some(layer.forward(g)?),
            _ => None,
        };
        let (mut x, mut output) = (x.clone(), None::<Tensor>);
        for (i, (in_layer, res_skip)) in self.layers.iter().enumerate() {
            let mut a = in_layer.forward(&x)?;
            if let Some(cond) = &cond {
                a = a.broadcast_add(&cond.narrow(1, 2 * hidden * i, 2 * hidden)?)?;
            }
            let gate = candle_nn::ops::sigmoid(&a.narrow(1, hidden, hidden)?)?;
            let a = res_skip.forward(&(a.narrow(1, 0, hidden)?.tanh()? * gate)?)?;
            let skip = if i + 1 < self.layers.len() {
                x = (x + a.narrow(1, 0, hidden)?)?;
                a.narrow(1, hidden, hidden)?
            } else {
                a
            };
            output = Some(match output {
                Some(output) => (output + skip)?,
                None => skip,
            });
        }
        Ok(output.unwrap_or(x))
    }
}
