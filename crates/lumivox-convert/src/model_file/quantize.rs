//! Weights of 8 bits: `weight ≈ quantum · scale`, with one scale for each output channel.
//!
//! Scales map a channel's largest weight to 127. Scales of the least squared error were measured on a Piper voice and gave nothing:
//! the weights of a channel are close to normal, and 8 bits are enough for their tails.

use crate::kokoro::VOICE_PREFIX;
use crate::tensor::Tensor;

/// What the name of the scales has behind the weight's.
const SCALE_SUFFIX: &str = ".scale";

/// Parts of the names of weights that keep 16 bits, as 8 would change more than all others together. Embeddings are looked up and
/// not summed over, so that their errors do not average out; the duration predictor's first layer comes before everything else
/// that decides durations. (On a Piper voice the variance of the durations' logarithms is 4.9e-4 by the embedding and 3.3e-4 by
/// that layer, with 0.6 % of the weights, and 6.3e-4 by the rest.)
const KEPT: [&str; 2] = ["emb", "dp.pre."];

/// Weights of an output channel below which they stay as they are: little would be saved, and a channel of few weights counts for
/// more than its size.
const MIN_CHANNEL_LEN: usize = 16;

/// The largest quantum. -128 is not used, so that signs are symmetric.
const MAX_QUANTUM: f32 = 127.0;

/// Name of the scales of the weight `name`.
pub(super) fn scale_name(name: &str) -> String {
    format!("{name}{SCALE_SUFFIX}")
}

/// A weight of 8 bits.
pub(super) struct Quantized {
    pub(super) shape: Vec<usize>,
    pub(super) quanta: Vec<i8>,
    /// As many dimensions as `shape`, all of them 1 but the output channel's.
    pub(super) scale: Tensor,
}

/// The tensor `name` in 8 bits; `None` where it is no weight, or is to keep more of them.
pub(super) fn quantize(name: &str, tensor: &Tensor) -> Option<Quantized> {
    let is_kept = name.starts_with(VOICE_PREFIX) || KEPT.iter().any(|part| name.contains(part));
    if is_kept || tensor.shape.len() < 2 {
        return None;
    }
    let axis = channel_axis(name, &tensor.shape);
    let channels = Channels::along(axis, &tensor.shape);
    if channels.count == 0 || tensor.data.len() / channels.count < MIN_CHANNEL_LEN {
        return None;
    }
    let mut scales = vec![0f32; channels.count];
    for (values, channel) in channels.runs(&tensor.data) {
        let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        scales[channel] = scales[channel].max(largest / MAX_QUANTUM);
    }
    let mut quanta = Vec::with_capacity(tensor.data.len());
    for (values, channel) in channels.runs(&tensor.data) {
        // Of a channel of zeros, or of weights that a scale can't hold, all are zero.
        let factor = if scales[channel] > 0.0 { 1.0 / f64::from(scales[channel]) } else { 0.0 };
        quanta.extend(values.iter().map(|&value| (f64::from(value) * factor).round_ties_even() as i8));
    }
    let mut scale_shape = vec![1; tensor.shape.len()];
    scale_shape[axis] = channels.count;
    Some(Quantized { shape: tensor.shape.clone(), quanta, scale: Tensor { shape: scale_shape, data: scales } })
}

/// The values of a weight of shape `shape`; `None` where `scale_shape` is not that of its scales.
pub(super) fn dequantize(quanta: &[u8], shape: &[usize], scales: &[f32], scale_shape: &[usize]) -> Option<Vec<f32>> {
    let channels = Channels::along(scaled_axis(shape, scale_shape)?, shape);
    let mut values = Vec::with_capacity(quanta.len());
    for (run, channel) in channels.runs(quanta) {
        let scale = *scales.get(channel)?;
        values.extend(run.iter().map(|&quantum| f32::from(quantum as i8) * scale));
    }
    Some(values)
}

/// The axis along which scales of shape `scale_shape` differ, if they belong to a weight of shape `shape`.
pub(super) fn scaled_axis(shape: &[usize], scale_shape: &[usize]) -> Option<usize> {
    let axis = scale_shape.iter().position(|&d| d != 1).unwrap_or(0);
    let is_scale = |(i, (&d, &scale)): (usize, (&usize, &usize))| scale == if i == axis { d } else { 1 };
    let fits = shape.len() == scale_shape.len() && shape.iter().zip(scale_shape).enumerate().all(is_scale);
    (fits && !shape.is_empty()).then_some(axis)
}

