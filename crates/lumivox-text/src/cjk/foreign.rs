//! Words of other scripts: read by the English front-end, which is loaded when the first is met.

use std::ops::Range;
use std::sync::OnceLock;

use unicode_normalization::char::is_combining_mark;

use super::glyphs::Glyph;
use crate::english::{Dialect, English};
use crate::token::Phonemized;

/// The reader of other scripts.
#[derive(Default)]
pub(crate) struct Foreign(OnceLock<Option<English>>);

impl Foreign {
    /// The words of `glyphs` in English; spans are byte ranges of their characters put together. `None` if English can't be
    /// loaded, which damaged data alone can cause.
    pub(crate) fn read(&self, glyphs: &[Glyph]) -> Option<Phonemized> {
        let english = self.0.get_or_init(|| English::new(Dialect::American).ok()).as_ref()?;
        let text: String = glyphs.iter().map(|glyph| glyph.c).collect();
        Some(english.phonemize(&text))
    }
}

/// The bytes of the source text behind the bytes `span` of what `glyphs` put together are.
pub(super) fn source_range(glyphs: &[Glyph], span: &Range<usize>) -> Option<Range<usize>> {
    let mut at = 0;
    let mut range: Option<Range<usize>> = None;
    for glyph in glyphs {
        let end = at + glyph.c.len_utf8();
        if at < span.end && end > span.start {
            let start = range.map_or(glyph.from.start, |range| range.start);
            range = Some(start..glyph.from.end);
        }
        at = end;
    }
    range
}

/// Where the run of foreign words that begins at `start` ends; `is_foreign` tells letters of other scripts. Blanks, hyphens and
/// the like belong to it if a foreign letter follows.
pub(crate) fn foreign_end(glyphs: &[Glyph], start: usize, is_foreign: impl Fn(char) -> bool) -> usize {
    const TITLES: [&str; 7] = ["Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Lt"];
    let is = |at: usize, c: char| glyphs.get(at).is_some_and(|glyph| glyph.c == c);
    let title = |end: usize| {
        let word: String = glyphs[start..end].iter().map(|glyph| glyph.c).collect();
        TITLES.contains(&word.rsplit(' ').next().unwrap_or_default())
    };
    let letter = |at: usize| glyphs.get(at).is_some_and(|g| is_foreign(g.c) || is_combining_mark(g.c));
    let mut end = start + 1;
    loop {
        if letter(end) {
            end += 1;
        } else if glyphs.get(end).is_some_and(|g| " '’-&.+".contains(g.c)) && letter(end + 1) {
            end += 2;
        } else if is(end, '.') && is(end + 1, ' ') && letter(end + 2) && title(end) {
            // "Dr. Smith": this point ends no sentence.
            end += 3;
        } else {
            return end;
        }
    }
}

/// Where the web or e-mail address that begins at `start` ends, if one does.
pub(crate) fn web_end(glyphs: &[Glyph], start: usize) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_graphic() && !"\"<>()[]{}|".contains(c);
    let begins =
        glyphs[start].c.is_ascii_alphanumeric() && !start.checked_sub(1).is_some_and(|at| is_part(glyphs[at].c));
    if !begins {
        return None;
    }
    let run: String = glyphs[start..].iter().map(|g| g.c).take_while(|c| is_part(*c)).collect();
    let run = run.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '~', '-']);
    is_address(run).then_some(start + run.len())
}

fn is_address(run: &str) -> bool {
    const DOMAINS: [&str; 14] =
        ["com", "cn", "jp", "org", "net", "edu", "gov", "io", "co", "info", "tw", "hk", "dev", "app"];
    let (host, scheme) = match run.split_once("://") {
        Some((scheme, rest)) => (rest, !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphabetic())),
        None => (run, false),
    };
    let (user, host) = host.split_once('@').map_or((None, host), |(user, host)| (Some(user), host));
    let host = host.split(['/', '?', '#', ':']).next().unwrap_or(host);
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_host = labels.len() > 1 && labels.iter().all(is_label);
    let known = labels.last().is_some_and(|last| DOMAINS.contains(&last.to_ascii_lowercase().as_str()));
    is_host && (scheme || user.is_some_and(|user| !user.is_empty()) || labels[0] == "www" || known)
}

#[cfg(test)]
mod tests {
    use super::super::glyphs::glyphs;
    use super::*;

    #[test]
    fn addresses_end_where_they_end() {
        let end = |text: &str| web_end(&glyphs(text, 0..text.len(), None), 0);
        assert_eq!(end("www.baidu.com查看"), Some(13));
        assert_eq!(end("a.b@example.org."), Some(15));
        assert_eq!(end("https://example.com/a?b=c，"), Some(25));
        assert_eq!((end("3.14"), end("U.S.A."), end("ok")), (None, None, None));
    }
}
