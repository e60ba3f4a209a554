//! Numbers as they are written.

use super::glyphs::Glyph;

/// A number: digits without their commas, and where it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    pub whole: String,
    pub fraction: Option<String>,
    pub end: usize,
}

/// A place in the characters of a text.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a>(pub &'a [Glyph]);

impl Scan<'_> {
    pub(crate) fn c(self, at: usize) -> Option<char> {
        self.0.get(at).map(|glyph| glyph.c)
    }

    /// The character before `at`.
    pub(crate) fn before(self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|at| self.c(at))
    }

    pub(crate) fn is_digit(self, at: usize) -> bool {
        self.c(at).is_some_and(|c| c.is_ascii_digit())
    }

    pub(crate) fn starts_with(self, at: usize, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, c)| self.c(at + offset) == Some(c))
    }

    /// Whether `text` stands before `at`.
    pub(crate) fn ends_with(self, at: usize, text: &str) -> bool {
        at.checked_sub(text.chars().count()).is_some_and(|start| self.starts_with(start, text))
    }

    /// The digits before `at`.
    pub(crate) fn digits_before(self, at: usize) -> String {
        let mut start = at;
        while start > 0 && self.is_digit(start - 1) {
            start -= 1;
        }
        self.digits(start)
    }

    /// Whether the dash at `at` stands between two small whole numbers of which the first is no less: no range.
    pub(crate) fn is_score(self, at: usize) -> bool {
        let (left, right) = (self.digits_before(at), self.digits(at + 1));
        let part = |c: Option<char>| c.is_some_and(|c| ":./,".contains(c));
        let whole = !part(self.before(at.saturating_sub(left.len()))) && !part(self.c(at + 1 + right.len()));
        let small = (1..3).contains(&left.len()) && (1..3).contains(&right.len());
        whole && small && left.parse::<u8>().ok() >= right.parse::<u8>().ok()
    }

    /// The digits from `at` on.
    pub(crate) fn digits(self, at: usize) -> String {
        self.0.get(at..).unwrap_or_default().iter().map(|g| g.c).take_while(char::is_ascii_digit).collect()
    }

    /// Digits of a length in `least..=most`, no more following.
    pub(crate) fn group(self, at: usize, least: usize, most: usize) -> Option<String> {
        let digits = self.digits(at);
        (least..=most).contains(&digits.len()).then_some(digits)
    }

    /// The number at `at`, with commas between groups of three, and decimals.
    pub(crate) fn number(self, at: usize) -> Option<Number> {
        let mut whole = self.digits(at);
        let mut end = at + whole.len();
        if whole.is_empty() {
            return None;
        }
        while (1..=3).contains(&(end - at)) || end - at > 3 && self.c(end - 4) == Some(',') {
            match self.group(end + 1, 3, 3).filter(|_| self.c(end) == Some(',')) {
                Some(group) => {
                    whole += &group;
                    end += 4;
                }
                None => break,
            }
        }
        let fraction = Some(self.digits(end + 1)).filter(|digits| self.c(end) == Some('.') && !digits.is_empty());
        if let Some(fraction) = &fraction {
            end += 1 + fraction.len();
        }
        Some(Number { whole, fraction, end })
    }

    /// Groups of digits with one of `separators` between them, at least `least`, at most `most`; and where they end. The
    /// separators are all the same.
    pub(crate) fn groups(self, at: usize, separators: &str, least: usize, most: usize) -> Option<(Vec<String>, usize)> {
        let first = self.digits(at);
        let mut end = at + first.len();
        let separator = self.c(end).filter(|c| separators.contains(*c))?;
        let mut groups = vec![first];
        while groups.len() <= most && self.c(end) == Some(separator) && self.is_digit(end + 1) {
            let group = self.digits(end + 1);
            end += 1 + group.len();
            groups.push(group);
        }
        ((least..=most).contains(&groups.len()) && !groups[0].is_empty()).then_some((groups, end))
    }

    /// Whether a letter of the Latin alphabet stands at `at`.
    pub(crate) fn is_latin(self, at: usize) -> bool {
        self.c(at).is_some_and(|c| c.is_ascii_alphabetic())
    }
}
