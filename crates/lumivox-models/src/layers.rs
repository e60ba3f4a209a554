//! Constructors of the layers that graphs share, reading their parameters by the names that PyTorch gives them.

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;
use lumivox_kernels::{
    Algorithm, BiLstm, ChannelNorm, Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig, LayerNorm, Linear,
    LstmWeights,
};

/// `torch.nn.Conv1d`: `weight (C_out, C_in/groups, K)`, `bias (C_out)`.
pub(crate) fn conv1d(vb: VarBuilder, c_in: usize, c_out: usize, kernel: usize, config: Conv1dConfig) -> Result<Conv1d> {
    let weight = vb.get((c_out, c_in / config.groups, kernel), "weight")?;
    Conv1d::new(&weight, Some(&vb.get(c_out, "bias")?), config)
}

/// A [`conv1d`] whose output is as long as its input: odd kernel, stride 1. Computed directly: where durations and pitch are decided, every bit counts.
pub(crate) fn conv1d_same(vb: VarBuilder, c_in: usize, c_out: usize, kernel: usize, dilation: usize) -> Result<Conv1d> {
    conv1d(vb, c_in, c_out, kernel, Conv1dConfig::same(kernel, dilation))
}

/// A [`conv1d_same`] with fewer multiplications: where the time goes, and nothing hangs on the last bits.
pub(crate) fn conv1d_fast(vb: VarBuilder, c_in: usize, c_out: usize, kernel: usize, dilation: usize) -> Result<Conv1d> {
    conv1d_by(Algorithm::Winograd, vb, c_in, c_out, kernel, dilation)
}

/// A [`conv1d_same`] computed by `algorithm`.
pub(crate) fn conv1d_by(
    algorithm: Algorithm,
    vb: VarBuilder,
    c_in: usize,
    c_out: usize,
    kernel: usize,
    dilation: usize,
) -> Result<Conv1d> {
    let config = Conv1dConfig { algorithm, ..Conv1dConfig::same(kernel, dilation) };
    conv1d(vb, c_in, c_out, kernel, config)
}

/// `torch.nn.ConvTranspose1d`: `weight (C_in, C_out/groups, K)`, `bias (C_out)`.
pub(crate) fn conv_transpose1d(
    vb: VarBuilder,
    c_in: usize,
    c_out: usize,
    kernel: usize,
    config: ConvTranspose1dConfig,
) -> Result<ConvTranspose1d> {
    let weight = vb.get((c_in, c_out / config.groups, kernel), "weight")?;
    ConvTranspose1d::new(&weight, Some(&vb.get(c_out, "bias")?), config)
}

/// `torch.nn.Linear`: `weight (C_out, C_in)`, `bias (C_out)`.
pub(crate) fn linear(vb: VarBuilder, c_in: usize, c_out: usize) -> Result<Linear> {
    Linear::new(&vb.get((c_out, c_in), "weight")?, Some(&vb.get(c_out, "bias")?))
}

/// `torch.nn.LayerNorm`: `weight (C)`, `bias (C)`.
pub(crate) fn layer_norm(vb: VarBuilder, channels: usize, eps: f64) -> Result<LayerNorm> {
    LayerNorm::new(&vb.get(channels, "weight")?, &vb.get(channels, "bias")?, eps)
}

/// `torch.nn.LSTM(input, hidden, bidirectional=True)`.
pub(crate) fn bi_lstm(vb: VarBuilder, input: usize, hidden: usize) -> Result<BiLstm> {
    let [forward, backward] = lstm_tensors(vb, input, hidden)?;
    BiLstm::new(lstm_weights(&forward), lstm_weights(&backward))
}

/// The tensors of both directions, forward first.
pub(crate) fn lstm_tensors(vb: VarBuilder, input: usize, hidden: usize) -> Result<[[Tensor; 4]; 2]> {
    let direction = |suffix: &str| -> Result<[Tensor; 4]> {
        Ok([
            vb.get((4 * hidden, input), &format!("weight_ih_l0{suffix}"))?,
            vb.get((4 * hidden, hidden), &format!("weight_hh_l0{suffix}"))?,
            vb.get(4 * hidden, &format!("bias_ih_l0{suffix}"))?,
            vb.get(4 * hidden, &format!("bias_hh_l0{suffix}"))?,
        ])
    };
    Ok([direction("")?, direction("_reverse")?])
}

pub(crate) fn lstm_weights([weight_ih, weight_hh, bias_ih, bias_hh]: &[Tensor; 4]) -> LstmWeights<'_> {
    LstmWeights { weight_ih, weight_hh, bias_ih, bias_hh }
}

