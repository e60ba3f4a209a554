//! A page that needs no other file.

use std::fmt::Write;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Panels;
use super::image::Image;
use crate::compare::{Bound, Row};
use crate::receipt::Receipt;
use crate::report;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}figure{margin:1em 0}img{width:100%;display:block;image-rendering:pixelated}\
figcaption{color:#555}.fade{position:relative}.fade img+img{position:absolute;inset:0;opacity:.5}input{width:100%}\
table{border-collapse:collapse;width:100%}th,td{padding:.15em .6em;text-align:right;border-bottom:1px solid #ddd}\
th:first-child,td:first-child{text-align:left}.outside{color:#b00020;font-weight:600}.within{color:#0a6b2d}svg text{font:12px system-ui,sans-serif}";

/// Fades from one spectrogram to the other.
const SCRIPT: &str = "\
const slider=document.getElementById('fade'),upper=document.getElementById('upper');\
slider.addEventListener('input',()=>{upper.style.opacity=slider.value/100});";

/// The page.
pub(super) fn page(panels: &Panels, receipt: &Receipt) -> Result<Vec<u8>> {
    let title = format!("{} and {}", receipt.model.path.display(), receipt.reference.path.display());
    let class = if receipt.within_bounds { "within" } else { "outside" };
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    write!(page, "<title>Parity of {}</title><style>{STYLE}</style>", escape(&title))?;
    // Otherwise a browser asks the server for one.
    page.push_str("<link rel=\"icon\" href=\"data:,\"></head><body>");
    write!(page, "<h1>Parity of {}</h1>", escape(&title))?;
    write!(page, "<p class=\"{class}\" id=\"verdict\">{}</p>", escape(report::verdict(&receipt.comparison).trim()))?;
    write!(
        page,
        "<p>{}; {}, {} processors; lumivox {}.</p>",
        escape(&receipt.reference.runtime),
        escape(&receipt.machine.cpu),
        receipt.machine.processors,
        receipt.lumivox
    )?;
    for note in &receipt.comparison.notes {
        write!(page, "<p>{}.</p>", escape(note))?;
    }
    write!(page, "<h2>Spectrograms, {:.2} s</h2>", panels.seconds)?;
    write!(
        page,
        "<figure><div class=\"fade\"><img alt=\"reference\" src=\"{}\"><img id=\"upper\" alt=\"lumivox\" src=\"{}\"></div>\
         <input id=\"fade\" type=\"range\" min=\"0\" max=\"100\" value=\"50\" aria-label=\"from the reference to lumivox\">\
         <figcaption>left the reference alone, right lumivox alone</figcaption></figure>",
        data(&panels.theirs)?,
        data(&panels.ours)?
    )?;
    for (label, panel) in panels.labelled().into_iter().skip(2) {
        let label = escape(&label);
        write!(
            page,
            "<figure><img alt=\"{label}\" src=\"{}\"><figcaption>{label}</figcaption></figure>",
            data(panel)?
        )?;
    }
    write!(page, "<h2>Relative L2 difference of each stage</h2>{}", chart(&receipt.comparison.stages)?)?;
    write!(page, "<h2>Figures</h2>{}", table(&receipt.comparison.stages)?)?;
    writeln!(page, "<script>{SCRIPT}</script></body></html>")?;
    Ok(page.into_bytes())
}

fn data(image: &Image) -> Result<String> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(image.png()?)))
}

/// Powers of ten that the chart spans.
const DECADES: std::ops::RangeInclusive<i32> = -8..=0;
const ROW: f64 = 18.0;
const LABEL: f64 = 120.0;
const BARS: f64 = 780.0;

/// A bar a stage on a logarithmic scale, with the bound as a line and the floor of threads as a dot.
fn chart(rows: &[Row]) -> Result<String> {
    let height = ROW * (rows.len() + 1) as f64;
    let width = LABEL + BARS + 40.0;
    let x = |value: f64| {
        let share =
            (value.max(1e-30).log10() - f64::from(*DECADES.start())) / f64::from(DECADES.end() - DECADES.start());
        LABEL + BARS * share.clamp(0.0, 1.0)
    };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"relative L2 difference of each stage\">"
    );
    for decade in DECADES {
        let at = x(10f64.powi(decade));
        write!(svg, "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{:.1}\" stroke=\"#ddd\"/>", height - ROW)?;
        write!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">1e{decade}</text>", height - 4.0)?;
    }
    for (i, row) in rows.iter().enumerate() {
        let y = ROW * i as f64;
        let colour = if row.is_within() { "#3b7dd8" } else { "#b00020" };
        let middle = y + ROW / 2.0;
        write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LABEL - 6.0,
            y + 13.0,
            escape(&row.stage)
        )?;
        let end = x(row.relative_l2.unwrap_or(1.0));
        write!(
            svg,
            "<rect x=\"{LABEL}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
            y + 3.0,
            end - LABEL,
            ROW - 6.0
        )?;
        if let Some(floor) = row.floor.threads {
            write!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"3\" fill=\"#e09000\"><title>floor</title></circle>",
                x(floor)
            )?;
        }
        if let Some(bound) = row.bounds.iter().find_map(relative) {
            let at = x(bound);
            write!(
                svg,
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{y:.1}\" y2=\"{:.1}\" stroke=\"#222\" stroke-width=\"2\"/>",
                y + ROW
            )?;
        }
    }
    svg.push_str("</svg><p>Line: the bound. Dot: the reference against itself on another number of threads.</p>");
    Ok(svg)
}

/// A bound as a relative difference, where it is one.
fn relative(bound: &Bound) -> Option<f64> {
    match bound {
        Bound::RelativeL2(most) => Some(*most),
        Bound::SnrDb(least) => Some(10f64.powf(-least / 20.0)),
        Bound::MaxAbs(_) => None,
    }
}

fn table(rows: &[Row]) -> Result<String> {
    let mut table = String::from(
        "<table><tr><th>stage</th><th>relative L2</th><th>max |Δ|</th><th>SNR, dB</th><th>log-mel</th><th>floor: threads</th><th>seeds</th><th>bound</th></tr>",
    );
    let figure = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.1e}"));
    for row in rows {
        let class = if row.is_within() { "" } else { " class=\"outside\"" };
        let bounds = row.bounds.iter().map(|bound| report::describe(*bound)).collect::<Vec<_>>().join(", ");
        write!(
            table,
            "<tr{class}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&row.stage),
            figure(row.relative_l2),
            figure(row.max_abs),
            row.snr_db().map_or("–".into(), |db| if db.is_finite() { format!("{db:.1}") } else { "exact".into() }),
            row.log_mel.map_or(String::new(), |x| format!("{x:.4}")),
            row.floor.threads.map_or(String::new(), |x| figure(Some(x))),
            row.floor.seed.map_or(String::new(), |x| figure(Some(x))),
            escape(&bounds)
        )?;
    }
    table.push_str("</table>");
    Ok(table)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
