//! How soon a streaming voice is heard: the time to the first sample against the time that the whole sentence takes, side by side in one run.
//!
//! `cargo bench -p lumivox --bench first_audio [-- MODEL]` (`piper-joe` if not given, which is pulled first)

use std::time::{Duration, Instant};

use lumivox::store;
use lumivox::{ChunkSize, Input, Options, Synthesizer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Twenty words.
const SENTENCE: &str =
    "The old man walked slowly down to the harbour and watched the small white boats come home before the storm.";
const ROUNDS: usize = 15;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let model = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or("piper-joe".into());
    let path = store::resolve(&model, &())?;
    let synthesizer = Synthesizer::open(&path, None)?;
    println!(
        "{model}, {} words, {ROUNDS} rounds, both ways in turn; the front-end is loaded",
        SENTENCE.split(' ').count()
    );
    // The first round loads what is loaded once, and is not counted.
    let rounds: Vec<Round> = (0..=ROUNDS).map(|_| Round::measure(&synthesizer)).collect::<Result<_>>()?;
    let rounds = &rounds[1..];
    let column = |f: fn(&Round) -> f64| rounds.iter().map(f).collect::<Vec<f64>>();
    print("one-shot", "ms", column(|round| round.whole.as_secs_f64() * 1e3));
    print("streamed", "ms", column(|round| round.streamed.as_secs_f64() * 1e3));
    print("first audio, streamed", "ms", column(|round| round.first.as_secs_f64() * 1e3));
    print("first audio / one-shot", "%", column(|round| 100.0 * round.first.as_secs_f64() / round.whole.as_secs_f64()));
    Ok(())
}

/// One sentence, both ways.
struct Round {
    whole: Duration,
    first: Duration,
    streamed: Duration,
}

impl Round {
    fn measure(synthesizer: &Synthesizer) -> Result<Self> {
        let say = |chunk_size| -> Result<(Vec<f32>, Duration, Duration)> {
            let started = Instant::now();
            let (mut samples, mut first) = (Vec::new(), None);
            for chunk in synthesizer.stream(Input::Text(SENTENCE), &Options::default(), chunk_size)? {
                samples.extend(chunk?.samples);
                first.get_or_insert_with(|| started.elapsed());
            }
            Ok((samples, first.unwrap_or_default(), started.elapsed()))
        };
        let (whole_samples, _, whole) = say(ChunkSize::Segment)?;
        let (samples, first, streamed) = say(ChunkSize::Auto)?;
        let worst = samples.iter().zip(&whole_samples).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        if samples.len() != whole_samples.len() || worst > 1e-5 {
            return Err(format!("the streamed audio is another: {worst}").into());
        }
        Ok(Self { whole, first, streamed })
    }
}

/// The median, and the quartiles around it.
fn print(name: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let quartile = |n: usize| values[(values.len() - 1) * n / 4];
    println!("{name:<24} {:8.1} {unit}  ({:.1} to {:.1})", quartile(2), quartile(1), quartile(3));
}
