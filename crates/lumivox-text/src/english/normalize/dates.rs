//! Dates and times of day.

use regex::Regex;

use super::{Match, Place, Say, pattern};
use crate::english::Dialect;
use crate::english::numbers::{cardinal, ordinal, year};
use crate::error::Result;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) struct Rules {
    iso: Regex,
    slashed: Regex,
    clock: Regex,
    /// "5.30 pm": a point is that of a time only before a.m. and p.m.
    british_clock: Regex,
    ratio: Regex,
    hour: Regex,
    hour_before: Regex,
    zone: Regex,
    day_before_month: Regex,
    day: Regex,
}

/// The number (0-11) of a month's name or abbreviation; in small letters only of a whole name that is no other word, too.
pub(super) fn month(word: &str) -> Option<usize> {
    let word = word.trim_end_matches('.');
    let small = |month: &str| word.len() > 3 && word != "march" && month.to_lowercase() == word;
    MONTHS.iter().position(|m| {
        *m == word || small(m) || (word.len() == 3 && m.starts_with(word)) || (word == "Sept" && *m == MONTHS[8])
    })
}

impl Rules {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            iso: pattern(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})")?,
            slashed: pattern(r"([0-9]{1,2})([/.])([0-9]{1,2})[/.]([0-9]{4}|[0-9]{2})")?,
            clock: pattern(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp])(?:\.[Mm](?:\.|\b)|[Mm]\b))?")?,
            british_clock: pattern(r"([0-9]{1,2})\.([0-5][0-9]) ?([AaPp])(?:\.[Mm](?:\.|\b)|[Mm]\b)")?,
            ratio: pattern(r"([0-9]{1,3}):([0-9]{1,3})")?,
            hour: pattern(r"([0-9]{1,2}) ?([AaPp])(?:\.[Mm](?:\.|\b)|[Mm]\b)")?,
            hour_before: pattern(r"([0-9]{1,2}) ?[-–—] ?")?,
            zone: pattern(r"(UTC|GMT) ?([-−–+])([0-9]{1,2})(?::?([0-9]{2}))?")?,
            day_before_month: pattern(r"([0-9]{1,2})(?:st|nd|rd|th)?( of)? ([A-Za-z][a-z]{2,8})\b")?,
            day: pattern(r"([0-9]{1,2})(?:st|nd|rd|th)?")?,
        })
    }

    pub(super) fn read(&self, place: &Place<'_>) -> Match {
        if !place.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.date(place).or_else(|| self.day(place)).or_else(|| self.times(place))
    }

    /// "UTC-5", "GMT+5:30".
    pub(super) fn zone(&self, place: &Place<'_>) -> Match {
        let found = self.zone.captures(place.rest).filter(|f| place.ends_at(f[0].len()))?;
        let sign = if &found[2] == "+" { "plus" } else { "minus" };
        let mut words = format!("{sign} {}", cardinal(&found[3], place.dialect));
        if let Some(minutes) = found.get(4).filter(|m| m.as_str() != "00") {
            words += &format!(" {}", cardinal(minutes.as_str(), place.dialect));
        }
        Some((found[0].len(), vec![Say::Letters(found[1].to_owned()), Say::Words(words)]))
    }

    /// A time, or two with a dash between.
    fn times(&self, place: &Place<'_>) -> Match {
        // "9-5:30", "5-6pm": only the second is written as a time.
        if let Some(hour) = self.hour_before.captures(place.rest)
            && let Some((length, until)) = self.time(&Place { rest: &place.rest[hour[0].len()..], ..*place })
        {
            let mut say = Say::words(format!("{} to", cardinal(&hour[1], place.dialect)));
            say.extend(until);
            return Some((hour[0].len() + length, say));
        }
        let (length, mut say) = self.time(place)?;
        let rest = &place.rest[length..];
        if let Some(after) = rest.strip_prefix(['-', '–'])
            && self.clock.is_match(after)
            && let Some((second, until)) = self.time(&Place { rest: after, ..*place })
        {
            say.push(Say::Words("to".to_owned()));
            say.extend(until);
            return Some((length + rest.len() - after.len() + second, say));
        }
        place.ends_or_joins_at(length).then_some((length, say))
    }

    fn date(&self, place: &Place<'_>) -> Match {
        let (found, y, m, d) = if let Some(found) = self.iso.captures(place.rest) {
            let (y, m, d) = (found.get(1)?, found.get(2)?, found.get(3)?);
            (found.get(0)?, y.as_str(), m.as_str(), d.as_str())
        } else {
            let found = self.slashed.captures(place.rest)?;
            let (a, b, y) = (found.get(1)?.as_str(), found.get(3)?.as_str(), found.get(4)?.as_str());
            // Dots are used for the day-first order only, and for version numbers.
            let dots = &found[2] == ".";
            if dots && !(y.len() == 4 && ("1900".."2100").contains(&y)) {
                return None;
            }
            let month_first = place.dialect == Dialect::American && !dots;
            let (m, d) = if month_first { (a, b) } else { (b, a) };
            let (m, d) = if m.parse::<u32>().is_ok_and(|m| m > 12) { (d, m) } else { (m, d) };
            (found.get(0)?, y, m, d)
        };
        let (m, d) = (m.parse::<usize>().ok()?, d.trim_start_matches('0'));
        let valid = (1..=12).contains(&m) && d.parse::<u32>().is_ok_and(|d| (1..=31).contains(&d));
        if !valid || !place.ends_at(found.end()) {
            return None;
        }
        let y = if y.len() == 2 { format!("{}{y}", if y < "50" { "20" } else { "19" }) } else { y.to_owned() };
        let (month, day) = (MONTHS[m - 1], ordinal(d, place.dialect));
        let date = match place.dialect {
            Dialect::American => format!("{month} {day}"),
            Dialect::British => format!("the {day} of {month}"),
        };
        Some((found.end(), vec![Say::Words(date), Say::Pause, Say::Words(year(&y, place.dialect))]))
    }

    /// The day of "May 5" or "5 May"; the month itself stays an ordinary word.
    fn day(&self, place: &Place<'_>) -> Match {
        let in_month = |day: &str| day.parse::<u32>().is_ok_and(|d| (1..=31).contains(&d)) && !day.starts_with('0');
        if let Some(found) = self.day_before_month.captures(place.rest)
            && in_month(&found[1])
            && month(&found[3]).is_some()
        {
            let day = ordinal(&found[1], place.dialect);
            let said_the = matches!(place.previous_word(), "the" | "The");
            let end = found[0].len() - found[3].len() - 1 - found.get(2).map_or(0, |of| of.len());
            let of = if found.get(2).is_some() { "" } else { " of" };
            return Some((end, Say::words(format!("{}{day}{of}", if said_the { "" } else { "the " }))));
        }
        let found = self.day.captures(place.rest).filter(|f| in_month(&f[1]))?;
        let end = found[0].len();
        let previous = place.previous_word();
        if previous.len() < 3 || month(previous).is_none() || !place.ends_at(end) {
            return None;
        }
        let after = place.rest[end..].trim_start();
        let counts_something = place.dialect == Dialect::American && after.starts_with(['%', '°']);
        (!counts_something).then(|| (end, Say::words(ordinal(&found[1], place.dialect))))
    }

    fn time(&self, place: &Place<'_>) -> Match {
        let dialect = place.dialect;
        let half = |letter: &str| Say::Letters(format!("{}M", letter.to_uppercase()));
        if let Some(found) = self.hour.captures(place.rest) {
            let hour: u32 = found[1].parse().ok()?;
            let end = found[0].len();
            if (1..=12).contains(&hour) && !place.rest[end..].starts_with(char::is_alphanumeric) {
                return Some((end, vec![Say::Words(cardinal(&found[1], dialect)), half(&found[2])]));
            }
        }
        if let Some(found) = self.british_clock.captures(place.rest) {
            let time = format!("{}:{} {}m", &found[1], &found[2], &found[3]);
            let (_, say) = self.time(&Place { rest: &time, ..*place })?;
            return Some((found[0].len(), say));
        }
        let Some(found) = self.clock.captures(place.rest) else { return self.ratio(place) };
        let (hour, minute): (u32, u32) = (found[1].parse().ok()?, found[2].parse().ok()?);
        if hour > 24 || minute > 59 || place.rest[found[0].len()..].starts_with(|c: char| c.is_ascii_digit()) {
            return self.ratio(place);
        }
        let hour_words = cardinal(&found[1], dialect);
        let seconds = found.get(3).filter(|seconds| seconds.as_str() != "00");
        let minute_words = match minute {
            0 if seconds.is_some() => "hundred".to_owned(),
            0 if found.get(4).is_some() => String::new(),
            0 if (1..=12).contains(&hour) => "o'clock".to_owned(),
            0 => "hundred".to_owned(),
            1..10 => format!("oh {}", cardinal(&found[2], dialect)),
            _ => cardinal(&found[2], dialect),
        };
        let mut say = Say::words(format!("{hour_words} {minute_words}").trim_end());
        if let Some(seconds) = seconds {
            let seconds = cardinal(seconds.as_str(), dialect);
            let unit = if seconds == "one" { "second" } else { "seconds" };
            say.extend(Say::words(format!("and {seconds} {unit}")));
        }
        if let Some(letter) = found.get(4) {
            say.push(half(letter.as_str()));
        }
        Some((found[0].len(), say))
    }

    /// "16:9".
    fn ratio(&self, place: &Place<'_>) -> Match {
        let found = self.ratio.captures(place.rest)?;
        let words = format!("{} to {}", cardinal(&found[1], place.dialect), cardinal(&found[2], place.dialect));
        place.ends_at(found[0].len()).then(|| (found[0].len(), Say::words(words)))
    }
}
