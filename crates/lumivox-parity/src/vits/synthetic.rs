//! Weights that need no file: every value is a function of the model's name, the tensor's and the index, the same to the bit in
//! `tools/reference/vits_synthetic.py`, which says what they are for.

use candle_core::{Device, Result, Tensor};

/// Prefixes of modules, the gain of their weights and the spread of their biases. The first that fits.
const GAINS: [(&str, f64, f64); 8] = [
    ("enc_p.proj", 0.5, 0.1),
    ("dp.flows.", 2.5, 0.3),
    ("dp.proj", 1.0, 0.3),
    ("flow.", 1.0, 0.1),
    ("dec.resblocks.", 0.5, 0.02),
    ("dec.ups.", 2.0, 0.02),
    ("dec.conv_post", 0.35, 0.0),
    ("", 1.0, 0.1),
];

/// The tensor `name` of the synthetic `model`.
pub(super) fn tensor(model: &str, name: &str, shape: &[usize]) -> Result<Tensor> {
    let (scale, shift) = recipe(name, shape);
    let (scale, shift) = (scale as f32, shift as f32);
    let key = fnv1a(&format!("{model}/{name}"));
    let values: Vec<f32> = (1..=shape.iter().product::<usize>() as u64).map(|i| unit(key, i) * scale + shift).collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// Scale and shift of a tensor's values.
fn recipe(name: &str, shape: &[usize]) -> (f64, f64) {
    let found = GAINS.iter().find(|(prefix, ..)| name.starts_with(prefix));
    let (gain, spread) = found.map_or((1.0, 0.0), |&(_, gain, spread)| (gain, spread));
    match (name, name.rsplit('.').next().unwrap_or(name)) {
        (_, "gamma") => (0.2, 1.0),
        (_, "weight_g") => (0.2 * gain, gain),
        (_, "weight_v") => (1.0, 0.0),
        (_, "beta" | "bias") => (spread, 0.0),
        (_, "emb_rel_k" | "emb_rel_v") => (0.3, 0.0),
        ("dp.flows.0.m", _) => (0.1, -1.5),
        ("dp.flows.0.logs", _) => (0.1, 0.5),
        ("emb_g.weight", _) => (1.0, 0.0),
        ("enc_p.emb.weight", _) => ((3.0 / shape[1] as f64).sqrt(), 0.0),
        _ => (gain * (3.0 / shape[1..].iter().product::<usize>() as f64).sqrt(), 0.0),
    }
}

/// The 64-bit FNV-1a hash.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Value `i`, counted from 1, of SplitMix64 (Steele et al., 2014) from the state `key`.
fn split_mix(key: u64, i: u64) -> u64 {
    let mut z = key.wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A value in -1..1, from the upper 24 bits, so that it is exact.
fn unit(key: u64, i: u64) -> f32 {
    const HALF: f32 = (1 << 23) as f32;
    ((split_mix(key, i) >> 40) as f32 - HALF) / HALF
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV's own test vector, and the first values that the authors' SplitMix64 gives for the seed 1234567.
    #[test]
    fn hash_and_generator_give_the_published_answers() {
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!([1, 2].map(|i| split_mix(1_234_567, i)), [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
