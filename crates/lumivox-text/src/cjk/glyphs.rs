//! Characters of the text that is said, each with the bytes that it is read from.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::normalize::EmojiNames;

/// What a [`Glyph`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A character of the text.
    Plain,
    /// Part of a reading: of a number, a unit, a symbol.
    Read,
    /// Part of a web or e-mail address.
    Web,
    /// Part of the name of an emoji.
    Name,
}

/// A character that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glyph {
    pub c: char,
    /// Bytes of the source text. All characters of one reading have the same.
    pub from: Range<usize>,
    pub kind: Kind,
}

/// The reading `said` of the bytes `from`.
pub(crate) fn read_as(said: &str, from: Range<usize>) -> impl Iterator<Item = Glyph> {
    said.chars().map(move |c| Glyph { c, from: from.clone(), kind: Kind::Read })
}

/// The characters of `text[range]` in their usual width: letters, digits and signs ASCII, kana full; enclosed and squared ones
/// taken apart. Emoji that have names are read by them.
pub(crate) fn glyphs(text: &str, range: Range<usize>, names: Option<EmojiNames>) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut named_to = 0;
    for (at, c) in text[range.clone()].char_indices() {
        if at < named_to {
            continue;
        }
        if let Some((length, name)) = names.and_then(|names| names.at(&text[range.start + at..range.end])) {
            named_to = at + length;
            let from = range.start + at..range.start + named_to;
            glyphs.extend(name.chars().map(|c| Glyph { c, from: from.clone(), kind: Kind::Name }));
            continue;
        }
        let from = range.start + at..range.start + at + c.len_utf8();
        if let Some(voiced) = voiced(c).zip(glyphs.last()).and_then(|(mark, last)| composed(last.c, mark))
            && let Some(last) = glyphs.last_mut()
        {
            last.c = voiced;
            last.from.end = from.end;
            continue;
        }
        let plain = |c| Glyph { c, from: from.clone(), kind: Kind::Plain };
        if has_usual_form(c) {
            // Of ㈱ and ⑴ the brackets are decoration.
            let is_decoration = |c: &char| matches!(c, '(' | ')');
            glyphs.extend(c.nfkc().filter(|c| !is_decoration(c)).map(plain));
        } else {
            glyphs.push(plain(c));
        }
    }
    let wide = |glyphs: &[Glyph]| match glyphs {
        [a, mark, b] if a.c.is_ascii_digit() && b.c.is_ascii_digit() => match mark.c {
            '．' => Some('.'),
            '：' => Some(':'),
            _ => None,
        },
        _ => None,
    };
    for at in 1..glyphs.len().max(1) {
        if let Some(narrow) = glyphs.get(at - 1..at + 2).and_then(wide) {
            glyphs[at].c = narrow;
        }
    }
    glyphs
}

/// The combining mark for a half-width voicing mark.
fn voiced(c: char) -> Option<char> {
    match c {
        'ﾞ' | '\u{3099}' => Some('\u{3099}'),
        'ﾟ' | '\u{309A}' => Some('\u{309A}'),
        _ => None,
    }
}

fn composed(c: char, mark: char) -> Option<char> {
    let mut composed = [c, mark].into_iter().nfc();
    let first = composed.next();
    first.filter(|_| composed.next().is_none())
}

/// Whether Unicode has the same character in another form that the rules know.
fn has_usual_form(c: char) -> bool {
    match c {
        // Marks, to which width tells a language.
        '！' | '（' | '）' | '，' | '．' | '：' | '；' | '？' | '［' | '］' | '｛' | '｝' | '＂' => false,
        // Symbols with a name of their own: degrees, signs of money.
        '℃' | '℉' | '￥' | '￡' | '￠' => false,
        _ => {
            matches!(c, '\u{FF00}'..='\u{FFEF}' | '\u{3200}'..='\u{33FF}' | '\u{2150}'..='\u{218B}' | '\u{2460}'..='\u{24FF}'
            | '\u{2F00}'..='\u{2FDF}' | '\u{1D400}'..='\u{1D7FF}' | '\u{1F100}'..='\u{1F16F}' | '\u{1F200}'..='\u{1F251}'
            | '½' | '¼' | '¾')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(original: &str) -> String {
        glyphs(original, 0..original.len(), None).iter().map(|g| g.c).collect()
    }

    #[test]
    fn widths_are_the_usual_ones() {
        assert_eq!(text("ＡＢＣ１２３％，１２：３０"), "ABC123%，12:30");
        assert_eq!(text("ｶﾞﾝﾀﾞﾑ㈱①㎏"), "ガンダム株1kg");
        assert_eq!(text("３．５℃"), "3.5℃");
    }

    #[test]
    fn places_are_kept() {
        let all = glyphs("aｶﾞ㈱b", 1..10, None);
        let places: Vec<_> = all.iter().map(|g| (g.c, g.from.clone())).collect();
        assert_eq!(places[0], ('ガ', 1..7));
        assert_eq!(places[1..], [('株', 7..10)]);
    }
}
