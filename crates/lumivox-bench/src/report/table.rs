//! A record as text tables.

use super::{engine_title, memory, seconds, warm_up};
use crate::record::{Concurrency, ModelRecord, Profile, Record};

/// Stages below this share of the time are one line together.
const LEAST_SHARE: f64 = 0.01;

/// The whole record for a terminal.
pub fn table(record: &Record) -> String {
    let machine = &record.machine;
    let mut text = format!(
        "lumivox {} on {}, {} processors, {}, {}; {} thread{}, {} rounds behind {} warm-up run{} of each text\n",
        record.lumivox,
        machine.processor,
        machine.processors,
        machine.isa,
        machine.device,
        record.threads,
        if record.threads == 1 { "" } else { "s" },
        record.rounds,
        record.warm_up_runs,
        if record.warm_up_runs == 1 { "" } else { "s" },
    );
    for model in &record.models {
        text.push_str(&format!("\n{} ({}, {} Hz)\n", model.model, model.family, model.sample_rate_hz));
        text.push_str(&results(model));
        text.push_str(&concurrency(&model.concurrency));
        model.profiles.iter().for_each(|profile| text.push_str(&stages(profile)));
        if model.is_busy() {
            let share = 100.0 * model.others_share.unwrap_or_default();
            text.push_str(&format!(
                "THE MACHINE WAS NOT IDLE: other processes had {share:.0} % of it; these figures are no measurement\n"
            ));
        }
    }
    text.push_str(&format!(
        "\nthe bench itself took {:.2} % of the rounds' time\n",
        100.0 * record.clock.overhead_share
    ));
    text
}

fn results(model: &ModelRecord) -> String {
    let compared = model.results.iter().any(|result| result.times_lumivox.is_some());
    let mut head =
        vec!["text", "engine", "audio", "total p50", "p95", "TTFB p50", "p95", "RTF", "CPU s/s", "peak RSS", "copies"];
    head.extend(compared.then_some("× lumivox"));
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for result in &model.results {
        let mut row = vec![
            format!("{} chars", result.characters),
            engine_title(result),
            format!("{:.2} s", result.audio_s),
            seconds(result.wall_s.p50),
            seconds(result.wall_s.p95),
            seconds(result.ttfb_s.p50),
            seconds(result.ttfb_s.p95),
            format!("{:.3}", result.rtf.p50),
            format!("{:.3}", result.cpu_s_per_audio_s.p50),
            memory(result),
            result.host_device_copies.to_string(),
        ];
        row.extend(result.times_lumivox.map(|times| format!("{:.2} ({:.2}-{:.2})", times.p50, times.min, times.max)));
        rows.push(row);
    }
    let mut text = aligned(&rows, 2);
    let first = model.results.first().map(|result| result.text.as_str());
    for result in model.results.iter().filter(|result| Some(result.text.as_str()) == first) {
        text.push_str(&format!("  {}\n", warm_up(result)));
    }
    if model.results.iter().any(|result| result.peak_rss_is_added) {
        text.push_str("  peak RSS with a plus is beyond what the process had before that engine was loaded\n");
    }
    text
}

fn concurrency(found: &[Concurrency]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let head = ["text", "parallel", "requests", "audio s/s", "requests/s", "TTFB p50", "p95", "latency p50", "p95"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|found| {
        vec![
            found.text.clone(),
            found.parallel.to_string(),
            found.requests.to_string(),
            format!("{:.2}", found.audio_s_per_s),
            format!("{:.2}", found.requests_per_s),
            seconds(found.ttfb_s.p50),
            seconds(found.ttfb_s.p95),
            seconds(found.latency_s.p50),
            seconds(found.latency_s.p95),
        ]
    }));
    format!("\n  requests in parallel, streamed:\n{}", aligned(&rows, 0))
}

fn stages(profile: &Profile) -> String {
    let head = ["stage", "time", "share", "GFLOP", "GFLOP/s", "of peak"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let row = |name: String, seconds: f64, share: f64, gflop: f64, gflops: f64, of_peak: f64| {
        let some = |value: f64, text: String| if value > 0.0 { text } else { "–".into() };
        vec![
            name,
            format!("{:.2} ms", seconds * 1e3),
            format!("{:.1} %", 100.0 * share),
            some(gflop, format!("{gflop:.3}")),
            some(gflop, format!("{gflops:.0}")),
            some(gflop, format!("{:.0} %", 100.0 * of_peak)),
        ]
    };
    let sum = |part: &dyn Fn(f64) -> bool, name: &str| {
        let chosen = profile.stages.iter().filter(|stage| part(stage.share));
        let [seconds, share, gflop] =
            chosen.fold([0.0; 3], |[a, b, c], stage| [a + stage.seconds, b + stage.share, c + stage.gflop]);
        let gflops = if seconds > 0.0 { gflop / seconds } else { 0.0 };
        row(name.into(), seconds, share, gflop, gflops, gflops / profile.peak_gflops)
    };
    for stage in profile.stages.iter().filter(|stage| stage.share >= LEAST_SHARE) {
        rows.push(row(stage.name.clone(), stage.seconds, stage.share, stage.gflop, stage.gflops, stage.share_of_peak));
    }
    rows.push(sum(&|share| share < LEAST_SHARE, "stages below 1 %"));
    rows.push(sum(&|_| true, "all"));
    format!(
        "\n  stages of text {} ({:.2} s of audio; multiply-add peak {:.0} GFLOP/s, which fewer multiplications than the definition's may pass):\n{}",
        profile.text,
        profile.audio_s,
        profile.peak_gflops,
        aligned(&rows, 1)
    )
}

/// Rows with columns as wide as their widest cell, the first `texts` to the left and the others to the right.
fn aligned(rows: &[Vec<String>], texts: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let padded = if column < texts { format!(" {cell:<width$} ") } else { format!(" {cell:>width$} ") };
            line.push_str(&padded);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
