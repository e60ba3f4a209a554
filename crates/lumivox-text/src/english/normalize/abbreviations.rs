//! Abbreviations with a point, and roman numerals.

use super::dates::{MONTHS, month};
use super::{Match, Place, Say};
use crate::english::Dialect;
use crate::english::numbers::{cardinal, ordinal};

/// `(written, read)` of what stands before a name, never at the end of a sentence.
const TITLES: &[(&str, &str)] = &[
    ("Prof.", "professor"),
    ("Gen.", "general"),
    ("Sen.", "senator"),
    ("Rep.", "representative"),
    ("Gov.", "governor"),
    ("Capt.", "captain"),
    ("Cpt.", "captain"),
    ("Lt.", "lieutenant"),
    ("Col.", "colonel"),
    ("Sgt.", "sergeant"),
    ("Cmdr.", "commander"),
    ("Adm.", "admiral"),
    ("Maj.", "major"),
    ("Rev.", "reverend"),
    ("Hon.", "honorable"),
    ("Pres.", "president"),
    ("Supt.", "superintendent"),
    ("Messrs.", "messers"),
];

/// `(written, read)`: always read so, whatever follows.
const ALWAYS: &[(&str, &str)] = &[
    ("Jr.", "junior"),
    ("Sr.", "senior"),
    ("Inc.", "incorporated"),
    ("Corp.", "corporation"),
    ("Ltd.", "limited"),
    ("Co.", "company"),
    ("Bros.", "brothers"),
    ("Mt.", "mount"),
    ("Ft.", "fort"),
    ("Ave.", "avenue"),
    ("Blvd.", "boulevard"),
    ("Rd.", "road"),
    ("Hwy.", "highway"),
    ("Dept.", "department"),
    ("dept.", "department"),
    ("Univ.", "university"),
    ("approx.", "approximately"),
    ("Approx.", "approximately"),
    ("est.", "established"),
    ("misc.", "miscellaneous"),
    ("cf.", "compare"),
    ("viz.", "namely"),
    ("vs.", "versus"),
    ("Vs.", "versus"),
    ("incl.", "including"),
    ("excl.", "excluding"),
    ("govt.", "government"),
    ("assn.", "association"),
    ("tel.", "telephone"),
    ("Tel.", "telephone"),
    ("ext.", "extension"),
    ("w/o", "without"),
    ("w/", "with"),
    ("b/c", "because"),
    ("Jan.", "January"),
    ("Feb.", "February"),
    ("Apr.", "April"),
    ("Aug.", "August"),
    ("Sept.", "September"),
    ("Oct.", "October"),
    ("Nov.", "November"),
    ("Dec.", "December"),
    ("Mon.", "Monday"),
    ("Tue.", "Tuesday"),
    ("Tues.", "Tuesday"),
    ("Wed.", "Wednesday"),
    ("Thu.", "Thursday"),
    ("Thur.", "Thursday"),
    ("Thurs.", "Thursday"),
    ("Fri.", "Friday"),
    ("C++", "c plus plus"),
    ("C#", "c sharp"),
    ("F#", "f sharp"),
    ("c/o", "care of"),
    ("H2O", "h two o"),
    ("CO2", "c o two"),
    ("SO2", "s o two"),
    ("NO2", "n o two"),
    ("N2O", "n two o"),
    ("CH4", "c h four"),
];

/// Read so only before a number.
const BEFORE_NUMBERS: &[(&str, &str)] = &[
    ("No.", "number"),
    ("no.", "number"),
    ("Nos.", "numbers"),
    ("nos.", "numbers"),
    ("Fig.", "figure"),
    ("fig.", "figure"),
    ("Figs.", "figures"),
    ("Vol.", "volume"),
    ("vol.", "volume"),
    ("Ch.", "chapter"),
    ("ch.", "chapter"),
    ("Sec.", "section"),
    ("sec.", "section"),
    ("p.", "page"),
    ("pp.", "pages"),
    ("Pt.", "part"),
    ("pt.", "part"),
    ("Eq.", "equation"),
    ("eq.", "equation"),
    ("Art.", "article"),
    ("ca.", "circa"),
    ("c.", "circa"),
    ("Jan", "January"),
    ("Feb", "February"),
    ("Mar", "March"),
    ("Apr", "April"),
    ("Jun", "June"),
    ("Jul", "July"),
    ("Aug", "August"),
    ("Sep", "September"),
    ("Sept", "September"),
    ("Oct", "October"),
    ("Nov", "November"),
    ("Dec", "December"),
    ("Mar.", "March"),
    ("Jun.", "June"),
    ("Jul.", "July"),
    ("Sep.", "September"),
    ("Rs.", "rupees"),
    ("Rs", "rupees"),
    ("Rte.", "route"),
    ("Apt.", "apartment"),
    ("apt.", "apartment"),
    ("Ste.", "suite"),
];

