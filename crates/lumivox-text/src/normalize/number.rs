//! Numbers as they are written: digits, separators, decimals.

/// Digits of a number before and behind the decimal sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// Bytes that it takes.
    pub length: usize,
    pub whole: String,
    pub decimals: String,
}

impl Number {
    pub(super) fn is_one(&self) -> bool {
        self.whole.trim_start_matches('0') == "1" && self.decimals.is_empty()
    }
}

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

/// The number at the start of `text`: thousands in groups of three (of two in India), decimals behind a comma or a point; where a point can be
/// no thousands' separator it is a decimal one, too.
pub(super) fn parse(text: &str, decimal_comma: bool) -> Option<Number> {
    let first = digits(text);
    if first.is_empty() {
        return None;
    }
    // "1,234.56", "1,234,567": in America Spanish and Portuguese, too, are written so.
    let swapped = decimal_comma && !first.starts_with('0') && first.len() <= 3 && {
        let behind = groups(&text[first.len()..], ',', false);
        behind.is_some_and(|(taken, more)| {
            let rest = text[first.len() + taken..].strip_prefix('.').map(digits).filter(|rest| !rest.is_empty());
            more.len() > 3 || rest.is_some_and(|rest| rest.len() != 3)
        })
    };
    let decimal_comma = decimal_comma && !swapped;
    let (mut whole, mut length) = (first.to_owned(), first.len());
    let mut grouped = None;
    if first.len() <= 3 && !first.starts_with('0') {
        let separator = text[length..].chars().next().filter(|c| is_separator(*c, decimal_comma));
        let groups = separator.and_then(|separator| groups(&text[length..], separator, !decimal_comma));
        if let Some((taken, more)) = groups {
            whole += &more;
            length += taken;
            grouped = separator;
        }
    }
    let mut decimals = String::new();
    let behind = &text[length..];
    let sign = behind.chars().next().filter(|c| matches!(c, ',' | '.') && grouped != Some(*c));
    if let Some(sign) = sign {
        let found = digits(&behind[1..]);
        let after = &behind[1 + found.len()..];
        let list = after.starts_with(sign) && after[1..].starts_with(|c: char| c.is_ascii_digit());
        let own = (sign == ',') == decimal_comma;
        if !found.is_empty() && !list && (own || (sign == '.' && grouped.is_none())) {
            decimals = found.to_owned();
            length += 1 + found.len();
        }
    }
    Some(Number { length, whole, decimals })
}

fn is_separator(c: char, decimal_comma: bool) -> bool {
    matches!(c, '\u{a0}' | '\u{202f}' | ' ') || if decimal_comma { c == '.' || c == '\'' } else { c == ',' }
}

/// Groups of digits, each behind the separator: bytes and digits. The last has three.
fn groups(text: &str, separator: char, indian: bool) -> Option<(usize, String)> {
    let (mut taken, mut all, mut last) = (0, String::new(), 0);
    while let Some(rest) = text[taken..].strip_prefix(separator) {
        let group = digits(rest);
        if group.len() != 3 && !(indian && group.len() == 2) {
            break;
        }
        last = group.len();
        all += group;
        taken += separator.len_utf8() + group.len();
        if last == 3 && separator == ' ' && !digits(&text[taken..]).is_empty() {
            return None;
        }
    }
    // "1.2345" has no groups.
    let goes_on =
        text[taken..].strip_prefix(separator).is_some_and(|rest| separator != ' ' && !digits(rest).is_empty());
    (last == 3 && !goes_on).then_some((taken, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_decimals() {
        let read = |text, comma| parse(text, comma).map(|n| (n.length, n.whole, n.decimals)).unwrap();
        let number = |length, whole: &str, decimals: &str| (length, whole.to_owned(), decimals.to_owned());
        assert_eq!(read("1.234.567,89 €", true), number(12, "1234567", "89"));
        assert_eq!(read("1 593 072 962e", true), number(13, "1593072962", ""));
        assert_eq!(read("3.14", true), number(4, "3", "14"));
        assert_eq!(read("3.141", true), number(5, "3141", ""));
        assert_eq!(read("1.2345", true), number(6, "1", "2345"));
        assert_eq!(read("2020 300", true), number(4, "2020", ""));
        assert_eq!(read("1,2,3", true), number(1, "1", ""));
        assert_eq!(read("12,34,567.5", false), number(11, "1234567", "5"));
        assert_eq!(read("1,234.56", true), number(8, "1234", "56"));
        assert_eq!(read("1,234,567", true), number(9, "1234567", ""));
        assert_eq!(read("1,234", true), number(5, "1", "234"));
        assert_eq!(read("007", true), number(3, "007", ""));
        assert!(parse("x", true).is_none());
    }
}