/// Repeats each step twice: nearest-neighbour upsampling, `(B, C, L) → (B, C, 2L)`.
pub(crate) fn upsample_nearest_2x(x: &Tensor) -> Result<Tensor> {
    let (b, c, l) = x.dims3()?;
    x.unsqueeze(3)?.expand((b, c, l, 2))?.reshape((b, c, 2 * l))
}

/// `LayerNorm` of VITS and StyleTTS 2: `gamma (C)`, `beta (C)`, epsilon 1e-5.
pub(crate) fn channel_norm(vb: VarBuilder, channels: usize) -> Result<ChannelNorm> {
    ChannelNorm::new(&vb.get(channels, "gamma")?, &vb.get(channels, "beta")?, 1e-5)
}

/// Each index as often as `counts` says, for stretching tokens to frames: `[2, 0, 1] → [0, 0, 2]`.
pub(crate) fn repeat_each(counts: &[u32], device: &Device) -> Result<Tensor> {
    let indices: Vec<u32> =
        counts.iter().zip(0u32..).flat_map(|(&n, index)| std::iter::repeat_n(index, n as usize)).collect();
    let n = indices.len();
    Tensor::from_vec(indices, n, device)
}

/// The greatest number of which both are multiples.
pub(crate) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The least number that is a multiple of both.
pub(crate) fn lcm(a: usize, b: usize) -> usize {
    a / gcd(a, b) * b
}

/// The furthest that a generator's convolution reaches to one side, in steps; real ones stay below 100.
const MAX_REACH: usize = 10_000;

/// A generator's upsampling: a kernel for each rate, which makes the output exactly that many times as long.
pub(crate) fn check_upsampling(rates: &[usize], kernels: &[usize]) -> Result<()> {
    let fits = |(&rate, &kernel): (&usize, &usize)| {
        rate > 0 && kernel >= rate && kernel < MAX_REACH && (kernel - rate) % 2 == 0
    };
    if rates.is_empty() || rates.len() != kernels.len() || !rates.iter().zip(kernels).all(fits) {
        bail!("upsample_rates {rates:?} do not fit upsample_kernel_sizes {kernels:?}");
    }
    Ok(())
}

/// Whether a graph's durations are such as speech has: some frames, and no more than `most`, before memory is taken for them.
pub(crate) fn check_frames(durations: &[u32], most: u64) -> Result<()> {
    match durations.iter().map(|frames| u64::from(*frames)).sum::<u64>() {
        0 => bail!("the model gives the text no duration"),
        frames if frames > most => {
            bail!(
                "the model gives the text {frames} frames, more than {most}: its weights can't be right, or it is said too slowly"
            )
        }
        _ => Ok(()),
    }
}

/// A generator's residual blocks: an odd kernel for each, and dilations.
pub(crate) fn check_resblocks(kernels: &[usize], dilations: &[Vec<usize>]) -> Result<()> {
    let fits = |(&kernel, dilations): (&usize, &Vec<usize>)| {
        let reaches = |&dilation: &usize| dilation > 0 && dilation.saturating_mul(kernel) < MAX_REACH;
        kernel % 2 == 1 && !dilations.is_empty() && dilations.iter().all(reaches)
    };
    if kernels.is_empty() || kernels.len() != dilations.len() || !kernels.iter().zip(dilations).all(fits) {
        bail!("resblock_kernel_sizes {kernels:?} do not fit resblock_dilation_sizes {dilations:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_such_as_speech_has() {
        assert!(check_frames(&[0, 3, 0], 3).is_ok());
        assert!(check_frames(&[0, 0], 3).is_err());
        assert!(check_frames(&[2, 2], 3).is_err());
        assert!(check_frames(&[u32::MAX, u32::MAX], u64::from(u32::MAX)).is_err());
    }

    #[test]
    fn generators_that_can_not_be_are_refused() {
        assert!(check_upsampling(&[10, 6], &[20, 12]).is_ok());
        let bad: [(&[usize], &[usize]); 5] = [(&[], &[]), (&[21], &[20]), (&[0], &[4]), (&[4], &[5]), (&[4], &[4, 4])];
        for (rates, kernels) in bad {
            assert!(check_upsampling(rates, kernels).is_err(), "{rates:?} {kernels:?}");
        }
        assert!(check_resblocks(&[3, 11], &[vec![1], vec![1, 3, 5]]).is_ok());
        for (kernel, dilations) in [(4, vec![1]), (3, vec![0]), (3, vec![usize::MAX]), (3, vec![])] {
            assert!(check_resblocks(&[kernel], std::slice::from_ref(&dilations)).is_err(), "{kernel} {dilations:?}");
        }
        assert!(check_resblocks(&[], &[]).is_err() && check_resblocks(&[3], &[vec![1], vec![1]]).is_err());
    }
}
