//! Kokoro's generator in 8-bit integers against `f32`, with the same noise: `-- --nocapture` prints the figures that README has.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use lumivox::store::Store;
use lumivox::{Input, LoadOptions, Options, Precision, Synthesizer};
use lumivox_parity::metrics::{log_mel_l1, snr_db};

const SENTENCES: &str = include_str!("../../../tools/reference/sentences.txt");

#[test]
fn int8_is_nearer_to_f32_than_another_seed_is() {
    let model = Store::open().unwrap().resolve("kokoro-int8", &()).expect("Kokoro's weights");
    let f32_model = Synthesizer::open(&model, None).unwrap();
    let int8_model =
        Synthesizer::open_with(&model, &LoadOptions { precision: Precision::Int8, ..Default::default() }).unwrap();
    let say = |synthesizer: &Synthesizer, sentence: &str, seed: u64| -> Vec<f32> {
        let options = Options { seed, ..Options::new("af_heart") };
        let speech = synthesizer.speak(Input::Text(sentence), &options).unwrap();
        speech.flat_map(|chunk| chunk.unwrap().samples).collect()
    };
    let mut figures = Vec::new();
    for sentence in SENTENCES.lines() {
        let (want, got) = (say(&f32_model, sentence, 0), say(&int8_model, sentence, 0));
        let another = say(&f32_model, sentence, 1);
        // Durations and pitch are computed in f32.
        assert_eq!(got.len(), want.len(), "{sentence}");
        let rate = f32_model.sample_rate_hz();
        let figure = [
            snr_db(&got, &want),
            log_mel_l1(&got, &want, rate),
            snr_db(&another, &want),
            log_mel_l1(&another, &want, rate),
        ];
        println!(
            "SNR {:.1} dB, log-mel L1 {:.3}; another seed {:.1} dB, {:.3}: {sentence}",
            figure[0], figure[1], figure[2], figure[3]
        );
        figures.push(figure);
    }
    let mean = |i: usize| figures.iter().map(|figure| figure[i]).sum::<f64>() / figures.len() as f64;
    println!("means: SNR {:.1} dB, log-mel L1 {:.4}; another seed {:.1} dB, {:.4}", mean(0), mean(1), mean(2), mean(3));
    assert_eq!(figures.len(), 10);
    assert!(figures.iter().all(|figure| figure[0] > figure[2]), "another seed is nearer");
    assert!(mean(0) >= 25.0 && mean(1) <= 0.04);
}
