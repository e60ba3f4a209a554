//! VITS through the engine, on a real voice (`piper-joe`, pulled on first use).

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../../lumivox-convert/tests/support/mod.rs"]
mod checkpoint;

use std::sync::OnceLock;

use lumivox::store::Store;
use lumivox::{ChunkSize, Error, Input, Options, Synthesizer};

const TEXT: &str = "The old man walked down to the harbour. He waited, and the boats came home!";

fn joe() -> &'static Synthesizer {
    static JOE: OnceLock<Synthesizer> = OnceLock::new();
    JOE.get_or_init(|| {
        let model = Store::open().unwrap().resolve("piper-joe", &()).expect("the voice is pulled with pip");
        Synthesizer::open(&model, None).unwrap()
    })
}

fn say(input: Input, options: &Options, chunk_size: ChunkSize) -> Vec<f32> {
    joe().stream(input, options, chunk_size).unwrap().flat_map(|chunk| chunk.unwrap().samples).collect()
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn streamed_is_one_shot_at_every_chunk_size() {
    let options = Options { seed: 7, ..Options::default() };
    let whole = say(Input::Text(TEXT), &options, ChunkSize::Segment);
    assert!(whole.len() > 3 * joe().sample_rate_hz() as usize);
    assert!(whole.iter().map(|sample| sample.abs()).fold(0f32, f32::max) > 0.1, "it can be heard");
    for chunk_size in [ChunkSize::Auto, ChunkSize::Frames(500), ChunkSize::Frames(50), ChunkSize::Frames(7)] {
        let streamed = say(Input::Text(TEXT), &options, chunk_size);
        assert!(worst(&whole, &streamed) <= 1e-5, "{chunk_size:?}: {}", worst(&whole, &streamed));
    }
    // Single frames are costly: a word stands for all.
    let word = Input::Text("No.");
    let single = say(word, &options, ChunkSize::Frames(1));
    assert!(worst(&say(word, &options, ChunkSize::Segment), &single) <= 1e-5);
    let chunks = joe().stream(word, &options, ChunkSize::Frames(1)).unwrap().map(|chunk| chunk.unwrap().samples.len());
    assert!(chunks.into_iter().all(|samples| samples == joe().samples_per_frame()));
}

#[test]
fn the_seed_and_nothing_else_decides_the_noise() {
    let with_seed = |seed| say(Input::Text(TEXT), &Options { seed, ..Options::default() }, ChunkSize::Auto);
    assert_eq!(with_seed(1), with_seed(1));
    assert_ne!(with_seed(1), with_seed(2));
    let still = Options { noise_scale: Some(0.0), noise_w: Some(0.0), ..Options::default() };
    let seeds = [1, 2].map(|seed| say(Input::Text(TEXT), &Options { seed, ..still.clone() }, ChunkSize::Segment));
    assert_eq!(seeds[0], seeds[1], "without noise there is nothing to draw");
}

#[test]
fn scales_speed_and_silence_do_what_they_say() {
    let still = Options { noise_w: Some(0.0), ..Options::default() };
    let samples = |options: &Options| say(Input::Text(TEXT), options, ChunkSize::Segment).len();
    let slow = samples(&Options { length_scale: Some(2.0), ..still.clone() });
    // Durations are rounded up, so twice the scale is a little less than twice the length.
    let ratio = slow as f64 / samples(&still) as f64;
    assert!((1.6..2.05).contains(&ratio), "{ratio}");
    assert_eq!(samples(&Options { length_scale: Some(2.0), speed: 2.0, ..still.clone() }), samples(&still));
    let pause = samples(&Options { sentence_silence_s: 0.5, ..still.clone() }) - samples(&still);
    assert_eq!(pause, joe().sample_rate_hz() as usize / 2, "between the two sentences, and not behind the last");
}

#[test]
fn every_word_has_its_bytes_and_its_time() {
    let options = Options { sentence_silence_s: 0.25, ..Options::default() };
    let mut speech = joe().stream(Input::Text(TEXT), &options, ChunkSize::Auto).unwrap();
    let samples: usize = speech.by_ref().map(|chunk| chunk.unwrap().samples.len()).sum();
    let timestamps = speech.timestamps();
    assert!((timestamps.duration_s - samples as f64 / 22_050.0).abs() < 1e-9);
    let words: Vec<&str> = timestamps.words.iter().map(|word| &TEXT[word.span.clone()]).collect();
    let want: Vec<&str> = TEXT.split_whitespace().map(|word| word.trim_matches(['.', ',', '!'])).collect();
    assert_eq!(words, want);
    let mut last_s = 0.0;
    for word in &timestamps.words {
        assert!(last_s <= word.start_s && word.start_s < word.end_s, "{word:?}");
        assert_eq!((word.start_s, word.end_s), (word.phonemes[0].start_s, word.phonemes.last().unwrap().end_s));
        last_s = word.end_s;
    }
    assert!(last_s <= timestamps.duration_s);
    let pause = timestamps.words[8].start_s - timestamps.words[7].end_s;
    assert!(pause >= 0.25, "the silence between the sentences is between their words: {pause}");
}

#[test]
fn phonemes_can_be_given_for_all_or_in_the_text() {
    let options = Options::default();
    let speech = joe().speak(Input::Text(TEXT), &options).unwrap();
    let phonemes = speech.read().phonemes();
    let all = say(Input::Phonemes(&phonemes), &options, ChunkSize::Segment);
    assert_eq!(all, say(Input::Text(TEXT), &options, ChunkSize::Segment));
    let block = say(Input::Text(&format!("[[{phonemes}]]")), &options, ChunkSize::Segment);
    assert_eq!(block, all);
    let unknown = joe().speak(Input::Phonemes("ab☃"), &options).unwrap().warnings()[0].to_string();
    assert!(unknown.contains('☃'), "{unknown}");
}

#[test]
fn what_the_voice_does_not_have_is_an_error() {
    let fails = |options: Options| joe().speak(Input::Text("Hello."), &options).err().map(|error| error.to_string());
    for speaker in ["1", "nobody", "-1", "4294967296"] {
        let message = fails(Options::new(speaker)).unwrap();
        assert!(message.contains(speaker) && message.contains("number is 0"), "{message}");
    }
    assert_eq!(fails(Options::new("0")), None);
    assert!(fails(Options { length_scale: Some(0.0), ..Options::default() }).unwrap().contains("0.1 to 10"));
    assert!(fails(Options { noise_scale: Some(f32::NAN), ..Options::default() }).unwrap().contains("0 to 10"));
    let nothing = joe().speak(Input::Text("🙂"), &Options::default()).err().unwrap();
    assert!(matches!(nothing, Error::NothingToSay { .. }), "{nothing}");
}

/// A small model with the layout of MMS-TTS, converted from a folder of transformers.
fn mms() -> (tempfile::TempDir, Synthesizer) {
    let config = checkpoint::vits::config("1", 1, true);
    let mut weights = checkpoint::vits::weights(&config, 1);
    // Small ones, so that durations are short.
    weights.values_mut().for_each(|(_, values)| values.iter_mut().for_each(|value| *value *= 0.1));
    let weights = checkpoint::vits::hf(&weights, checkpoint::vits::OLD);
    let bench = checkpoint::vits_bench::hf_folder(&config, &checkpoint::vits::safetensors(&weights));
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("mms.safetensors");
    let options = lumivox::convert::Options::default();
    lumivox::convert::convert(&bench.path(""), &model, &options, &mut |_| {}).unwrap();
    let synthesizer = Synthesizer::open(&model, None).unwrap();
    (folder, synthesizer)
}

#[test]
fn mms_reads_the_characters_it_knows_and_tells_the_others() {
    let (_folder, mms) = mms();
    let speech = mms.speak(Input::Text("AB ba, 7 x!"), &Options::default()).unwrap();
    assert_eq!(speech.read().phonemes(), "ab ba");
    let warnings: Vec<String> = speech.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("`7`") && warnings[0].contains("write numbers as words"), "{warnings:?}");
    assert!(warnings[1].contains("`x`") && warnings[1].contains("vocabulary"), "{warnings:?}");
    let samples: usize = speech.map(|chunk| chunk.unwrap().samples.len()).sum();
    assert!(samples > 0 && samples.is_multiple_of(mms.samples_per_frame()));
    let nothing = mms.speak(Input::Text("xyz"), &Options::default()).err().unwrap();
    assert!(nothing.to_string().contains("nothing to say"), "{nothing}");
}

