//! The prior's flow, run backwards: couplings with WaveNets inside (`ResidualCouplingBlock` of VITS).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::{Conv1d, Conv1dConfig, Epilogue, Prologue, Signal, gate};

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
    layers: Vec<WaveNetLayer>,
    hidden: usize,
}

struct WaveNetLayer {
    in_layer: Conv1d,
    /// The first half of `res_skip_layers`, which goes on to the next layer; the last layer has none.
    res: Option<Conv1d>,
    /// The second half, which is part of the output.
    skip: Conv1d,
}

impl WaveNet {
    fn new(config: &Config, vb: VarBuilder) -> Result<Self> {
        let (hidden, layers) = (config.hidden_channels, config.flow_layers);
        let cond = |gin| conv1d(vb.pp("cond_layer"), gin, 2 * hidden * layers, 1, Default::default());
        Ok(Self {
            cond_layer: config.speaker_channels().map(cond).transpose()?,
            layers: (0..layers).map(|i| WaveNetLayer::new(config, i, &vb)).collect::<Result<_>>()?,
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
        let (mut x, mut output) = (Signal::from_tensor(x)?, None::<Signal>);
        for (i, layer) in self.layers.iter().enumerate() {
            let cond = cond.as_ref().map(|cond| cond.narrow(1, 2 * hidden * i, 2 * hidden)).transpose()?;
            let a = layer.in_layer.fused(&x, Prologue::default(), Epilogue::default())?;
            let a = gate(&a, cond.as_ref())?;
            if let Some(res) = &layer.res {
                x = res.fused(&a, Prologue::default(), Epilogue { add_to: Some(x), ..Default::default() })?;
            }
            output = Some(layer.skip.fused(
                &a,
                Prologue::default(),
                Epilogue { add_to: output.take(), ..Default::default() },
            )?);
        }
        output.unwrap_or(x).into_tensor()
    }
}

impl WaveNetLayer {
    fn new(config: &Config, i: usize, vb: &VarBuilder) -> Result<Self> {
        let hidden = config.hidden_channels;
        let is_last = i + 1 == config.flow_layers;
        let outputs = if is_last { hidden } else { 2 * hidden };
        let res_skip = vb.pp(format!("res_skip_layers.{i}"));
        let (weight, bias) = (res_skip.get((outputs, hidden, 1), "weight")?, res_skip.get(outputs, "bias")?);
        let part = |from: usize| {
            let (weight, bias) = (weight.narrow(0, from, hidden)?, bias.narrow(0, from, hidden)?);
            Conv1d::new(&weight, Some(&bias), Conv1dConfig::default())
        };
        Ok(Self {
            in_layer: conv1d_same(vb.pp(format!("in_layers.{i}")), hidden, 2 * hidden, config.flow_kernel_size, 1)?,
            res: if is_last { None } else { Some(part(0)?) },
            skip: part(outputs - hidden)?,
        })
    }
}
