//! The scalar oracle of convolution in bytes.

use super::product::COLUMNS;
use crate::conv1d::Conv1dConfig;

/// What [`Conv1d`](crate::Conv1d) gives with [`Algorithm::Int8`](crate::Algorithm::Int8), to the bit, for shapes that it does in bytes: rounded inputs and
/// weights, summed in 64-bit integers. `x: [B][C_in][l_in]`, `weight: [C_out][C_in][K]` → `[B][C_out][l_out]`.
pub fn conv1d_int8_reference(
    x: &[f32],
    [batch, c_in, l_in]: [usize; 3],
    weight: &[f32],
    [c_out, _, taps]: [usize; 3],
    bias: &[f32],
    config: Conv1dConfig,
) -> Vec<f32> {
    let Conv1dConfig { padding, dilation, .. } = config;
    let halo = dilation * (taps - 1);
    let l_out = l_in + 2 * padding - halo;
    let mut out = vec![0f32; batch * c_out * l_out];
    for (b, x) in x.chunks(c_in * l_in).enumerate().take(batch) {
        for start in (0..l_out).step_by(COLUMNS) {
            let input = |channel: usize, step: usize| {
                let step = (start + step).checked_sub(padding).filter(|step| *step < l_in);
                step.map_or(0.0, |step| x[channel * l_in + step])
            };
            let window = (0..c_in).flat_map(|channel| (0..COLUMNS + halo).map(move |step| input(channel, step)));
            let (low, high) = window.fold((0f32, 0f32), |(low, high), x| (low.min(x), high.max(x)));
            let per_unit = if high - low > f32::MIN_POSITIVE { 255.0 / (high - low) } else { 0.0 };
            let zero = (-low * per_unit).round_ties_even() as i64;
            let byte = |x: f32| ((x * per_unit).round_ties_even() as i64 + zero).clamp(0, 255) - zero;
            for o in 0..c_out {
                let weight = &weight[o * c_in * taps..][..c_in * taps];
                let unit = weight.iter().fold(0f32, |largest, w| largest.max(w.abs())) / 127.0;
                for t in 0..COLUMNS.min(l_out - start) {
                    let products = weight.iter().enumerate().map(|(i, w)| {
                        let w = if unit > 0.0 { (w / unit).round_ties_even() as i64 } else { 0 };
                        w * byte(input(i / taps, t + i % taps * dilation))
                    });
                    let sum: i64 = products.sum();
                    out[(b * c_out + o) * l_out + start + t] = sum as f32 * ((high - low) / 255.0 * unit) + bias[o];
                }
            }
        }
    }
    out
}
