//! How fast the front-ends are: processor time, the best of several rounds, since others use the machine, too. Loading takes three threads, whose times are
//! summed: on a processor that has nothing else to do it is over sooner.

#![allow(clippy::unwrap_used)] // test code

use std::time::Duration;

use cpu_time::{ProcessTime, ThreadTime};
use lumivox_text::{Dialect, English, Language, SegmentLimits, front_end, segments};

/// 174 characters.
const SENTENCES: &str = "The sky above the port was the color of television, tuned to a dead channel. It was late, \
                         and the rain that had come up from the sea all week was falling on the old city now.";

/// The shortest of so many runs.
fn best<T>(rounds: usize, mut run: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let start = ThreadTime::now();
        std::hint::black_box(run());
        start.elapsed()
    };
    (0..rounds).map(time).min().unwrap()
}

fn megabytes_per_second(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// One test, as another one's time would count.
#[test]
fn front_ends_load_fast_and_read_fast() {
    english();
    other_languages();
}

fn english() {
    let load = |_| {
        let start = ProcessTime::now();
        English::new(Dialect::American).unwrap();
        start.elapsed()
    };
    let load = (0..20).map(load).min().unwrap();
    let english = English::new(Dialect::American).unwrap();
    let text = include_str!("data/english_held_out.txt").replace('\n', " ");
    let speed = megabytes_per_second(text.len(), best(5, || english.phonemize(&text)));
    // As Kokoro is asked for a first segment.
    let limits =
        SegmentLimits { first_symbols: 100, growth_percent: 200, max_symbols: 200, ..SegmentLimits::default() };
    assert_eq!(SENTENCES.chars().count(), 174);
    let first = best(20, || segments(&english.phonemize(SENTENCES), &limits));
    println!("load {load:?}, {speed:.2} MB/s with the tagger, first segment after {first:?}");
    assert!(load <= Duration::from_millis(100), "{load:?}");
    assert!(speed >= 0.2, "{speed} MB/s");
    assert!(first <= Duration::from_millis(5), "{first:?}");
}

/// The others on the sentences that they are measured by; Japanese without its dictionary.
fn other_languages() {
    let json = |sentences: &str| {
        let pairs: Vec<(String, String)> = serde_json::from_str(sentences).unwrap();
        pairs.into_iter().map(|(text, _)| text + "\n").collect::<String>()
    };
    for (language, text) in [
        (Language::Spanish, json(include_str!("data/es_sentences.json"))),
        (Language::French, json(include_str!("data/fr_sentences.json"))),
        (Language::Hindi, json(include_str!("data/hi_sentences.json"))),
        (Language::Italian, json(include_str!("data/it_sentences.json"))),
        (Language::Japanese, include_str!("data/japanese_sentences.txt").to_owned()),
        (Language::BrazilianPortuguese, json(include_str!("data/pt-br_sentences.json"))),
        (Language::Mandarin, include_str!("data/mandarin_sentences.txt").to_owned()),
    ] {
        let loading = |_| {
            let start = ProcessTime::now();
            front_end(language).unwrap();
            start.elapsed()
        };
        let load = (0..5).map(loading).min().unwrap();
        let front_end = front_end(language).unwrap();
        let speed = megabytes_per_second(text.len(), best(3, || front_end.phonemize(&text)));
        println!("{language}: load {load:?}, {speed:.2} MB/s");
        assert!(load <= Duration::from_millis(100), "{language}: {load:?}");
        assert!(speed >= 0.2, "{language}: {speed} MB/s");
    }
}
