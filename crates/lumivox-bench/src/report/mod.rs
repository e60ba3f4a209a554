//! A record for people.

mod html;
mod plot;
mod table;

pub use html::html;
pub use table::table;

use crate::record::{EngineResult, ModelRecord};

/// The titles of a model's engines, in the order in which they are shown. One engine may be there with several graphs.
fn engines(model: &ModelRecord) -> Vec<String> {
    let mut engines: Vec<String> = Vec::new();
    for title in model.results.iter().map(engine_title) {
        if !engines.contains(&title) {
            engines.push(title);
        }
    }
    engines
}

/// What a row's engine is: the graph or folder behind it, if there is one.
fn engine_title(result: &EngineResult) -> String {
    match &result.source {
        Some(source) => format!("{} ({source})", result.engine),
        None => result.engine.clone(),
    }
}

/// Bytes in MB as tables have them, with a plus where they came on top of what there was; empty where they are not known.
fn memory(result: &EngineResult) -> String {
    let sign = if result.peak_rss_is_added { "+" } else { "" };
    result.peak_rss_bytes.map_or("–".into(), |bytes| format!("{sign}{:.0} MB", bytes as f64 / 1e6))
}

/// Seconds, short ones in milliseconds.
fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// How long loading and the first run took, and what the texts' figures leave out.
fn warm_up(result: &EngineResult) -> String {
    format!(
        "{} {}: loaded in {}, first run {}",
        engine_title(result),
        result.version,
        seconds(result.load_s),
        seconds(result.first_run_s)
    )
}
