//! Roman numerals.

use super::grammar::Gender;
use super::speller::Speller;
use super::{Match, Place, words};

/// Endings of ordinals behind roman numerals in French.
const ORDINAL_ENDINGS: [(&str, Gender); 7] = [
    ("ère", Gender::Feminine),
    ("re", Gender::Feminine),
    ("ème", Gender::Masculine),
    ("er", Gender::Masculine),
    ("ᵉ", Gender::Masculine),
    ("ᵉʳ", Gender::Masculine),
    ("e", Gender::Masculine),
];

pub(super) fn read(place: &Place, speller: &Speller) -> Match {
    let word = &place.rest[..words::length(place.rest)];
    let roman = &speller.grammar.roman;
    if speller.grammar.tag == "fr" {
        let ending = ORDINAL_ENDINGS.iter().find_map(|(ending, gender)| Some((word.strip_suffix(ending)?, *gender)));
        // "Le", "Ce" and "De" begin sentences.
        let ending = ending.filter(|(numeral, _)| !matches!(*numeral, "L" | "C" | "D" | "M"));
        if let Some((value, gender)) = ending.and_then(|(numeral, gender)| Some((value(numeral)?, gender))) {
            let ordinal = speller.ordinal(value, gender);
            // "XIXe s."
            let century =
                place.after(word.len()).strip_prefix([' ', '\u{a0}']).is_some_and(|after| after.starts_with("s."));
            let taken = if century { super::money::blank(place.after(word.len())) + "s.".len() } else { 0 };
            let words = if century { format!("{ordinal} siècle") } else { ordinal };
            return Some((words::closed(place, word.len() + taken), words));
        }
    }
    let previous = place.previous_word();
    // "article L. 121", "type M. 3": letters, not numbers.
    let more = place.after(word.len()).strip_prefix('.').map(|after| after.trim_start_matches([' ', '\u{a0}']));
    if matches!(word, "L" | "C" | "D" | "M") && more.is_some_and(|more| more.starts_with(char::is_alphanumeric)) {
        return None;
    }
    let number = value(word).or_else(|| {
        // "siglo xix": small letters only behind such a word.
        let small = roman.counted.contains(&previous.as_str()) || roman.ranked.contains(&previous.as_str());
        value(&word.to_uppercase()).filter(|_| small && word.len() > 1)
    })?;
    let cardinal = || Some((word.len(), speller.count(number, Gender::Alone)));
    if roman.rulers.contains(&previous.as_str()) {
        let gender = if roman.queens.contains(&previous.as_str()) { Gender::Feminine } else { Gender::Masculine };
        let ordinal = number <= roman.ordinal_to;
        return if ordinal { Some((word.len(), speller.ordinal(number, gender))) } else { cardinal() };
    } else if roman.ranked.contains(&previous.as_str()) && number <= roman.ordinal_to {
        let gender = if previous == "guerra" { Gender::Feminine } else { Gender::Masculine };
        return Some((word.len(), speller.ordinal(number, gender)));
    } else if roman.counted.contains(&previous.as_str()) || roman.ranked.contains(&previous.as_str()) {
        return cardinal();
    }
    let next = place.after(word.len()).trim_start_matches([' ', '\u{a0}']);
    let next = next[..words::length(next)].to_lowercase();
    let small = word.bytes().all(|b| matches!(b, b'I' | b'V' | b'X'));
    if let Some((_, gender)) = roman.before.iter().find(|(noun, _)| *noun == next && small) {
        return Some((word.len(), speller.ordinal(number, *gender)));
    }
    // Other letters make words and initials, too; behind "vol." there is a number.
    let numbered = || speller.grammar.before_numbers.iter().any(|(written, _)| written.to_lowercase() == previous);
    if small && (word.len() > 1 || numbered()) { cardinal() } else { None }
}

/// The value of a numeral in its usual form.
pub(super) fn value(word: &str) -> Option<u64> {
    const SIGNS: [(u64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let (mut rest, mut value) = (word, 0);
    for (worth, sign) in SIGNS {
        let mut times = 0;
        while let Some(after) = rest.strip_prefix(sign) {
            (rest, value, times) = (after, value + worth, times + 1);
            if times == 3 || sign.len() == 2 || matches!(worth, 5 | 50 | 500) {
                break;
            }
        }
        // Behind IX no V or I follows, behind IV no I.
        let closed = sign.len() == 2 && times > 0 && rest.starts_with(|c| sign.contains(c) && c != 'M');
        if closed {
            return None;
        }
    }
    (rest.is_empty() && !word.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn numerals_in_their_usual_form() {
        let values = ["I", "IV", "IX", "XIV", "XIX", "XXI", "XL", "XCIX", "CD", "MCMLXXXIX", "MMXXIV"].map(value);
        assert_eq!(values, [1, 4, 9, 14, 19, 21, 40, 99, 400, 1989, 2024].map(Some));
        assert_eq!(["", "IIII", "IXI", "IVI", "VX", "ABC", "CIVIL"].map(value), [None; 7]);
    }
}
