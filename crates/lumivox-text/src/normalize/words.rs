//! Words, abbreviations, initials, and signs with a name.

use super::grammar::Grammar;
use super::{Match, Place, char_at, is_letter, roman};

/// Bytes of the word at the start of `text`: letters, with apostrophes and hyphens between them.
pub(super) fn length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let mut length = 0;
    while let Some((at, c)) = chars.next() {
        let joins = matches!(c, '\'' | '’' | '-') && at > 0 && chars.peek().is_some_and(|(_, next)| is_letter(*next));
        if !is_letter(c) && !joins {
            break;
        }
        length = at + c.len_utf8();
    }
    length
}

/// Bytes of that word, or of what is elided before what may be spelled or an abbreviation: "l'" of "l'UE" and of "l'avv.".
pub(super) fn step(text: &str) -> usize {
    let word = &text[..length(text)];
    let elided = word.char_indices().find(|(_, c)| matches!(c, '\'' | '’')).map(|(at, c)| at + c.len_utf8());
    let capitals = |at: &usize| word[*at..].chars().take(2).filter(|c| c.is_uppercase()).count() == 2;
    let point = |at: &usize| text[word.len()..].starts_with('.') && word[*at..].chars().count() > 1;
    elided.filter(|at| capitals(at) || point(at)).unwrap_or(word.len())
}

/// An abbreviation that is read as a word.
pub(super) fn abbreviation(place: &Place, grammar: &Grammar) -> Match {
    let fits = |(written, _): &&(&'static str, &'static str)| {
        begins(place, written) && (written.ends_with(['.', 'º', '°']) || place.ends_at(written.len()))
    };
    let always = grammar.abbreviations.iter().filter(fits).max_by_key(|(written, _)| written.len());
    let numbered = || {
        let found = grammar.before_numbers.iter().filter(fits).max_by_key(|(written, _)| written.len())?;
        let next = place.after(found.0.len()).trim_start_matches([' ', '\u{a0}']);
        let roman = found.0.ends_with('.') && roman::value(&next[..length(next)]).is_some_and(|value| value < 50);
        (roman || next.starts_with(|c: char| c.is_ascii_digit())).then_some(found)
    };
    let always = always.filter(|(written, _)| numbered().is_none_or(|(other, _)| written.len() > other.len()));
    let (written, read) = always.or_else(numbered)?;
    if may_be_a_word(place, written) {
        return None;
    }
    Some((ending(place, written), (*read).to_owned()))
}

/// Whether `written` begins here, maybe with a capital at the start of a sentence: "Aprox." for "aprox.".
pub(super) fn begins(place: &Place, written: &str) -> bool {
    let (first, here) = (char_at(written, 0), char_at(place.rest, 0));
    let long = written.chars().filter(|c| is_letter(*c)).count() > 2;
    let capital = long && first.is_lowercase() && first.to_uppercase().eq([here]);
    place.rest.starts_with(written)
        || (capital && place.rest[here.len_utf8()..].starts_with(&written[first.len_utf8()..]))
}

/// Whether what looks like an abbreviation is rather a word that ends a sentence, a letter that is spelled, or the pronoun "me".
fn may_be_a_word(place: &Place, written: &str) -> bool {
    let after = place.after(written.len());
    let ends = after.trim().is_empty() || after.starts_with('\n');
    let one_point = written.matches('.').count() == 1 && written.ends_with('.') && !ENDINGS.contains(&written);
    let previous = place.previous_word();
    // "J. D. Salinger".
    let initials = previous.ends_with('.') && previous.chars().count() == 2;
    let letter = written.chars().filter(|c| is_letter(*c)).count() == 1 && initials;
    let pronoun = written == "Me" && !after.trim_start().starts_with(char::is_uppercase);
    letter || pronoun || (one_point && ends && !place.before.trim().is_empty())
}

/// Abbreviations that often end a sentence.
const ENDINGS: [&str; 3] = ["etc.", "ecc.", "C."];

