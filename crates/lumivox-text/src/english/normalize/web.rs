//! Web and mail addresses, hashtags and handles, and symbols that have a name.

use regex::Regex;

use super::{Match, Place, Say, pattern};
use crate::english::Dialect;
use crate::english::numbers::number;
use crate::error::Result;

pub(super) struct Rules {
    url: Regex,
    email: Regex,
    domain: Regex,
}

/// Endings that make a bare name a web address ("example.com").
const TOP: &str =
    "com|org|net|edu|gov|mil|int|io|ai|dev|app|info|biz|co|uk|us|ca|de|fr|eu|ch|tv|me|xyz|tech|rs|jp|cn|ru|in|au";

/// Symbols that are read between or before words.
const SYMBOLS: &[(&str, &str)] = &[
    ("=", "equals"),
    ("+", "plus"),
    ("×", "times"),
    ("÷", "divided by"),
    ("±", "plus or minus"),
    ("≈", "approximately"),
    ("≠", "is not equal to"),
    ("≤", "is less than or equal to"),
    ("≥", "is greater than or equal to"),
    ("→", "to"),
    ("§", "section"),
    ("¶", "paragraph"),
    ("°", "degrees"),
    ("℃", "degrees Celsius"),
    ("℉", "degrees Fahrenheit"),
    ("©", "copyright"),
    ("®", "registered"),
    ("™", "trademark"),
    ("√", "square root of"),
    ("∞", "infinity"),
    ("π", "pi"),
    ("µ", "micro"),
    ("%", "percent"),
    ("‰", "per mille"),
    ("$", "dollar"),
    ("£", "pound"),
    ("€", "euro"),
    ("¥", "yen"),
    ("¢", "cent"),
    ("₹", "rupee"),
    ("∑", "sum"),
    ("∆", "delta"),
    ("−", "minus"),
    ("@", "at"),
    ("&", "and"),
    ("==", "equals"),
    ("!=", "is not equal to"),
    ("<=", "is less than or equal to"),
    (">=", "is greater than or equal to"),
    ("->", "to"),
    ("=>", "to"),
];

impl Rules {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            url: pattern(r"(?i:https?|ftp)://\S+|www\.\S+")?,
            email: pattern(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")?,
            domain: pattern(&format!(r"(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+(?:{TOP})\b(?:/\S*)?"))?,
        })
    }

    /// An address at the start of `chunk`, which has no white space.
    pub(super) fn address(&self, chunk: &str) -> Match {
        if !chunk.contains(['.', ':']) {
            return None;
        }
        let found = [&self.url, &self.email, &self.domain].into_iter().find_map(|r| r.find(chunk))?;
        let address =
            found.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '>', '"', '\'', '”', '’']);
        let after = &chunk[address.len()..];
        let inside = after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        (!inside && !address.is_empty()).then(|| (address.len(), spell_address(address)))
    }

    /// A symbol with a name, a handle or a hashtag.
    pub(super) fn symbol(&self, place: &Place<'_>, previous: Option<char>) -> Match {
        let mut chars = place.rest.chars();
        let first = chars.next()?;
        let next = chars.next();
        let word_follows = next.is_some_and(char::is_alphabetic);
        let free = previous.is_none_or(|p| !p.is_alphanumeric());
        match first {
            '#' if word_follows && free => return Some((1, Say::words("hashtag"))),
            // Hyphens are not minus signs, and "&" and "+" inside words belong to them.
            '&' | '+' | '@' if !free && word_follows => return None,
            '*' | '^' | '<' | '>' | '-' | '/' | '~' => {
                if let Some(found) = operator(place, first) {
                    return Some(found);
                }
            }
            _ => {}
        }
        let (symbol, words) = SYMBOLS
            .iter()
            .filter(|(symbol, _)| place.rest.starts_with(symbol))
            .max_by_key(|(symbol, _)| symbol.len())?;
        // A line of "=====" is decoration.
        let alone = !place.rest[symbol.len()..].starts_with(first) && previous != Some(first);
        alone.then(|| (symbol.len(), Say::words(*words)))
    }
}

/// Signs that are operators only between what they work on.
fn operator(place: &Place<'_>, first: char) -> Match {
    let length = if place.rest.starts_with("**") { 2 } else { 1 };
    let (before, after) = (place.before, &place.rest[length..]);
    let spaced = before.ends_with(' ') && after.starts_with(' ');
    if !spaced && (before.ends_with(' ') || after.starts_with(' ')) {
        return (first == '~' && after.starts_with(char::is_numeric)).then(|| (1, Say::words("about")));
    }
    let (left, right) =
        (before.trim_end_matches(' ').chars().next_back(), after.trim_start_matches(' ').chars().next());
    let digits = left.is_some_and(|c| c.is_ascii_digit()) && right.is_some_and(|c| c.is_ascii_digit());
    let values = left.is_some_and(|c| c.is_alphanumeric() || c == ')')
        && right.is_some_and(|c| c.is_alphanumeric() || "(-−".contains(c));
    let words = match &place.rest[..length] {
        "**" | "^" if values => "to the power of",
        "*" if digits => "times",
        "-" if spaced && digits => "minus",
        "<" if values => "is less than",
        ">" if values => "is greater than",
        "/" if spaced => "slash",
        "~" if right.is_some_and(char::is_numeric) => "about",
        _ => return None,
    };
    Some((length, Say::words(words)))
}

/// Reads an address: parts as words or letters, punctuation by name.
fn spell_address(address: &str) -> Vec<Say> {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => (Some(scheme), rest),
        _ => (None, address),
    };
    let mut say = Vec::new();
    if let Some(scheme) = scheme {
        say.push(Say::Letters(scheme.to_owned()));
        say.push(Say::Pause);
    }
    let kind = |c: char| {
        if c.is_ascii_digit() {
            0
        } else if c.is_alphabetic() {
            1
        } else {
            2
        }
    };
    let mut start = 0;
    let chars: Vec<(usize, char)> = rest.char_indices().collect();
    for (i, &(at, c)) in chars.iter().enumerate() {
        let end = at + c.len_utf8();
        if kind(c) != 2 && chars.get(i + 1).is_some_and(|&(_, next)| kind(next) == kind(c)) {
            continue;
        }
        let part = &rest[start..end];
        start = end;
        match kind(c) {
            0 => say.extend(Say::words(number(part, Dialect::American))),
            1 if part == "www" || part.chars().count() == 1 => say.push(Say::Letters(part.to_owned())),
            1 => say.extend(Say::words(part)),
            // What has no name is said as it stands, so that its silence is noticed.
            _ => say.extend(Say::words(punctuation_name(c).unwrap_or(part))),
        }
    }
    say
}

fn punctuation_name(c: char) -> Option<&'static str> {
    Some(match c {
        '.' => "dot",
        '/' => "slash",
        '-' => "dash",
        '_' => "underscore",
        '@' => "at",
        ':' => "colon",
        '?' => "question mark",
        '=' => "equals",
        '&' => "and",
        '#' => "hash",
        '%' => "percent",
        '+' => "plus",
        '~' => "tilde",
        ',' => "comma",
        ';' => "semicolon",
        '!' => "exclamation mark",
        '*' => "asterisk",
        '$' => "dollar",
        '\'' | '’' => "apostrophe",
        '(' | ')' => "parenthesis",
        '[' | ']' => "bracket",
        '{' | '}' => "brace",
        '|' => "bar",
        '^' => "caret",
        '\\' => "backslash",
        _ => return None,
    })
}