/// Words after which a roman numeral counts.
const COUNTED: &[&str] = &[
    "Chapter", "chapter", "CHAPTER", "Part", "part", "PART", "Book", "book", "BOOK", "Volume", "volume", "VOLUME",
    "Vol.", "Fig.", "Ch.", "Sec.", "Art.", "Pt.", "vol.", "fig.", "ch.", "sec.", "pt.", "Act", "act", "ACT", "Scene",
    "scene", "SCENE", "Section", "section", "SECTION", "Article", "article", "Appendix", "Phase", "phase", "Type",
    "type", "Class", "class", "Stage", "stage", "Grade", "Level", "Canto", "Title", "War", "Bowl", "Figure", "Table",
    "Episode", "Apollo", "Schedule", "Annex", "Round", "Category",
];

/// Names of rulers and popes, after which a roman numeral ranks.
const RANKED: &[&str] = &[
    "Henry",
    "Louis",
    "Elizabeth",
    "George",
    "Edward",
    "William",
    "Charles",
    "James",
    "Richard",
    "John",
    "Paul",
    "Pius",
    "Benedict",
    "Leo",
    "Gregory",
    "Napoleon",
    "Catherine",
    "Nicholas",
    "Alexander",
    "Frederick",
    "Philip",
    "Ramses",
    "Ramesses",
    "Ferdinand",
    "Ivan",
    "Peter",
    "Mary",
    "Otto",
    "Wilhelm",
    "Francis",
    "Clement",
    "Innocent",
    "Urban",
    "Xerxes",
    "Darius",
    "Ptolemy",
    "Thutmose",
    "Christian",
    "Gustav",
    "Sixtus",
    "Baldwin",
    "David",
    "Robert",
    "Alfonso",
    "Umberto",
    "Emmanuel",
    "Mehmed",
    "Murad",
    "Selim",
    "Suleiman",
    "Henri",
    "Carlos",
    "Felipe",
    "Boniface",
    "Adrian",
    "Julius",
    "Maximilian",
    "Leopold",
    "Rudolf",
    "Joseph",
    "Haakon",
    "Harald",
    "Olaf",
    "Canute",
    "Theodosius",
    "Constantine",
    "Amenhotep",
    "Cleopatra",
    "Antiochus",
    "Seleucus",
    "Franz",
    "Stephen",
    "Casimir",
    "Sigismund",
];

/// Words of their own, too, so read so only before a comma, a number or a month.
const WEEKDAYS: &[(&str, &str)] = &[("Sat.", "Saturday"), ("Sun.", "Sunday")];

pub(super) fn read(place: &Place<'_>) -> Match {
    let word = word_at(place.rest);
    saint_or_street(place, word)
        .or_else(|| span(place, word))
        .or_else(|| abbreviation(place))
        .or_else(|| regnal_or_counted(place, word))
}

/// Whether what is written so stands before a name.
pub(in crate::english) fn is_title(written: &str) -> bool {
    matches!(written, "Mr." | "Mrs." | "Ms." | "Mx." | "Dr.") || TITLES.iter().any(|(title, _)| *title == written)
}

/// "Mon-Fri", "Jan–Mar".
fn span(place: &Place<'_>, word: &str) -> Match {
    let first = calendar_name(word)?;
    let after = &place.rest[word.len()..];
    let after = after.strip_prefix('.').unwrap_or(after).strip_prefix(['-', '–'])?;
    let last = word_at(after);
    let length = place.rest.len() - after.len() + last.len();
    Some((length, Say::words(format!("{first} to {}", calendar_name(last)?))))
}

/// The name of a day or month that is written whole or cut short.
fn calendar_name(word: &str) -> Option<&'static str> {
    let day = || {
        ALWAYS.iter().chain(WEEKDAYS).map(|(_, name)| *name).find(|name| {
            name.ends_with("day") && (*name == word || (word.len() > 2 && word.len() < 6 && name.starts_with(word)))
        })
    };
    month(word).map(|month| MONTHS[month]).or_else(day)
}

/// Letters at the start.
fn word_at(rest: &str) -> &str {
    &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())]
}

fn abbreviation(place: &Place<'_>) -> Match {
    let starts = |table: &[(&'static str, &'static str)]| {
        let found = table.iter().filter(|(written, _)| place.rest.starts_with(written)).max_by_key(|(w, _)| w.len());
        found.copied()
    };
    let (written, read) =
        starts(TITLES).or_else(|| starts(ALWAYS)).or_else(|| weekday(place, starts(WEEKDAYS))).or_else(|| {
            let (written, read) = starts(BEFORE_NUMBERS)?;
            let next = place.rest[written.len()..].trim_start_matches([' ', '\u{a0}']);
            let near = place.rest.len() - written.len() - next.len() <= 2;
            let numeral = word_at(next);
            let numbered =
                next.starts_with(|c: char| c.is_ascii_digit()) || (numeral.len() > 1 && roman(numeral).is_some());
            (near && numbered).then_some((written, read))
        })?;
    let after = &place.rest[written.len()..];
    let needs_end = written.ends_with(|c: char| c.is_alphanumeric());
    if needs_end && after.starts_with(char::is_alphanumeric) {
        return None;
    }
    if written == "Co." && place.previous_word().is_empty() {
        return None;
    }
    let read = match (written, place.dialect) {
        ("Hon.", Dialect::British) => "honourable",
        _ => read,
    };
    Some((written.len(), Say::words(read)))
}

