//! SubRip subtitles (.srt): a number, a line with two times, and lines of text, with an empty line behind.

use crate::error::{Error, Result};
use crate::{Content, Cue, Document, xml};

/// What stands between the times.
const ARROW: &str = "-->";

/// Reads subtitles; those that have no text are left out.
pub fn read(source: &str) -> Result<Document> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_time = |number: usize| lines[number].contains(ARROW);
    let times: Vec<usize> = (0..lines.len()).filter(|&number| is_time(number)).collect();
    let first = times.first().copied().unwrap_or(lines.len());
    if let Some(line) = (0..first).find(|&number| !lines[number].is_empty() && !is_number(lines[number])) {
        return Err(Error::SubRip {
            line: line + 1,
            reason: "there should be a cue's number or its times, such as `00:00:01,000 --> 00:00:02,500`",
        });
    }
    let mut cues = Vec::new();
    for (i, &time) in times.iter().enumerate() {
        let (start_s, end_s) = times_of(lines[time]).ok_or(Error::SubRip {
            line: time + 1,
            reason: "the times can't be read; they look like `00:00:01,000 --> 00:00:02,500`",
        })?;
        let mut end = times.get(i + 1).copied().unwrap_or(lines.len());
        // The next cue's number, if it stands behind an empty line: else it is text of this one.
        if end < lines.len()
            && end - time > 1
            && is_number(lines[end - 1])
            && (end - time == 2 || lines[end - 2].is_empty())
        {
            end -= 1;
        }
        let text = plain(&lines[time + 1..end].join("\n"));
        if !text.is_empty() {
            cues.push(Cue { start_s, end_s, text });
        }
    }
    cues.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    Ok(Document { title: None, content: Content::Cues(cues), notes: Vec::new() })
}

fn is_number(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// The times of a line such as `00:00:01,000 --> 00:00:02,500 X1:40`.
fn times_of(line: &str) -> Option<(f64, f64)> {
    let (start, end) = line.split_once(ARROW)?;
    let (start_s, end_s) = (seconds(start.trim())?, seconds(end.split_whitespace().next()?)?);
    (end_s >= start_s).then_some((start_s, end_s))
}

/// Hours, minutes, seconds and, behind a comma or a point, milliseconds.
fn seconds(clock: &str) -> Option<f64> {
    let (whole, fraction) = clock.split_once([',', '.']).unwrap_or((clock, "0"));
    let mut parts = whole.split(':').map(|part| is_number(part).then(|| part.parse::<u32>().ok()).flatten());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || minutes > 59 || seconds > 59 || !is_number(fraction) {
        return None;
    }
    let fraction_s: f64 = format!("0.{fraction}").parse().ok()?;
    Some(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + f64::from(seconds) + fraction_s)
}

/// The text in one line, without tags (`<i>`) and places (`{\an8}`).
fn plain(text: &str) -> String {
    let mut rest = text;
    let mut bare = String::new();
    while let Some(start) = rest.find("{\\") {
        let end = rest[start..].find('}').map_or(rest.len(), |end| start + end + 1);
        bare.push_str(&rest[..start]);
        rest = &rest[end..];
    }
    bare.push_str(rest);
    // What only looks like markup is text.
    let bare = xml::parse(&bare).map_or(bare, |tree| tree.text());
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_and_odd_ones_refused() {
        assert_eq!(times_of("01:02:03,045 --> 01:02:03.5 X1:40"), Some((3723.045, 3723.5)));
        assert_eq!(times_of("00:00:01 --> 00:00:02,5"), Some((1.0, 2.5)));
        for bad in
            ["00:61:01,000 --> 01:02:03,500", "00:00:02,000 --> 00:00:01,000", "1 --> 2", "00:00:0x,0 --> 00:00:02,0"]
        {
            assert_eq!(times_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn markup_goes_and_comparisons_stay() {
        assert_eq!(plain("{\\an8}<i>Hello,</i>\n<font color=\"#fff\">you</font> &amp; me"), "Hello, you & me");
        assert_eq!(plain("1 < 2"), "1 < 2");
    }
}
