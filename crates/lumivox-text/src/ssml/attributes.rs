//! Values of attributes.

/// The longest pause, in seconds.
const LONGEST_PAUSE_S: f32 = 60.0;
/// Rates within which models can be heard.
const RATES: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// `500ms`, `1.5s`: seconds.
pub(super) fn time(value: &str) -> Result<f32, String> {
    let value = value.trim();
    let (number, factor) = match value.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (value.strip_suffix('s').unwrap_or("?"), 1.0),
    };
    let seconds = number.parse::<f32>().ok().map(|number| number * factor);
    let wrong = || format!("`{value}` is no time; write `500ms` or `1.5s`, at most 60 s");
    seconds.filter(|seconds| (0.0..=LONGEST_PAUSE_S).contains(seconds)).ok_or_else(wrong)
}

/// The pause of a `strength`, in seconds.
pub(super) fn strength(value: &str) -> Result<f32, String> {
    Ok(match value.trim() {
        "none" => 0.0,
        "x-weak" => 0.1,
        "weak" => 0.25,
        "medium" => 0.5,
        "strong" => 0.8,
        "x-strong" => 1.2,
        other => {
            return Err(format!("`{other}` is no strength of a break: none, x-weak, weak, medium, strong or x-strong"));
        }
    })
}

/// A rate: a word, `120%`, `+20%`, or a factor.
pub(super) fn rate(value: &str) -> Result<f32, String> {
    let value = value.trim();
    let percent = |number: &str| number.parse::<f32>().ok().map(|number| number / 100.0);
    let rate = match (value, value.strip_suffix('%')) {
        ("x-slow", _) => Some(0.5),
        ("slow", _) => Some(0.75),
        ("medium" | "default", _) => Some(1.0),
        ("fast", _) => Some(1.33),
        ("x-fast", _) => Some(1.75),
        (_, Some(number)) if number.starts_with(['+', '-']) => percent(number).map(|change| 1.0 + change),
        (_, Some(number)) => percent(number),
        (number, None) => number.parse().ok(),
    };
    let wrong = || {
        format!(
            "`{value}` is no rate: x-slow, slow, medium, fast, x-fast, `120%`, `+20%` or a factor, from 0.25 to 4 in all"
        )
    };
    rate.filter(|rate| RATES.contains(rate)).ok_or_else(wrong)
}
