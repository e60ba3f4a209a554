//! Abbreviations that mean something only where they stand: days of the week, streets, saints.

use super::grammar::{Context, Grammar};
use super::{Match, Place, is_letter, words};

/// Words and signs between days and hours.
const BETWEEN: [&str; 13] = ["a", "à", "al", "au", "e", "et", "y", "de", "das", "às", "-", "–", ","];

pub(super) fn abbreviation(place: &Place, grammar: &Grammar) -> Match {
    let fits = |(written, _, context): &&(&str, &str, Context)| {
        let next = || place.after(written.len()).trim_start_matches([' ', '\u{a0}']);
        words::begins(place, written)
            && match context {
                Context::After(previous) => previous.contains(&place.previous_word().as_str()),
                Context::Before(following) => following.contains(&&next()[..words::length(next())]),
                Context::AfterNumber => place.before.trim_end().ends_with(|c: char| c.is_ascii_digit()),
                Context::AmongDays => {
                    // "12 mar. 2024" is a month.
                    !place.before.trim_end().ends_with(|c: char| c.is_ascii_digit())
                        && (is_before_time(place.after(written.len()), grammar) || is_behind_day(place.before, grammar))
                }
            }
    };
    let (written, read, _) = grammar.in_context.iter().find(fits)?;
    Some((words::closed(place, written.len()), (*read).to_owned()))
}

/// The abbreviated days of the week.
fn days(grammar: &Grammar) -> impl Iterator<Item = &'static str> {
    let days = grammar.in_context.iter().filter(|(_, _, context)| matches!(context, Context::AmongDays));
    days.map(|(written, ..)| *written)
}

/// Whether `text` goes on with a number or a day of the week, maybe behind a word between.
fn is_before_time(text: &str, grammar: &Grammar) -> bool {
    let begins = |text: &str| {
        let lower: String = text.chars().take(6).flat_map(char::to_lowercase).collect();
        lower.starts_with(|c: char| c.is_ascii_digit()) || days(grammar).any(|day| lower.starts_with(day))
    };
    let mut rest = text.trim_start_matches([' ', '\u{a0}']);
    for _ in 0..3 {
        if begins(rest) {
            return true;
        }
        let joint = BETWEEN.into_iter().filter(|joint| rest.starts_with(joint)).max_by_key(|joint| joint.len());
        let Some(behind) = joint.and_then(|joint| rest.strip_prefix(joint)) else { return false };
        rest = behind.trim_start_matches([' ', '\u{a0}']);
    }
    false
}

/// Whether a day of the week stands before, but for a word between.
fn is_behind_day(before: &str, grammar: &Grammar) -> bool {
    let before = before.trim_end();
    let joint = BETWEEN.into_iter().filter(|joint| before.ends_with(joint)).max_by_key(|joint| joint.len());
    let Some(rest) = joint.and_then(|joint| before.strip_suffix(joint)) else { return false };
    let rest = rest.trim_end();
    days(grammar).any(|day| {
        let start = rest.char_indices().rev().nth(day.chars().count() - 1).map(|(at, _)| at);
        start.is_some_and(|at| rest[at..].to_lowercase() == day && !rest[..at].ends_with(is_letter))
    })
}