/// Bytes of an abbreviation: without its point where that ends the sentence, too.
fn ending(place: &Place, written: &str) -> usize {
    let after = place.after(written.len());
    let closing = ENDINGS.iter().chain(&["UU.", "OO."]).any(|end| written.ends_with(end));
    let capital = after.trim_start().starts_with(char::is_uppercase) && after.starts_with(char::is_whitespace);
    let ends = after.trim().is_empty() || after.starts_with('\n') || (closing && capital);
    written.len() - usize::from(ends && written.ends_with('.'))
}

/// `length` without the point at its end, if that ends the sentence, too.
pub(super) fn closed(place: &Place, length: usize) -> usize {
    let after = place.after(length);
    let capital = after.starts_with(char::is_whitespace) && after.trim_start().starts_with(char::is_uppercase);
    let ends = after.trim().is_empty() || after.starts_with('\n') || capital;
    length - usize::from(ends && place.rest[..length].ends_with('.'))
}

/// Capitals that are spelled, initials with their point: the names of the letters. In Hindi single Latin letters, too.
pub(super) fn letters(place: &Place, grammar: &Grammar) -> Match {
    let word = &place.rest[..length(place.rest)];
    let ascii = |word: &str| word.bytes().all(|b| b.is_ascii_alphabetic());
    let mut chars = word.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        let initial = only.is_uppercase() && place.after(word.len()).starts_with('.');
        let behind = place.after(word.len() + usize::from(initial)).trim_start_matches(' ');
        let name = initial && (behind.starts_with(char::is_uppercase) || dotted(place.rest) > 2);
        if name {
            let length = dotted(place.rest).max(word.len() + 1);
            let written = place.rest[..length].chars().filter(|c| c.is_alphabetic());
            let names: Option<Vec<&str>> = written.map(|c| grammar.letter(c)).collect();
            let end = length - usize::from(place.after(length).trim().is_empty());
            return names.map(|names| (end, names.join(" ")));
        }
        return grammar.letter(only).map(|name| (word.len(), name.to_owned())).filter(|_| grammar.tag == "hi");
    }
    let spelled = !word.is_empty()
        && ascii(word)
        && word.len() <= 6
        && word.bytes().all(|b| b.is_ascii_uppercase())
        && !shouted(place, word);
    if !spelled || grammar.read.contains(&word) {
        return None;
    }
    if !(word.len() == 2
        || grammar.spelled.contains(&word)
        || !can_be_read(word)
        || (grammar.tag == "hi" && word.len() == 3))
    {
        return None;
    }
    let names: Option<Vec<&str>> = word.chars().map(|c| grammar.letter(c)).collect();
    names.map(|names| (word.len(), names.join(" ")))
}

/// Bytes of initials with points: "U.S.A.", "J. R."
fn dotted(text: &str) -> usize {
    let mut length = 0;
    loop {
        let mut chars = text[length..].chars();
        match (chars.next(), chars.next()) {
            (Some(c), Some('.')) if c.is_ascii_uppercase() => length += 2,
            _ => return length,
        }
    }
}

/// Whether capitals stand among words in capitals: beside a longer one, or in a line of them.
fn shouted(place: &Place, word: &str) -> bool {
    let letters = |word: &str| word.chars().all(|c| is_letter(c) || !c.is_alphanumeric());
    let upper = |word: &str| letters(word) && word.chars().all(|c| c.is_uppercase() || !is_letter(c));
    let long = |word: &str| upper(word) && word.chars().filter(|c| is_letter(*c)).count() > 3;
    // Commas stand in a list of names.
    let beside = |word: &str| long(word) && !word.contains([',', ';', '/', '(', ')']);
    let before = place.before.rsplit('\n').next().unwrap_or_default();
    let after = place.after(word.len()).split('\n').next().unwrap_or_default();
    let last = before.rsplit('.').next().and_then(|before| before.split_whitespace().next_back()).is_some_and(beside);
    let first = before.rsplit('.').next().is_none_or(|before| before.trim().is_empty());
    let next = after.split('.').next().filter(|after| !after.starts_with([',', ';', '/', ')']));
    let next = next.and_then(|after| after.split_whitespace().next()).is_some_and(beside);
    let line = || before.split_whitespace().chain(after.split_whitespace());
    let list = before.contains([',', ';']) || after.contains([',', ';']);
    let all = || !list && line().count() > 2 && line().all(upper) && line().any(long);
    last || (next && first) || all()
}