/// A small Piper voice of three speakers, with a JSON that `change` has changed.
fn piper(change: impl Fn(&mut serde_json::Value)) -> (tempfile::TempDir, Synthesizer) {
    let config = checkpoint::vits::config("2", 3, true);
    let mut weights = checkpoint::vits::weights(&config, 1);
    weights.values_mut().for_each(|(_, values)| values.iter_mut().for_each(|value| *value *= 0.1));
    let bench = checkpoint::vits_bench::piper(&config, &weights);
    let mut json = checkpoint::vits::piper_json(&config);
    change(&mut json);
    bench.json("voice.onnx.json", &json);
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("voice.safetensors");
    lumivox::convert::convert(&bench.path("voice.onnx"), &model, &Default::default(), &mut |_| {}).unwrap();
    let synthesizer = Synthesizer::open(&model, None).unwrap();
    (folder, synthesizer)
}

#[test]
fn the_speaker_that_the_voice_says_speaks_where_none_is_asked_for() {
    let (_folder, voice) = piper(|json| json["default_speaker_id"] = 2.into());
    let said = |options: &Options| -> Vec<f32> {
        voice.speak(Input::Phonemes("aaa"), options).unwrap().flat_map(|chunk| chunk.unwrap().samples).collect()
    };
    assert_eq!(said(&Options::default()), said(&Options::new("2")));
    assert_eq!(said(&Options::default()), said(&Options::new("s2")));
    assert_ne!(said(&Options::default()), said(&Options::new("0")));
}

#[test]
fn vowels_that_the_voice_reads_as_one_are_one_phoneme_with_one_time() {
    let (_folder, voice) = piper(|json| {
        json["phoneme_id_map"]["aʃ"] = serde_json::json!([5]);
        json["vowel_clusters"] = serde_json::json!([["a", "ʃ"]]);
    });
    let mut speech = voice.speak(Input::Phonemes("aˈaʃ ʃ"), &Options::default()).unwrap();
    speech.by_ref().for_each(|chunk| drop(chunk.unwrap()));
    let words = &speech.timestamps().words;
    let symbols = |word: usize| words[word].phonemes.iter().map(|phoneme| &*phoneme.symbol).collect::<Vec<_>>();
    assert_eq!((symbols(0), symbols(1)), (vec!["a", "ˈ", "aʃ"], vec!["ʃ"]));
}

#[test]
fn a_voice_of_a_front_end_that_is_not_here_takes_phonemes() {
    let (_folder, voice) = piper(|json| json["phoneme_type"] = "thai".into());
    let error = voice.speak(Input::Text("สวัสดี"), &Options::default()).err().unwrap().to_string();
    assert!(error.contains("`thai`") && error.contains("all of it or in the text (`[[…]]`)"), "{error}");
    for input in [Input::Text("[[aˈa]]"), Input::Phonemes("aˈa")] {
        assert!(voice.speak(input, &Options::default()).unwrap().warnings().is_empty());
    }
}
