//! Dates and times of day.

use regex::Regex;

use super::grammar::{Clock, Gender};
use super::numeric::pattern;
use super::{Match, Normalizer, Place};
use crate::error::Result;

pub(super) struct Patterns {
    iso: Regex,
    numeric: Regex,
    day_of_month: Regex,
    day: Regex,
    year: Regex,
    clock: Regex,
    hours: Regex,
    dotted: Regex,
    half: Regex,
}

impl Patterns {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            iso: pattern(r"([0-9]{4})([-/.])([0-9]{1,2})([-/.])([0-9]{1,2})")?,
            numeric: pattern(r"([0-9]{1,2})([-/.])([0-9]{1,2})([-/.])([0-9]{4}|[0-9]{2})")?,
            day_of_month: pattern(r"([0-9]{1,2})/([0-9]{1,2})")?,
            day: pattern(r"([0-9]{1,2})(?:er|º|°|\.º|ᵉʳ)?[ \u{a0}](?:de )?")?,
            year: pattern(r",?[ \u{a0}](de[l]? )?([0-9]{4})")?,
            clock: pattern(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:[ \u{a0}]?(?:hs?\b\.?))?")?,
            hours: pattern(r"([0-9]{1,2})[ \u{a0}]?[hH][ \u{a0}]?([0-9]{2})(?:[ \u{a0}]?(?:min|m)\b)?")?,
            dotted: pattern(r"([0-9]{1,2})\.([0-9]{2})")?,
            half: pattern(r"[ \u{a0}]?([aApP])\.?[ \u{a0}]?[mM]\b\.?")?,
        })
    }
}

impl Normalizer {
    /// A date in digits, or a day with a month's name.
    pub(super) fn date(&self, place: &Place) -> Match {
        self.numeric_date(place).or_else(|| self.named_date(place)).or_else(|| self.day_of_month(place))
    }

    fn numeric_date(&self, place: &Place) -> Match {
        let text = |group: Option<regex::Match>| {
            group.map_or("", |m| place.rest.get(m.range()).unwrap_or_default()).to_owned()
        };
        let (length, mut day, mut month, year) = if let Some(found) = self.times.iso.captures(place.rest) {
            let same = found[2] == found[4];
            same.then(|| (found[0].len(), text(found.get(5)), text(found.get(3)), text(found.get(1))))?
        } else {
            let found = self.times.numeric.captures(place.rest)?;
            let same = found[2] == found[4];
            same.then(|| (found[0].len(), text(found.get(1)), text(found.get(3)), text(found.get(5))))?
        };
        let value = |digits: &str| digits.parse::<usize>().unwrap_or(0);
        if value(&month) > 12 && value(&day) <= 12 {
            std::mem::swap(&mut day, &mut month);
        }
        let month = value(&month).checked_sub(1).filter(|month| *month < 12)?;
        let goes_on = place
            .after(length)
            .strip_prefix(['.', '-', '/'])
            .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        let valid = (1..=31).contains(&value(&day)) && place.ends_at(length) && !goes_on;
        valid.then(|| (length, self.date_words(&day, month, Some(&year), self.speller.grammar.date_joint)))
    }

    /// "25/12", "05/03": where a fraction would be above one or have a zero before it. "24/7" is none.
    fn day_of_month(&self, place: &Place) -> Match {
        let found = self.times.day_of_month.captures(place.rest)?;
        let (length, day, month) = (found[0].len(), &found[1], &found[2]);
        let (number, index) = (day.parse::<usize>().ok()?, month.parse::<usize>().ok()?);
        let written = day.starts_with('0') || month.starts_with('0') || (number > index && number > 9 && month != "7");
        let valid = (1..=31).contains(&number) && (1..=12).contains(&index) && place.ends_at(length);
        let goes_on = place.after(length).trim_start().starts_with(['/', '=', '%', '+', '*', '×']);
        (written && valid && !goes_on).then(|| (length, self.date_words(day, index - 1, None, "")))
    }

