//! Speech that goes on where it was left.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use lumivox::{Error, Input, Options, Synthesizer};

const TEXT: &str = "The first sentence.\n\nThe second one, which is longer.\n\nThe third. And an end.";

#[test]
fn segments_are_skipped_by_their_durations_and_everything_behind_stays_the_same() {
    let voice = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/embedded/en_US-joe-medium.safetensors");
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
