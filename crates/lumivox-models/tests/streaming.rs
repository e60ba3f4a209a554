//! A VITS utterance decoded in pieces is the utterance decoded at once, whatever the generator looks like.

#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::Init;
use candle_nn::var_builder::{SimpleBackend, VarBuilder};
use lumivox_models::NoProbe;
use lumivox_models::vits::{Config, Prosody, ResBlockKind, Vits};
use proptest::prelude::*;

/// Reproducible values in -1..1.
fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// Weights of any shape that is asked for: scaled so that signals neither die nor grow.
struct AnyWeights;

impl SimpleBackend for AnyWeights {
    fn get(&self, shape: Shape, name: &str, _: Init, _: DType, device: &Device) -> Result<Tensor> {
        let seed = name.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let inputs = (shape.elem_count() / shape.dims()[0]).max(1) as f32;
        let values: Vec<f32> = values(shape.elem_count(), seed).iter().map(|x| x * (3.0 / inputs).sqrt()).collect();
        Tensor::from_vec(values, shape, device)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        candle_core::bail!("the shape of {name} is not known")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        name != "dec.conv_post.bias"
    }
}

/// A model's sizes: of the generator, kernels and rates of the upsampling, kernels and dilations of the residual blocks; whether there are several speakers; of the flow,
/// channels and couplings.
type Sizes = (ResBlockKind, Vec<(usize, usize)>, Vec<(usize, Vec<usize>)>, bool, (usize, usize));

fn sizes() -> impl Strategy<Value = Sizes> {
    let kind = prop_oneof![Just(ResBlockKind::Pairs), Just(ResBlockKind::Single)];
    let upsampling = (1usize..9, 0usize..5).prop_map(|(rate, half)| (rate, rate + 2 * half));
    let resblock =
        (0usize..6, prop::collection::vec(1usize..13, 1..4)).prop_map(|(half, dilations)| (2 * half + 1, dilations));
    // With 16 channels convolutions have their fast way.
    let flow = (prop::sample::select(&[8usize, 16][..]), 1usize..5);
    (kind, prop::collection::vec(upsampling, 1..4), prop::collection::vec(resblock, 1..4), any::<bool>(), flow)
}

fn vits((kind, upsampling, resblocks, several_speakers, (hidden, n_flows)): &Sizes) -> Vits {
    let config = serde_json::json!({
        "n_vocab": 8, "inter_channels": 6, "hidden_channels": hidden, "filter_channels": 8, "n_heads": 2, "n_layers": 1,
        "kernel_size": 3, "window_size": 4,
        "resblock": if *kind == ResBlockKind::Pairs { "1" } else { "2" },
        "resblock_kernel_sizes": resblocks.iter().map(|(kernel, _)| kernel).collect::<Vec<_>>(),
        "resblock_dilation_sizes": resblocks.iter().map(|(_, dilations)| dilations).collect::<Vec<_>>(),
        "upsample_rates": upsampling.iter().map(|(rate, _)| rate).collect::<Vec<_>>(),
        "upsample_kernel_sizes": upsampling.iter().map(|(_, kernel)| kernel).collect::<Vec<_>>(),
        "upsample_initial_channel": 32,
        "use_sdp": false, "n_speakers": if *several_speakers { 3 } else { 1 }, "gin_channels": if *several_speakers { 5 } else { 0 },
        "flow_layers": 2, "flow_kernel_size": 5, "n_flows": n_flows, "dp_filter_channels": 4, "dp_kernel_size": 3,
        "dp_n_flows": 0, "dp_num_bins": 0, "dp_tail_bound": 5.0, "sampling_rate": 16000,
    });
    let config: Config = serde_json::from_value(config).unwrap();
    Vits::new(config, VarBuilder::from_backend(Box::new(AnyWeights), DType::F32, Device::Cpu)).unwrap()
}

/// Some ids, of which the regression makes a frame or a few each, times `length_scale`.
fn prosody(vits: &Vits, length_scale: f32) -> Prosody {
    let noise = Tensor::zeros((1, 2, 7), DType::F32, &Device::Cpu).unwrap();
    vits.prosody(&[1, 2, 3, 4, 5, 6, 7], 0, &noise, length_scale, &mut NoProbe).unwrap()
}

fn noise(frames: usize, seed: u64) -> Tensor {
    Tensor::from_vec(values(6 * frames, seed), (1, 6, frames), &Device::Cpu).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn pieces_join_to_the_whole(sizes in sizes(), length_scale in 0.1f32..30.0, seed in any::<u64>()) {
        let vits = vits(&sizes);
        let whole_prosody = prosody(&vits, length_scale);
        let frames = vits.frames(&whole_prosody);
        let noise = noise(frames, seed);
        let z = vits.latent(&whole_prosody, &noise, &mut NoProbe).unwrap();
        let whole: Vec<f32> = vits.decode(&whole_prosody, &z, &mut NoProbe).unwrap().to_vec1().unwrap();
        prop_assert_eq!(whole.len(), frames * vits.config().samples_per_frame());
        // Single frames are costly: a stretch of them stands for all.
        for (step, last) in [(1, frames.min(40)), (7, frames), (50, frames), (500, frames)] {
            let mut stream = vits.stream(prosody(&vits, length_scale), &noise, &mut NoProbe).unwrap();
            let mut joined: Vec<f32> = Vec::new();
            for start in (0..last).step_by(step) {
                joined.extend(stream.decode(start..(start + step).min(last), &mut NoProbe).unwrap().to_vec1::<f32>().unwrap());
            }
            prop_assert_eq!(joined.len(), last * vits.config().samples_per_frame());
            let worst = joined.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            prop_assert!(worst <= 1e-5, "pieces of {} frames: {}", step, worst);
        }
    }
}

#[test]
fn frames_that_do_not_exist_are_errors() {
    let vits = vits(&(ResBlockKind::Single, vec![(2, 4)], vec![(3, vec![1])], false, (8, 2)));
    let prosody = prosody(&vits, 1.0);
    let frames = vits.frames(&prosody);
    let mut stream = vits.stream(prosody, &noise(frames, 1), &mut NoProbe).unwrap();
    for missing in [3..3, frames - 1..frames + 1, frames..frames + 1] {
        assert!(stream.decode(missing, &mut NoProbe).is_err());
    }
}

/// A stage of many steps is computed in slabs, a piece of it is not.
#[test]
fn slabs_are_the_whole() {
    let resblocks = vec![(3, vec![1, 2]), (5, vec![2, 6]), (7, vec![3, 12]), (9, vec![1]), (11, vec![1, 3])];
    let vits = vits(&(ResBlockKind::Single, vec![(16, 32)], resblocks, false, (16, 1)));
    let length_scale = 5000.0 / vits.frames(&prosody(&vits, 1.0)) as f32;
    let prosody = prosody(&vits, length_scale);
    let frames = vits.frames(&prosody);
    let noise = noise(frames, 1);
    let z = vits.latent(&prosody, &noise, &mut NoProbe).unwrap();
    let whole: Vec<f32> = vits.decode(&prosody, &z, &mut NoProbe).unwrap().to_vec1().unwrap();
    let mut stream = vits.stream(prosody, &noise, &mut NoProbe).unwrap();
    for start in (0..frames).step_by(333) {
        let end = frames.min(start + 333);
        let piece: Vec<f32> = stream.decode(start..end, &mut NoProbe).unwrap().to_vec1().unwrap();
        let want = &whole[16 * start..16 * end];
        let worst = piece.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(worst <= 1e-6, "frames {start}..{end}: {worst}");
    }
}
