//! Speech that goes on where it was left.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use lumivox::store::Store;
use lumivox::{Error, Input, Options, Synthesizer};

const TEXT: &str = "The first sentence.\n\nThe second one, which is longer.\n\nThe third. And an end.";

#[test]
fn segments_are_skipped_by_their_durations_and_everything_behind_stays_the_same() {
    let voice = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/embedded/en_US-joe-medium.safetensors");
    let synthesizer = Synthesizer::open(&voice, None).unwrap();
    let options = Options { sentence_silence_s: 0.1, ..Options::default() };
    for input in [Input::Text(TEXT), Input::Ssml("<speak><break time='1s'/>One.<p>Two.</p> Three.</speak>")] {
        let speak = || synthesizer.speak(input, &options).unwrap();
        let mut whole = speak();
        let (mut durations, mut segments) = (Vec::new(), Vec::new());
        assert!(whole.durations().is_empty());
        while let Some(chunk) = whole.next() {
            segments.push(chunk.unwrap().samples);
            durations.push(whole.durations().to_vec());
        }
        assert!(segments.len() >= 3);
        let samples = |range: std::ops::Range<usize>| segments[range].iter().map(Vec::len).sum::<usize>() as u64;
        for done in 0..=segments.len() {
            let mut speech = speak();
            for (segment, durations) in durations[..done].iter().enumerate() {
                assert_eq!(speech.skip_segment(durations).unwrap(), samples(segment..segment + 1));
            }
            assert_eq!(speech.measure().unwrap(), samples(done..segments.len()));
            let rest: Vec<Vec<f32>> = speech.by_ref().map(|chunk| chunk.unwrap().samples).collect();
            assert_eq!(rest, segments[done..]);
            assert_eq!(speech.timestamps(), whole.timestamps());
        }
        let error = speak().skip_segment(&durations[0][1..]).unwrap_err();
        assert!(matches!(error, Error::OtherDurations { segment: 0 }));
    }
}

/// Inside a segment: Kokoro (`kokoro-int8`, pulled on first use), whose segments are made as a whole, ends long before it would be done.
#[test]
fn what_is_cancelled_stops_inside_a_segment() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    let model = Store::open().unwrap().resolve("kokoro-int8", &()).unwrap();
    let synthesizer = Synthesizer::open(&model, None).unwrap();
    let text = "The sky above the port was the color of television, tuned to a dead channel, and nobody was about.";
    let say = |cancelled: &Arc<AtomicBool>| {
        let speech = synthesizer.speak(Input::Text(text), &Options::default()).unwrap();
        speech.cancelled_by(Arc::clone(cancelled)).collect::<Result<Vec<_>, _>>()
    };
    let timed = |cancelled: &Arc<AtomicBool>| {
        let started = Instant::now();
        (say(cancelled), started.elapsed())
    };
    let mut seen = Vec::new();
    // Other work on the machine may fall on the one and not on the other; what can't be cancelled never ends early.
    for _ in 0..4 {
        let (said, whole) = timed(&Arc::default());
        assert!(said.is_ok());
        let cancelled = Arc::new(AtomicBool::new(false));
        let (ended, took) = std::thread::scope(|scope| {
            let speaking = scope.spawn(|| timed(&cancelled));
            std::thread::sleep(whole / 4);
            cancelled.store(true, Ordering::Relaxed);
            speaking.join().unwrap()
        });
        if matches!(ended, Err(Error::Cancelled)) && took < whole * 3 / 4 {
            return;
        }
        seen.push(format!("{took:?} of {whole:?}, cancelled: {}", ended.is_err()));
    }
    panic!("it is not cancelled inside a segment: {seen:#?}");
}
