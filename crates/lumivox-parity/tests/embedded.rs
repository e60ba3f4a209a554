//! The voice inside the program against the same voice in `f32` (`piper-joe`, pulled on first use): `-- --nocapture` prints the figures that
//! `crates/lumivox/weights/embedded/README.md` has.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use lumivox::store::Store;
use lumivox::{LoadOptions, Synthesizer};
use lumivox_parity::distance::{Distance, distance};

/// The ten sentences of `tools/reference/sentences.txt`, as espeak-ng says them to Piper.
const SENTENCES: &str = include_str!("sentences_espeak.txt");

#[test]
fn the_embedded_voice_is_nearer_to_f32_than_two_seeds_of_f32_are_to_each_other() {
    let model = Store::open().unwrap().resolve("piper-joe", &()).expect("the voice's f32 weights");
    let f32_voice = Synthesizer::open(&model, None).unwrap();
    let embedded = Synthesizer::embedded(&LoadOptions::default()).unwrap();
    let all = |other, seed| -> Vec<Distance> {
        SENTENCES.lines().map(|phonemes| distance((&f32_voice, 0), (other, seed), phonemes).unwrap()).collect()
    };
    let (rounded, seeds) = (all(&embedded, 0), all(&f32_voice, 1));
    assert_eq!(rounded.len(), 10);
    for (name, distances) in [("embedded", &rounded), ("another seed", &seeds)] {
        println!("{name}: {}", summary(distances));
    }
    let differing = |distances: &[Distance]| distances.iter().map(|d| d.durations_differing).sum::<usize>();
    let ids: usize = rounded.iter().map(|d| d.ids).sum();
    // Weights of 8 bits move durations across the borders of frames: one frame in some ids, a few frames of a sentence. Another seed moves half of them.
    assert!(differing(&rounded) * 33 <= ids, "{} of {ids} durations differ", differing(&rounded));
    assert!(differing(&rounded) * 10 <= differing(&seeds));
    for (rounded, seeds) in rounded.iter().zip(&seeds) {
        assert!(rounded.largest_frames <= 1 && rounded.longer_by_frames.abs() <= 5, "{rounded:?}");
        assert!(rounded.snr_db >= 2.5 && rounded.snr_db >= seeds.snr_db + 3.0, "{rounded:?} {seeds:?}");
        assert!(rounded.log_mel_l1 <= 0.15 && rounded.log_mel_l1 * 1.5 <= seeds.log_mel_l1, "{rounded:?} {seeds:?}");
    }
}

fn summary(distances: &[Distance]) -> String {
    let mean = |f: fn(&Distance) -> f64| distances.iter().map(f).sum::<f64>() / distances.len() as f64;
    let (ids, differing) = distances.iter().fold((0, 0), |(n, d), x| (n + x.ids, d + x.durations_differing));
    let largest = distances.iter().map(|d| d.largest_frames).max().unwrap();
    let longer: Vec<i64> = distances.iter().map(|d| d.longer_by_frames).collect();
    let least_snr = distances.iter().map(|d| d.snr_db).fold(f64::INFINITY, f64::min);
    let most_mel = distances.iter().map(|d| d.log_mel_l1).fold(0.0, f64::max);
    format!(
        "{differing} of {ids} durations differ, by {largest} frames at most; longer by {longer:?} frames; with equal durations SNR {:.1} dB (least {least_snr:.1}), \
         log-mel L1 {:.3} (most {most_mel:.3})",
        mean(|d| d.snr_db),
        mean(|d| d.log_mel_l1)
    )
}
