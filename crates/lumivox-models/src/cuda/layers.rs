//! Constructors of the layers that graphs share, reading their parameters by the names that PyTorch gives them; and the projections of a style.

use std::ops::Range;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use lumivox_kernels::cuda::{BiLstm, ChannelNorm, Conv1d, ConvTranspose1d, Device, Dtype, Epilogue, Prologue, Signal};
use lumivox_kernels::{Conv1dConfig, ConvTranspose1dConfig};

use crate::layers::{lstm_tensors, lstm_weights};

/// Where layers are made, and how they store values.
#[derive(Clone, Copy)]
pub(super) struct On<'a> {
    pub(super) device: &'a Device,
    pub(super) dtype: Dtype,
}

impl<'a> On<'a> {
    /// The same device, values of 32 bits.
    pub(super) fn f32(self) -> Self {
        Self { dtype: Dtype::F32, ..self }
    }

    /// From tensors.
    pub(super) fn conv1d_of(self, weight: &Tensor, bias: Option<&Tensor>, config: Conv1dConfig) -> Result<Conv1d> {
        Conv1d::new(self.device, self.dtype, weight, bias, config)
    }

    /// `torch.nn.Conv1d`.
    pub(super) fn conv1d(
        self,
        vb: VarBuilder,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        config: Conv1dConfig,
    ) -> Result<Conv1d> {
        let weight = vb.get((c_out, c_in / config.groups, kernel), "weight")?;
        self.conv1d_of(&weight, Some(&vb.get(c_out, "bias")?), config)
    }

    /// One whose output is as long as its input.
    pub(super) fn conv1d_same(
        self,
        vb: VarBuilder,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        dilation: usize,
    ) -> Result<Conv1d> {
        self.conv1d(vb, c_in, c_out, kernel, Conv1dConfig::same(kernel, dilation))
    }

    /// `torch.nn.ConvTranspose1d`.
    pub(super) fn conv_transpose1d(
        self,
        vb: VarBuilder,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        config: ConvTranspose1dConfig,
    ) -> Result<ConvTranspose1d> {
        let weight = vb.get((c_in, c_out / config.groups, kernel), "weight")?;
        ConvTranspose1d::new(self.device, self.dtype, &weight, Some(&vb.get(c_out, "bias")?), config)
    }

    /// `torch.nn.Linear`, over channels.
    pub(super) fn linear(self, vb: VarBuilder, c_in: usize, c_out: usize) -> Result<Conv1d> {
        let weight = vb.get((c_out, c_in), "weight")?.unsqueeze(2)?;
        self.conv1d_of(&weight, Some(&vb.get(c_out, "bias")?), Conv1dConfig::default())
    }

    /// `torch.nn.LayerNorm` over channels.
    pub(super) fn layer_norm(self, vb: VarBuilder, channels: usize, eps: f32) -> Result<ChannelNorm> {
        ChannelNorm::new(self.device, &vb.get(channels, "weight")?, &vb.get(channels, "bias")?, eps)
    }

    /// `LayerNorm` of VITS and StyleTTS 2.
    pub(super) fn channel_norm(self, vb: VarBuilder, channels: usize) -> Result<ChannelNorm> {
        ChannelNorm::new(self.device, &vb.get(channels, "gamma")?, &vb.get(channels, "beta")?, 1e-5)
    }

    /// `torch.nn.LSTM(input, hidden, bidirectional=True)`.
    pub(super) fn bi_lstm(self, vb: VarBuilder, input: usize, hidden: usize) -> Result<BiLstm> {
        let [forward, backward] = lstm_tensors(vb, input, hidden)?;
        BiLstm::new(self.device, lstm_weights(&forward), lstm_weights(&backward))
    }
}

/// `conv(x)` with nothing before and behind it.
pub(super) fn plain(conv: &Conv1d, x: &Signal) -> Result<Signal> {
    conv.fused(x, Prologue::default(), Epilogue::default())
}

/// The projections of a style that a graph's layers have, gathered while it is made, to be computed all at once.
#[derive(Default)]
pub(super) struct Projections {
    weights: Vec<Tensor>,
    biases: Vec<Tensor>,
    rows: usize,
}

impl Projections {
    /// Takes up the linear layer `vb` from `style_dim` to `channels`; its output will be these channels of all.
    pub(super) fn push(&mut self, vb: VarBuilder, style_dim: usize, channels: usize) -> Result<Range<usize>> {
        self.weights.push(vb.get((channels, style_dim), "weight")?);
        self.biases.push(vb.get(channels, "bias")?);
        let start = self.rows;
        self.rows += channels;
        Ok(start..self.rows)
    }

    /// One layer of all that were pushed: `(B, style_dim, 1) → (B, channels of all, 1)`.
    pub(super) fn finish(self, on: On) -> Result<Conv1d> {
        let weight = Tensor::cat(&self.weights, 0)?.unsqueeze(2)?;
        on.f32().conv1d_of(&weight, Some(&Tensor::cat(&self.biases, 0)?), Conv1dConfig::default())
    }
}
