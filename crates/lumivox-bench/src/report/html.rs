//! A record as one HTML page: nothing is fetched, nothing runs, and it follows the reader's light or dark scheme.

use std::fmt::Write;

use super::plot::{escape, rtf_over_length, stage_times, ttfb_distribution};
use super::{engine_title, engines, memory, seconds, warm_up};
use crate::record::{ModelRecord, Record};

const STYLE: &str = include_str!("report.css");

/// The page.
pub fn html(record: &Record) -> String {
    let machine = &record.machine;
    let facts = format!(
        "{}, {} processors, {}, {}; {} threads; {} rounds behind {} warm-up runs of each text; {}",
        machine.processor,
        machine.processors,
        machine.isa,
        machine.system,
        record.threads,
        record.rounds,
        record.warm_up_runs,
        record.date
    );
    let mut body = format!(
        "<h1>lumivox {} bench</h1>\n<p class=\"note\">{}</p>\n<pre>{}</pre>\n",
        escape(&record.lumivox),
        escape(&facts),
        escape(&record.command)
    );
    record.models.iter().for_each(|model| body.push_str(&section(model)));
    let _ = writeln!(
        body,
        "<p class=\"note\">The bench itself took {:.2} % of the rounds' time. RTF: wall time by the length of the audio. TTFB: from ids to the first samples. \
         p95 of fewer than 20 rounds is the slowest one.</p>",
        100.0 * record.clock.overhead_share
    );
    // What the page may do is said in it: style, and nothing else.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>lumivox bench</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn section(model: &ModelRecord) -> String {
    let mut text = format!("<section>\n<h2>{}</h2>\n", escape(&model.model));
    if model.is_busy() {
        let share = 100.0 * model.others_share.unwrap_or_default();
        let _ = writeln!(
            text,
            "<p class=\"warning\">The machine was not idle: other processes had {share:.0} % of it. These figures are no measurement.</p>"
        );
    }
    text.push_str(&results(model));
    text.push_str(&legend(model));
    let figure =
        |caption: &str, svg: String| format!("<figure>\n<figcaption>{caption}</figcaption>\n{svg}\n</figure>\n");
    text.push_str(&figure(
        "RTF over the length of the text: medians, and the range of the rounds",
        rtf_over_length(model),
    ));
    text.push_str(&figure(
        "Time to the first audio: every round, median and 95th percentile",
        ttfb_distribution(model),
    ));
    for profile in &model.profiles {
        let caption = format!(
            "Time of each stage, text {} ({:.2} s of audio); the peak is {:.0} GFLOP/s, which algorithms with fewer multiplications than the definition has may pass",
            escape(&profile.text),
            profile.audio_s,
            profile.peak_gflops
        );
        text.push_str(&figure(&caption, stage_times(profile)));
    }
    text.push_str(&concurrency(model));
    text.push_str("</section>\n");
    text
}

fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: String = head.iter().map(|cell| format!("<th>{}</th>", escape(cell))).collect();
    let row = |cells: &Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<div class=\"wide\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n")
}

fn results(model: &ModelRecord) -> String {
    let head = [
        "characters",
        "engine",
        "audio",
        "total p50",
        "total p95",
        "TTFB p50",
        "TTFB p95",
        "RTF",
        "CPU s/s",
        "peak RSS",
        "copies",
        "× lumivox",
    ];
    let rows: Vec<_> = model
        .results
        .iter()
        .map(|result| {
            vec![
                result.characters.to_string(),
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
                result
                    .times_lumivox
                    .map_or("".into(), |times| format!("{:.2} ({:.2}–{:.2})", times.p50, times.min, times.max)),
            ]
        })
        .collect();
    let first = model.results.first().map(|result| result.text.as_str());
    let warm: String = model
        .results
        .iter()
        .filter(|result| Some(result.text.as_str()) == first)
        .map(|result| format!("<li>{}</li>\n", escape(&warm_up(result))))
        .collect();
    let added = if model.results.iter().any(|result| result.peak_rss_is_added) {
        "<p class=\"note\">Peak RSS with a plus is beyond what the process had before that engine was loaded.</p>\n"
    } else {
        ""
    };
    format!("{}<ul class=\"note\">\n{warm}</ul>\n{added}", table(&head, &rows))
}

fn legend(model: &ModelRecord) -> String {
    let entry = |(place, engine): (usize, String)| {
        format!(
            "<span><svg viewBox=\"0 0 10 10\" class=\"key\"><circle cx=\"5\" cy=\"5\" r=\"4\" class=\"dot e{place}\"/></svg>{}</span>",
            escape(&engine)
        )
    };
    let entries: String = engines(model).into_iter().enumerate().map(entry).collect();
    format!("<p class=\"legend\">{entries}</p>\n")
}

fn concurrency(model: &ModelRecord) -> String {
    if model.concurrency.is_empty() {
        return String::new();
    }
    let head = [
        "text",
        "parallel",
        "requests",
        "audio s/s",
        "requests/s",
        "TTFB p50",
        "TTFB p95",
        "latency p50",
        "latency p95",
    ];
    let rows: Vec<_> = model
        .concurrency
        .iter()
        .map(|found| {
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
        })
        .collect();
    format!("<h3>Requests in parallel, streamed</h3>\n{}", table(&head, &rows))
}
