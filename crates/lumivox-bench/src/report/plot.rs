//! Plots as inline SVG: shapes have classes, colours come from the page, and every mark tells its figure when pointed at.

use std::fmt::Write;

use super::{engine_title, engines, seconds};
use crate::record::{ModelRecord, Profile};

const WIDTH: f64 = 720.0;
/// Room for the names on the left, and for the axis below.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 30.0;
const RIGHT: f64 = 16.0;
/// Stages that are drawn; the others are one bar together.
const MOST_STAGES: usize = 24;

/// Text for HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Steps of an axis from 0 that passes `most`: 1, 2 or 5 times a power of ten, some five of them.
fn ticks(most: f64) -> Vec<f64> {
    let rough = most.max(1e-12) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    let count = (most / step).ceil().max(1.0) as usize;
    (0..=count).map(|i| i as f64 * step).collect()
}

/// A number as short as it can be told from its neighbours on an axis.
fn tick_label(value: f64, step: f64) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

/// A plot in the making, its vertical axis from 0 to `most`.
struct Plot {
    svg: String,
    height: f64,
    most: f64,
}

impl Plot {
    fn new(title: &str, height: f64, most: f64, unit: &str) -> Self {
        let ticks = ticks(most);
        let most = ticks.last().copied().unwrap_or(1.0);
        let mut plot = Self { svg: open(title, height), height, most };
        let step = ticks.get(1).copied().unwrap_or(1.0);
        for value in ticks {
            let y = plot.y(value);
            plot.line(LEFT, y, WIDTH - RIGHT, y, "grid");
            plot.text(LEFT - 8.0, y + 4.0, &tick_label(value, step), "note end");
        }
        plot.text(LEFT, 10.0, unit, "note");
        plot
    }

    fn y(&self, value: f64) -> f64 {
        self.height - BOTTOM - value / self.most * (self.height - BOTTOM - TOP)
    }

    fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        let _ = write!(self.svg, r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#);
    }

