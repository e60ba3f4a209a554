//! The comparison itself: both sides say the same, and each stage gets its row.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::capture::{AUDIO, Array, Capture, DURATIONS, Difference};
use crate::kokoro::{F0_BOUND_HZ, NOISE_INJECTED_BOUND_DB, SOURCE_INJECTED_BOUND_DB};
use crate::metrics::log_mel_l1;
use crate::ours::Ours;
use crate::reference::{Floor, Reference, Said};
use crate::utterance::{Delivery, Utterance};
use crate::vits::AUDIO_BOUND;

/// The audio judged from the reference's source.
const AUDIO_SOURCE: &str = "audio_source";

/// What a figure may be at most or at least.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The most relative L2 difference.
    RelativeL2(f64),
    /// The largest difference of a value.
    MaxAbs(f64),
    /// The least signal-to-noise ratio, in dB.
    SnrDb(f64),
}

impl Bound {
    /// Whether `row` is within it.
    pub fn holds(self, row: &Row) -> bool {
        match self {
            Self::RelativeL2(most) => row.relative_l2.is_some_and(|x| x <= most),
            Self::MaxAbs(most) => row.max_abs.is_some_and(|x| x <= most),
            Self::SnrDb(least) => row.relative_l2.is_some_and(|x| snr_db(x) >= least),
        }
    }
}

/// The figures of a stage. A figure that is none could not be computed: the shapes differ, or a value is not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The stage.
    pub stage: String,
    /// `‖got − want‖ / ‖want‖`.
    pub relative_l2: Option<f64>,
    /// The largest `|got − want|`.
    pub max_abs: Option<f64>,
    /// Mean difference of the logarithmic mel spectrograms, of audio that is there as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub log_mel: Option<f64>,
    /// The reference against itself.
    pub floor: Floor,
    /// What it may be.
    pub bounds: Vec<Bound>,
}

impl Row {
    /// Whether all bounds hold.
    pub fn is_within(&self) -> bool {
        self.bounds.iter().all(|bound| bound.holds(self))
    }

    /// Signal-to-noise ratio, in dB; infinite where nothing differs.
    pub fn snr_db(&self) -> Option<f64> {
        self.relative_l2.map(snr_db)
    }

    /// The worse of two rows of the same stage, figure by figure; the floor is the highest.
    fn worse(&self, other: &Self) -> Self {
        let both = |a: Option<f64>, b: Option<f64>| Some(a?.max(b?));
        let either = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            relative_l2: both(self.relative_l2, other.relative_l2),
            max_abs: both(self.max_abs, other.max_abs),
            log_mel: either(self.log_mel, other.log_mel),
            floor: Floor {
                threads: either(self.floor.threads, other.floor.threads),
                seed: either(self.floor.seed, other.floor.seed),
                seed_log_mel: either(self.floor.seed_log_mel, other.floor.seed_log_mel),
            },
            ..self.clone()
        }
    }
}

/// How far an utterance is from the reference's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// What was said.
    pub utterance: Utterance,
    /// Seconds of it.
    pub audio_s: f64,
    /// Whether every id has the reference's duration.
    pub durations_equal: bool,
    /// Whether all stages are within their bounds.
    pub within_bounds: bool,
    /// Signal-to-noise ratio of the audio with nothing but the noise injected, in dB.
    pub snr_db: Option<f64>,
}

/// A whole comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// A row a stage in the order of the graph, each the worst of all utterances.
    pub stages: Vec<Row>,
    /// A line an utterance.
    pub utterances: Vec<Spoken>,
    /// What should be known of the figures.
    pub notes: Vec<String>,
}

/// Both sides' audio, for plots.
pub struct Heard {
    /// lumivox's.
    pub ours: Vec<f32>,
    /// The reference's.
    pub theirs: Vec<f32>,
    /// Samples a second.
    pub sample_rate_hz: u32,
}

/// The bounds that a comparison is held to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The most relative L2 difference of a stage.
    pub stage: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { stage: crate::vits::STAGE_BOUND }
    }
}

impl Comparison {
    /// Compares all `utterances`; the audio of the first is returned where the reference has it as a whole.
    ///
    /// # Errors
    /// If one side can't say one of them.
    pub fn run(
        ours: &Ours,
        reference: &mut dyn Reference,
        utterances: &[Utterance],
        bounds: Bounds,
        said: &mut dyn FnMut(&Utterance),
    ) -> Result<(Self, Option<Heard>)> {
        ensure!(!utterances.is_empty(), "there is nothing to say");
        let sample_rate_hz = ours.file().metadata().sample_rate_hz;
        let (mut stages, mut spoken, mut notes, mut heard) = (Vec::<Row>::new(), Vec::new(), Vec::new(), None);
        for utterance in utterances {
            let theirs = reference.say(ours, utterance)?;
            let (rows, capture) = rows(ours, utterance, &theirs, bounds)?;
            spoken.push(line(utterance, &rows, &capture, sample_rate_hz));
            if let Some(audio) = theirs.audio.filter(|_| heard.is_none()) {
                heard = Some(Heard { ours: capture.audio().to_vec(), theirs: audio, sample_rate_hz });
            }
            theirs.notes.into_iter().for_each(|note| {
                if !notes.contains(&note) {
                    notes.push(note);
                }
            });
            merge(&mut stages, rows);
            said(utterance);
        }
        Ok((Self { stages, utterances: spoken, notes }, heard))
    }