fn weekday(place: &Place<'_>, found: Option<(&'static str, &'static str)>) -> Option<(&'static str, &'static str)> {
    let (written, _) = found?;
    let after = &place.rest[written.len()..];
    let next = after.trim_start_matches([' ', ',']);
    let dated = next.starts_with(|c: char| c.is_ascii_digit()) || month(word_at(next)).is_some();
    (after.starts_with(',') || dated).then_some(found?)
}

/// "St." is a saint before a name and a street after one; "Dr." is a doctor unless an address ends with it.
fn saint_or_street(place: &Place<'_>, word: &str) -> Match {
    if !matches!(word, "St" | "Dr") || !place.rest[2..].starts_with('.') {
        return None;
    }
    let next = place.rest[3..].trim_start_matches(' ');
    let before_name = next.starts_with(char::is_uppercase)
        && next.len() < place.rest.len() - 3
        && !matches!(place.tag(place.rest.len() - next.len()), "DT" | "PRP" | "PRP$" | "IN" | "WRB" | "EX");
    let after_name = place.previous_word().starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    let read = match (word, before_name, after_name) {
        ("St", true, _) => "saint",
        ("St", false, _) => "street",
        ("Dr", false, true) => "drive",
        _ => "doctor",
    };
    Some((3, Say::words(read)))
}

fn regnal_or_counted(place: &Place<'_>, word: &str) -> Match {
    let value = roman(word)?.to_string();
    let previous = place.previous_word();
    if place.rest[word.len()..].starts_with(|c: char| {
        c.is_ascii_digit() || c == '-' || c == '.' && word.len() == 1 && !COUNTED.contains(&previous)
    }) {
        return None;
    }
    // "II. Methods" heads a section; "I." may be an initial.
    let line = place.before.is_empty() || place.before.ends_with('\n');
    let heading = word.len() > 1 && line && place.rest[word.len()..].starts_with(". ");
    if word == "I" && is_pronoun(place, previous) {
        return None;
    } else if heading || COUNTED.contains(&previous) {
        return Some((word.len(), Say::words(cardinal(&value, place.dialect))));
    }
    let ranked = RANKED.contains(&previous);
    ranked.then(|| (word.len(), Say::words(format!("the {}", ordinal(&value, place.dialect)))))
}

/// Whether "I" after `previous` is the pronoun ("the part I like", "for John I was a hero") and no numeral ("World War I").
fn is_pronoun(place: &Place<'_>, previous: &str) -> bool {
    let after = &place.rest[1..];
    let possessive = ["'s", "’s"].iter().any(|s| after.starts_with(s));
    let ends_clause = after.is_empty() || possessive || after.starts_with([',', ';', ':', ')', '!', '?', '.']);
    if ends_clause || after.starts_with(" of ") || place.tag(0) != "PRP" {
        return false;
    } else if RANKED.contains(&previous) {
        return true;
    }
    // A capital makes a name of what is counted; else a verb must follow the pronoun.
    let named = previous.starts_with(char::is_uppercase) && previous.contains(char::is_lowercase);
    let next = place.tag(2);
    !named && (next.starts_with("VB") || next.starts_with("RB") || next == "MD" || !after.starts_with(' '))
}

/// The value of a roman numeral in its usual form, up to 89.
fn roman(word: &str) -> Option<u32> {
    if word.is_empty() || word.len() > 8 || month(word).is_some() {
        return None;
    }
    let digit = |b: u8| {
        Some(match b {
            b'I' => 1,
            b'V' => 5,
            b'X' => 10,
            b'L' => 50,
            _ => return None,
        })
    };
    let digits: Vec<u32> = word.bytes().map(digit).collect::<Option<_>>()?;
    let value = digits
        .iter()
        .enumerate()
        .map(|(i, d)| if digits.get(i + 1).is_some_and(|next| next > d) { -(*d as i32) } else { *d as i32 })
        .sum::<i32>();
    let value = u32::try_from(value).ok().filter(|v| (1..90).contains(v))?;
    (write_roman(value) == word).then_some(value)
}

fn write_roman(mut value: u32) -> String {
    let mut written = String::new();
    for (unit, sign) in [(50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")] {
        while value >= unit {
            written += sign;
            value -= unit;
        }
    }
    written
}