    fn text(&mut self, x: f64, y: f64, text: &str, class: &str) {
        let _ = write!(self.svg, r#"<text x="{x:.1}" y="{y:.1}" class="{class}">{}</text>"#, escape(text));
    }

    fn dot(&mut self, x: f64, y: f64, radius: f64, class: &str, title: &str) {
        let title = escape(title);
        let _ = write!(
            self.svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" class="{class}"><title>{title}</title></circle>"#
        );
    }

    fn finish(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

fn open(title: &str, height: f64) -> String {
    let title = escape(title);
    format!(r#"<svg viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">"#)
}

/// RTF over the length of the text, a line for each engine; the bars are the range of the rounds.
pub(super) fn rtf_over_length(model: &ModelRecord) -> String {
    let most = model.results.iter().map(|result| result.rtf.max).fold(0.0, f64::max);
    let longest = model.results.iter().map(|result| result.characters).max().unwrap_or(1) as f64;
    let mut plot =
        Plot::new("RTF over the length of the text", 280.0, most, "RTF (seconds of computing for a second of audio)");
    // The shortest and the longest text shall not sit on the frame.
    let x = |characters: usize| LEFT + 24.0 + characters as f64 / longest * (WIDTH - RIGHT - LEFT - 48.0);
    let baseline = plot.y(0.0);
    let mut labelled: Vec<usize> = Vec::new();
    for (place, engine) in engines(model).into_iter().enumerate() {
        let rows: Vec<_> = model.results.iter().filter(|result| engine_title(result) == engine).collect();
        let points: Vec<String> =
            rows.iter().map(|row| format!("{:.1},{:.1}", x(row.characters), plot.y(row.rtf.p50))).collect();
        let _ = write!(plot.svg, r#"<polyline points="{}" class="line e{place}"/>"#, points.join(" "));
        for row in rows {
            let (at, middle) = (x(row.characters), plot.y(row.rtf.p50));
            let (low, high) = (plot.y(row.rtf.min), plot.y(row.rtf.max));
            plot.line(at, low, at, high, &format!("range e{place}"));
            let title = format!(
                "{engine}, {} characters: RTF {:.3} ({:.3}-{:.3})",
                row.characters, row.rtf.p50, row.rtf.min, row.rtf.max
            );
            plot.dot(at, middle, 4.0, &format!("dot e{place}"), &title);
            if !labelled.contains(&row.characters) {
                labelled.push(row.characters);
                plot.text(at, baseline + 16.0, &row.characters.to_string(), "note middle");
            }
        }
    }
    plot.text(WIDTH / 2.0, baseline + 36.0, "characters", "note middle");
    plot.finish()
}

/// The time to the first audio of every round, text by text and engine by engine; the line is the median, the dash the 95th percentile.
pub(super) fn ttfb_distribution(model: &ModelRecord) -> String {
    let most = model.results.iter().map(|result| result.ttfb_s.max).fold(0.0, f64::max);
    let mut plot = Plot::new("Time to the first audio", 280.0, most, "seconds to the first audio");
    let engines = engines(model);
    let slot = (WIDTH - RIGHT - LEFT) / model.results.len().max(1) as f64;
    let baseline = plot.y(0.0);
    for (place, result) in model.results.iter().enumerate() {
        let centre = LEFT + (place as f64 + 0.5) * slot;
        let engine = engines.iter().position(|engine| *engine == engine_title(result)).unwrap_or(0);
        let half = (slot * 0.32).min(28.0);
        let (median, late) = (plot.y(result.ttfb_s.p50), plot.y(result.ttfb_s.p95));
        plot.line(centre - half, median, centre + half, median, &format!("median e{engine}"));
        plot.line(centre - half / 2.0, late, centre + half / 2.0, late, &format!("range e{engine}"));
        let rounds = result.runs.len().max(2) - 1;
        for run in &result.runs {
            let at = centre + half * 0.8 * (2.0 * run.round as f64 / rounds as f64 - 1.0);
            let title = format!(
                "{}, {} characters, round {}: {}",
                result.engine,
                result.characters,
                run.round + 1,
                seconds(run.ttfb_s)
            );
            let y = plot.y(run.ttfb_s);
            plot.dot(at, y, 3.0, &format!("dot e{engine}"), &title);
        }
        if engine == 0 {
            let middle = centre + (engines.len() as f64 - 1.0) * slot / 2.0;
            plot.text(middle, baseline + 16.0, &format!("{} characters", result.characters), "note middle");
        }
    }
    plot.finish()
}

/// A bar for each stage, as long as its time; what is behind it is its speed.
pub(super) fn stage_times(profile: &Profile) -> String {
    let (bar, gap, name, value) = (14.0, 5.0, 130.0, 240.0);
    let mut order: Vec<_> = profile.stages.iter().collect();
    order.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let (drawn, rest) = order.split_at(order.len().min(MOST_STAGES));
    let others: f64 = rest.iter().map(|stage| stage.seconds).sum();
    let most = drawn.first().map_or(1e-9, |stage| stage.seconds).max(others).max(1e-9);
    let height = (drawn.len() + usize::from(!rest.is_empty())) as f64 * (bar + gap) + 8.0;
    let mut plot = Plot { svg: open("Time of each stage", height), height, most };
    let mut y = 4.0;
    let mut draw = |label: &str, seconds: f64, figures: &str| {
        let length = seconds / most * (WIDTH - name - value);
        plot.text(name - 8.0, y + 11.0, label, "label end");
        let title = escape(&format!("{label}: {:.2} ms", seconds * 1e3));
        let _ = write!(
            plot.svg,
            r#"<rect x="{name}" y="{y:.1}" width="{length:.1}" height="{bar}" rx="2" class="bar"><title>{title}</title></rect>"#
        );
        plot.text(name + length + 8.0, y + 11.0, figures, "note");
        y += bar + gap;
    };
    for stage in drawn {
        let speed = if stage.gflop > 0.0 {
            format!(", {:.0} GFLOP/s, {:.0} % of peak", stage.gflops, 100.0 * stage.share_of_peak)
        } else {
            String::new()
        };
        draw(&stage.name, stage.seconds, &format!("{:.1} ms{speed}", stage.seconds * 1e3));
    }
    if !rest.is_empty() {
        draw(&format!("{} others", rest.len()), others, &format!("{:.1} ms", others * 1e3));
    }
    plot.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_pass_their_values_in_round_steps() {
        assert_eq!(ticks(0.43), [0.0, 0.1, 0.2, 0.30000000000000004, 0.4, 0.5]);
        assert_eq!(ticks(9.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!(*ticks(0.0).last().unwrap() > 0.0);
        assert_eq!([tick_label(0.30000000000000004, 0.1), tick_label(20.0, 10.0)], ["0.3", "20"]);
    }

    #[test]
    fn names_can_not_become_markup() {
        assert_eq!(escape(r#"<a b="c">&"#), "&lt;a b=&quot;c&quot;&gt;&amp;");
    }
}