/// The axis of the output channels: the first one with more than one place; of transposed convolutions `(C_in, C_out, K)` the second.
fn channel_axis(name: &str, shape: &[usize]) -> usize {
    let is_transposed = name.contains(".ups.") && shape.len() == 3;
    if is_transposed { 1 } else { shape.iter().position(|&d| d != 1).unwrap_or(0) }
}

/// How the channels of a row-major tensor lie: `count` runs of `len` elements, again and again.
struct Channels {
    count: usize,
    len: usize,
}

impl Channels {
    fn along(axis: usize, shape: &[usize]) -> Self {
        Self { count: shape[axis], len: shape[axis + 1..].iter().product() }
    }

    /// Runs of one channel's elements in the order of `data`, each with the channel's number.
    fn runs<'a, T>(&self, data: &'a [T]) -> impl Iterator<Item = (&'a [T], usize)> {
        data.chunks(self.len.max(1)).zip((0..self.count).cycle())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(name: &str, shape: &[usize], data: &[f32]) -> (Quantized, Vec<f32>) {
        let quantized = quantize(name, &Tensor { shape: shape.to_vec(), data: data.to_vec() }).unwrap();
        let bytes: Vec<u8> = quantized.quanta.iter().map(|&q| q as u8).collect();
        let values = dequantize(&bytes, shape, &quantized.scale.data, &quantized.scale.shape).unwrap();
        (quantized, values)
    }

    /// Channel `c` has weights up to `c + 1`, so that scales of the wrong axis would be too coarse for channel 0.
    fn weight(shape: [usize; 3], axis: usize) -> Vec<f32> {
        let channel = |i: usize| [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]][axis];
        (0..shape.iter().product()).map(|i| (channel(i) + 1) as f32 * ((i * 37 % 101) as f32 / 50.0 - 1.0)).collect()
    }

    #[test]
    fn every_weight_is_within_half_a_step_of_its_output_channel() {
        for (name, shape, axis) in [
            ("enc_p.proj.weight", [6, 20, 5], 0),
            ("dec.ups.0.weight", [20, 6, 5], 1),
            ("decoder.generator.ups.1.weight", [20, 6, 5], 1),
            ("dec.conv_post.weight", [1, 6, 20], 1),
        ] {
            let data = weight(shape, axis);
            let (quantized, values) = round_trip(name, &shape, &data);
            let mut scale_shape = [1; 3];
            scale_shape[axis] = 6;
            assert_eq!(quantized.scale.shape, scale_shape, "{name}");
            assert_eq!(quantized.quanta.iter().map(|q| q.unsigned_abs()).max(), Some(127));
            let channels = Channels::along(axis, &shape);
            let starts = channels.runs(&data).flat_map(|(run, channel)| std::iter::repeat_n(channel, run.len()));
            for ((value, got), channel) in data.iter().zip(&values).zip(starts) {
                let step = (channel + 1) as f32 / MAX_QUANTUM;
                assert!((value - got).abs() <= step / 2.0 * 1.001, "{name}: {value} became {got}");
            }
        }
    }

    #[test]
    fn channels_of_zeros_stay_zeros_and_what_is_no_weight_is_left_alone() {
        let mut data = vec![0.5; 32];
        data[..16].fill(0.0);
        let (quantized, values) = round_trip("w", &[2, 16], &data);
        assert_eq!((values, quantized.scale.data[0]), (data, 0.0));
        for (name, shape) in [
            ("voices.af", vec![8, 32]),
            ("enc_p.emb.weight", vec![8, 32]),
            ("bias", vec![256]),
            ("alpha", vec![1, 64, 1]),
            ("depthwise.weight", vec![64, 1, 3]),
        ] {
            let data = vec![1.0; shape.iter().product()];
            assert!(quantize(name, &Tensor { shape, data }).is_none(), "{name}");
        }
    }

    #[test]
    fn scales_of_another_shape_are_not_taken() {
        assert_eq!(scaled_axis(&[4, 3, 2], &[4, 1, 1]), Some(0));
        assert_eq!(scaled_axis(&[4, 3, 2], &[1, 3, 1]), Some(1));
        assert_eq!(scaled_axis(&[1, 1], &[1, 1]), Some(0));
        for scale_shape in [&[3, 1, 1][..], &[4, 3, 1], &[4, 1], &[4], &[], &[1, 1, 1]] {
            assert_eq!(scaled_axis(&[4, 3, 2], scale_shape), None, "{scale_shape:?}");
        }
        assert_eq!(scaled_axis(&[], &[]), None);
    }
}