/// Whether capitals can be read as a word: with vowels, and no more than two consonants beside each other.
fn can_be_read(word: &str) -> bool {
    let vowel = |b: u8| b"AEIOU".contains(&b);
    let bytes = word.as_bytes();
    let groups: Vec<&[u8]> = bytes.chunk_by(|a, b| vowel(*a) == vowel(*b)).collect();
    let begins = |group: &[u8]| {
        group.len() == 1 || matches!(group, [b'B' | b'C' | b'D' | b'F' | b'G' | b'P' | b'T', b'R' | b'L'] | b"CH")
    };
    groups.len() > 1
        && groups.iter().enumerate().all(|(i, group)| {
            let consonants = !vowel(group[0]);
            let last = i + 1 == groups.len();
            !consonants
                || (i == 0 && begins(group))
                || (i > 0 && !last && group.len() <= 2)
                || (last && i > 0 && group.len() == 1)
        })
        && groups.iter().all(|group| !vowel(group[0]) || group.len() <= 2)
}

/// Whether `text` begins with a number and a sign that it equals something.
pub(super) fn is_sum(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    rest.trim_start().starts_with('=')
}

/// "3x4=12", "10 x 15 cm".
pub(super) fn times(place: &Place, grammar: &Grammar) -> Match {
    let rest = place.rest.strip_prefix(['x', 'X'])?;
    let number = rest.trim_start_matches(' ');
    let before = place.before.trim_end_matches(' ');
    let spaced = before.len() < place.before.len();
    let digits = |c: char| c.is_ascii_digit();
    let fits = before.ends_with(digits) && number.starts_with(digits) && spaced == (number.len() < rest.len());
    let name = || grammar.symbols.iter().find(|(written, _)| *written == "×").map(|(_, name)| *name);
    let word = if is_sum(number) { name()? } else { grammar.words.by };
    fits.then(|| (1, word.to_owned()))
}

/// A sign that has a name; a line of the same signs is decoration.
pub(super) fn symbol(place: &Place, grammar: &Grammar) -> Match {
    let first = char_at(place.rest, 0);
    let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if first == '-' && place.before.ends_with(' ') && place.rest.starts_with("- ") {
        let values = place.before.trim_end().ends_with(|c: char| c.is_ascii_digit()) && digits(&place.rest[2..]);
        return values.then_some((1, grammar.words.minus.to_owned()));
    }
    // "10-4=6".
    let difference = matches!(first, '-' | '–') && place.before.ends_with(|c: char| c.is_ascii_digit());
    if difference && digits(place.after(first.len_utf8())) && is_sum(place.after(first.len_utf8())) {
        return Some((first.len_utf8(), grammar.words.minus.to_owned()));
    }
    // "Via Roma 5/A".
    let mut behind = place.after(first.len_utf8()).chars();
    let letter = behind.next().is_some_and(char::is_uppercase) && !behind.next().is_some_and(is_letter);
    if first == '/' && letter && place.before.ends_with(|c: char| c.is_ascii_digit()) {
        return Some((1, grammar.address[1].to_owned()));
    }
    let (written, name) = grammar.symbols.iter().find(|(written, _)| place.rest.starts_with(written))?;
    let repeated = place.after(written.len()).starts_with(first) || place.before.ends_with(first);
    let stars = first == '*' && !(place.before.ends_with(' ') && place.after(1).starts_with(' '));
    (!repeated && !stars).then(|| (written.len(), (*name).to_owned()))
}
