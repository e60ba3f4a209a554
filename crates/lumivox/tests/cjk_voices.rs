//! Mandarin and Japanese with Kokoro's weights and the dictionary, both pulled if they are not here: a sample of each, and how Japanese is read.
#![allow(clippy::unwrap_used)] // test code

use lumivox::audio::{SampleFormat, WavFile};
use lumivox::store::Store;
use lumivox::text::evaluation::distance;
use lumivox::text::{FrontEnd, Japanese, Mandarin};
use lumivox::{Input, Options, Synthesizer};
use std::fs;
use std::path::Path;

fn japanese() -> Japanese {
    let (folder, _) = Store::open().unwrap().dictionary("ja-dictionary", false, &()).unwrap();
    Japanese::open(&folder).unwrap()
}

/// Speaks the phonemes of `text` to a file, and gives its seconds of sound.
fn sample(synthesizer: &Synthesizer, front_end: &dyn FrontEnd, voice: &str, text: &str) -> f64 {
    let said = front_end.phonemize(text);
    assert!(said.warnings.is_empty(), "{said:?}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{voice}.wav"));
    let mut wav = WavFile::create(&path, synthesizer.sample_rate_hz(), SampleFormat::I16).unwrap();
    let (mut samples, mut loud) = (0, 0);
    let speech = synthesizer.speak(Input::Phonemes(&said.phonemes()), &Options::new(voice)).unwrap();
    assert!(speech.warnings().is_empty(), "symbols that Kokoro does not have: {:?}", speech.warnings());
    for chunk in speech {
        let chunk = chunk.unwrap();
        assert!(chunk.samples.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.5));
        samples += chunk.samples.len();
        loud += chunk.samples.iter().filter(|sample| sample.abs() > 0.02).count();
        wav.write(&chunk.samples).unwrap();
    }
    wav.finish().unwrap();
    println!("{}", path.display());
    assert!(loud * 10 > samples, "{voice} is silent: {loud} of {samples} samples");
    samples as f64 / f64::from(synthesizer.sample_rate_hz())
}

#[test]
fn each_language_has_a_voice() {
    let model = Store::open().unwrap().resolve("kokoro", &()).unwrap();
    let synthesizer = Synthesizer::open(&model, None).unwrap();
    let mandarin = Mandarin::new().unwrap();
    let text = "你好，世界！今天是2024年1月15日，我用Python写了3个程序。";
    let seconds = sample(&synthesizer, &mandarin, "zf_xiaobei", text);
    assert!((5.0..14.0).contains(&seconds), "{seconds} s");
    let text = "こんにちは。今日は2024年1月15日、東京は晴れです。コーヒーを3杯飲みました。";
    let seconds = sample(&synthesizer, &japanese(), "jf_alpha", text);
    assert!((5.0..16.0).contains(&seconds), "{seconds} s");
}

/// Ground truth: `tools/reference/misaki_japanese.py`; marks and blanks are left out, as the dictionary's words are not UniDic's.
#[test]
fn japanese_is_read_nearly_as_by_misaki() {
    let japanese = japanese();
    let sounds = |phonemes: &str| -> Vec<char> {
        phonemes.chars().filter(|c| c.is_alphabetic() || "ːʔʲᵝ".contains(*c)).collect()
    };
    let (mut sentences, mut exact, mut errors, mut symbols) = (0, 0, 0, 0);
    for line in include_str!("../../lumivox-text/tests/data/japanese_misaki.tsv").lines() {
        let (text, wanted) = line.split_once('\t').unwrap();
        let (wanted, ours) = (sounds(wanted), sounds(&japanese.phonemize(text).phonemes()));
        sentences += 1;
        exact += usize::from(wanted == ours);
        errors += distance(&wanted, &ours);
        symbols += wanted.len();
    }
    println!("{exact} of {sentences} sentences, {errors} errors in {symbols} symbols");
    assert!(sentences >= 200 && exact >= 146 && errors * 1000 <= symbols * 15);
}