    /// The first stage, in the order of the graph, that is outside a bound.
    pub fn first_outside(&self) -> Option<&Row> {
        self.stages.iter().find(|row| !row.is_within())
    }

    /// Whether everything is within its bounds.
    pub fn is_within(&self) -> bool {
        self.first_outside().is_none()
    }
}

/// Says `utterance` on our side, and puts it beside what the reference said.
fn rows(ours: &Ours, utterance: &Utterance, theirs: &Said, bounds: Bounds) -> Result<(Vec<Row>, Capture)> {
    let free = ours.run(utterance, &Default::default())?;
    let durations = free.get(DURATIONS).map(|x| theirs.tensors.difference(DURATIONS, x)).transpose()?.flatten();
    // Where durations differ, the reference's tensors have another length and nothing can be injected.
    let fits = durations.is_none_or(|difference| difference.max_abs == 0.0);
    let injected = if theirs.inject.is_empty() || !fits { None } else { Some(ours.run(utterance, &theirs.inject)?) };
    let sample_rate_hz = ours.file().metadata().sample_rate_hz;
    let mut rows = Vec::new();
    let mut add = |stage: &str, x: &Array| -> Result<()> {
        let Some(difference) = theirs.tensors.difference(stage, x)? else { return Ok(()) };
        let audio = theirs.audio.as_ref().filter(|_| stage == AUDIO);
        let log_mel = audio.map(|audio| log_mel_l1(&x.values, audio, sample_rate_hz));
        let bounds = match theirs.bounds.get(stage) {
            Some(bound) => vec![*bound],
            None => bounds_of(stage, &utterance.delivery, bounds),
        };
        rows.push(row(stage, difference, log_mel, theirs, bounds));
        Ok(())
    };
    for (stage, x) in injected.as_ref().unwrap_or(&free).iter().filter(|(stage, _)| *stage != AUDIO) {
        add(stage, x)?;
    }
    if let Some(x) = injected.as_ref().and_then(|capture| capture.get(AUDIO)) {
        add(AUDIO_SOURCE, x)?;
    }
    if let Some(x) = free.get(AUDIO) {
        add(AUDIO, x)?;
    }
    Ok((rows, free))
}

fn row(stage: &str, difference: Difference, log_mel: Option<f64>, theirs: &Said, bounds: Vec<Bound>) -> Row {
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    Row {
        stage: stage.to_owned(),
        relative_l2: finite(difference.relative_l2),
        max_abs: finite(difference.max_abs),
        log_mel: log_mel.and_then(finite),
        floor: theirs.floors.get(stage).copied().unwrap_or_default(),
        bounds,
    }
}

/// What a stage is held to.
fn bounds_of(stage: &str, delivery: &Delivery, bounds: Bounds) -> Vec<Bound> {
    match (stage, delivery) {
        (DURATIONS, _) => vec![Bound::MaxAbs(0.0)],
        ("F0", _) => vec![Bound::RelativeL2(bounds.stage), Bound::MaxAbs(F0_BOUND_HZ)],
        (AUDIO_SOURCE, _) => vec![Bound::SnrDb(SOURCE_INJECTED_BOUND_DB)],
        (AUDIO, Delivery::Kokoro { .. }) => vec![Bound::SnrDb(NOISE_INJECTED_BOUND_DB)],
        (AUDIO, Delivery::Vits { .. }) => vec![Bound::MaxAbs(AUDIO_BOUND)],
        _ => vec![Bound::RelativeL2(bounds.stage)],
    }
}

fn line(utterance: &Utterance, rows: &[Row], capture: &Capture, sample_rate_hz: u32) -> Spoken {
    let of = |stage: &str| rows.iter().find(|row| row.stage == stage);
    Spoken {
        utterance: utterance.clone(),
        audio_s: capture.audio().len() as f64 / f64::from(sample_rate_hz),
        durations_equal: of(DURATIONS).is_some_and(|row| row.max_abs == Some(0.0)),
        within_bounds: rows.iter().all(Row::is_within),
        snr_db: of(AUDIO).and_then(Row::snr_db).filter(|db| db.is_finite()),
    }
}

/// Joins an utterance's rows to those of the others.
fn merge(stages: &mut Vec<Row>, rows: Vec<Row>) {
    if stages.is_empty() {
        *stages = rows;
        return;
    }
    for row in rows {
        match stages.iter_mut().find(|known| known.stage == row.stage) {
            Some(known) => *known = known.worse(&row),
            None => stages.push(row),
        }
    }
}

fn snr_db(relative_l2: f64) -> f64 {
    -20.0 * relative_l2.log10()
}
