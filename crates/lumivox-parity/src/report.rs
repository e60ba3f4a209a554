//! The comparison as a table for terminals.

use std::fmt::Write;

use crate::compare::{Bound, Comparison, Row, Spoken};
use crate::receipt::Receipt;

const HEAD: [&str; 8] = ["stage", "relative L2", "max |Δ|", "SNR, dB", "log-mel", "floor: threads", "seeds", "bound"];

/// The whole report: who was compared, the stages, the utterances, the verdict.
pub fn text(receipt: &Receipt) -> String {
    let Receipt { model, reference, comparison, .. } = receipt;
    let mut text = String::new();
    let _ = writeln!(text, "model      {} ({})", model.path.display(), &model.sha256[..12.min(model.sha256.len())]);
    let hash = &reference.sha256[..12.min(reference.sha256.len())];
    let _ = writeln!(text, "reference  {} ({hash}), {}", reference.path.display(), reference.runtime);
    for note in &comparison.notes {
        let _ = writeln!(text, "note       {note}");
    }
    text.push('\n');
    text.push_str(&stages(&comparison.stages));
    text.push('\n');
    text.push_str(&utterances(&comparison.utterances));
    text.push('\n');
    text.push_str(&verdict(comparison));
    text
}

/// What the comparison comes to, in a sentence.
pub fn verdict(comparison: &Comparison) -> String {
    match comparison.first_outside() {
        None => {
            format!("within bounds: {} stages, {} utterances\n", comparison.stages.len(), comparison.utterances.len())
        }
        Some(row) => {
            let others = comparison.stages.iter().filter(|row| !row.is_within()).count() - 1;
            format!("outside its bound first: {}, and {others} stages behind it\n", row.stage)
        }
    }
}

/// A row a stage.
fn stages(rows: &[Row]) -> String {
    let mut cells = vec![HEAD.map(String::from).to_vec()];
    cells.extend(rows.iter().map(|row| {
        let bounds = row.bounds.iter().map(|bound| describe(*bound)).collect::<Vec<_>>().join(", ");
        let mark = if row.is_within() { "" } else { "  OUTSIDE" };
        vec![
            row.stage.clone(),
            figure(row.relative_l2),
            figure(row.max_abs),
            row.snr_db().map_or_else(|| "-".into(), decibels),
            row.log_mel.map(|x| format!("{x:.4}")).unwrap_or_default(),
            row.floor.threads.map(|x| figure(Some(x))).unwrap_or_default(),
            floor_of_seeds(row),
            format!("{bounds}{mark}"),
        ]
    }));
    table(&cells)
}

/// Another seed's difference, in dB where that is what the row is held to.
fn floor_of_seeds(row: &Row) -> String {
    let Some(seed) = row.floor.seed else { return String::new() };
    match row.floor.seed_log_mel {
        Some(log_mel) => format!("{} dB, {log_mel:.4}", decibels(-20.0 * seed.log10())),
        None => figure(Some(seed)),
    }
}

fn utterances(spoken: &[Spoken]) -> String {
    let mut cells = vec![["utterance", "ids", "seconds", "durations", "audio, dB", ""].map(String::from).to_vec()];
    cells.extend(spoken.iter().map(|spoken| {
        vec![
            spoken.utterance.name.clone(),
            spoken.utterance.ids.len().to_string(),
            format!("{:.2}", spoken.audio_s),
            if spoken.durations_equal { "equal" } else { "DIFFER" }.into(),
            spoken.snr_db.map_or_else(|| "-".into(), decibels),
            if spoken.within_bounds { "" } else { "OUTSIDE" }.into(),
        ]
    }));
    table(&cells)
}

/// A bound in a few characters.
pub fn describe(bound: Bound) -> String {
    match bound {
        Bound::RelativeL2(most) => format!("L2 ≤ {most:.0e}"),
        Bound::MaxAbs(0.0) => "equal".into(),
        Bound::MaxAbs(most) => format!("|Δ| ≤ {most:.0e}"),
        Bound::SnrDb(least) => format!("≥ {least:.0} dB"),
    }
}

fn figure(x: Option<f64>) -> String {
    match x {
        None => "-".into(),
        Some(0.0) => "0".into(),
        Some(x) => format!("{x:.1e}"),
    }
}

fn decibels(db: f64) -> String {
    if db.is_finite() { format!("{db:.1}") } else { "exact".into() }
}

/// Columns as wide as their widest cell: the first and the last to the left, the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blank = " ".repeat(width - cell.chars().count());
            let (before, after) = if column == 0 || column + 1 == columns { ("", &*blank) } else { (&*blank, "") };
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