    /// "1 de enero de 2024", "10 mars 2023", "15 अगस्त 1947".
    fn named_date(&self, place: &Place) -> Match {
        let found = self.times.day.captures(place.rest)?;
        let day = &found[1];
        let mut length = found[0].len();
        let name = super::words::length(place.after(length));
        let mut word = &place.after(length)[..name];
        if place.after(length + name).starts_with('.')
            && self.speller.grammar.months.iter().all(|month| *month != word.to_lowercase())
        {
            word = &place.after(length)[..name + 1];
        }
        let month = self.speller.grammar.month(word)?;
        // An abbreviation without its point is a word of its own, unless a year follows.
        let short = !word.ends_with('.') && self.speller.grammar.months[month] != word.to_lowercase();
        length += word.len();
        let year = self.times.year.captures(place.after(length)).filter(|found| place.ends_at(length + found[0].len()));
        if !(1..=31).contains(&day.parse::<u32>().unwrap_or(0))
            || (short
                && year.is_none()
                && !self
                    .speller
                    .grammar
                    .month_forms
                    .iter()
                    .any(|(form, _)| *form == word.to_lowercase() && form.len() > 3))
        {
            return None;
        }
        let joint = match year.as_ref().and_then(|found| found.get(1)).map(|m| m.as_str()) {
            Some("del ") => "del",
            _ => self.speller.grammar.date_joint,
        };
        let digits = year.as_ref().map(|found| found[2].to_owned());
        length += year.map_or(0, |found| found[0].len());
        place.ends_at(length).then(|| (length, self.date_words(day, month, digits.as_deref(), joint)))
    }

    fn date_words(&self, day: &str, month: usize, year: Option<&str>, year_joint: &str) -> String {
        let grammar = self.speller.grammar;
        let day = match (day.trim_start_matches('0'), grammar.first) {
            ("1", Some(first)) => first.to_owned(),
            (day, _) => self.speller.cardinal(day, Gender::Alone),
        };
        let joint = |word: &str| if word.is_empty() { " ".to_owned() } else { format!(" {word} ") };
        let mut words = format!("{day}{}{}", joint(grammar.date_joint), grammar.months[month]);
        if let Some(year) = year {
            words += &joint(year_joint);
            words += &self.speller.year(year);
        }
        words
    }

    /// "14:30", "14 h 30", "3 p.m."
    pub(super) fn time(&self, place: &Place) -> Match {
        let number = |text: &str| text.parse::<u64>().unwrap_or(99);
        let half = |length: usize| {
            self.times.half.captures(place.after(length)).filter(|found| place.ends_at(length + found[0].len()))
        };
        let (length, hour, minute, second) = if let Some(found) = self.times.clock.captures(place.rest) {
            (found[0].len(), number(&found[1]), number(&found[2]), found.get(3).map(|m| number(m.as_str())))
        } else if let Some(found) = self.times.hours.captures(place.rest) {
            (found[0].len(), number(&found[1]), number(&found[2]), None)
        } else if let Some(found) = self.times.dotted.captures(place.rest)
            && (half(found[0].len()).is_some()
                || self.speller.grammar.before_times.contains(&place.previous_word().as_str())
                || [" h", " hs", "h"].iter().any(|h| place.after(found[0].len()).starts_with(h)))
        {
            let hours = super::money::blank(place.after(found[0].len()));
            let unit = place.after(found[0].len() + hours).starts_with('h');
            (found[0].len() + if unit { hours + 1 } else { 0 }, number(&found[1]), number(&found[2]), None)
        } else {
            let digits = place.rest.bytes().take_while(u8::is_ascii_digit).count();
            half(digits)?;
            (digits, number(&place.rest[..digits]), 0, None)
        };
        if hour > 24 || minute > 59 || second.is_some_and(|second| second > 59) {
            return None;
        }
        let half = half(length);
        let afternoon = half.as_ref().map(|found| found[1].eq_ignore_ascii_case("p"));
        let length = super::words::closed(place, length + half.map_or(0, |found| found[0].len()));
        let goes_on =
            place.after(length).strip_prefix(':').is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        let words = (self.speller.grammar.clock)(&self.speller, Clock { hour, minute, second, afternoon });
        // "2:30 बजे": the hour is in the words already.
        let hours = " बजे";
        let said = self.speller.grammar.tag == "hi" && place.after(length).starts_with(hours);
        let length = length + if said { hours.len() } else { 0 };
        (place.ends_at(length) && !goes_on).then_some((length, words))
    }
}
