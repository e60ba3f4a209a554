//! Text of any script in Latin letters, by uroman (Hermjakob, May, Knight: "Out-of-the-box universal romanization tool uroman",
//! ACL 2018), as MMS-TTS was trained.
//!
//! The rules and tables are the crate `uroman`'s, a port of the Python program. Its tables are compiled in and read in place,
//! so that nothing is loaded beforehand.

use uroman::Uroman;
use uroman::rom_format::{Edges, Str};

use crate::characters::Symbol;

/// Romanises `text`, without a language code. Letters keep their case; Latin ones lose their accents.
///
/// ```
/// assert_eq!(lumivox_text::uroman::romanize("Привет, мир! 안녕"), "Privet, mir! annyeong");
/// ```
pub fn romanize(text: &str) -> String {
    Uroman::new().romanize_string::<Str>(text, None).to_string()
}

/// Characters that are romanised at once, or a few more: uroman's memory and time grow faster than the text.
const PIECE: usize = 2_000;

/// Romanises characters that know where they came from. Those that became one Latin stretch together share their bytes.
pub(crate) fn romanize_symbols(symbols: &[Symbol]) -> Vec<Symbol> {
    let mut latin = Vec::with_capacity(symbols.len());
    let mut start = 0;
    for (i, pair) in symbols.windows(2).enumerate() {
        // Rules look at neighbours and, for numbers, over a blank; not beyond the end of a clause.
        let (length, ends_clause) = (i + 1 - start, !pair[0].c.is_alphanumeric());
        if pair[1].c == ' ' && (length >= 4 * PIECE || (length >= PIECE && ends_clause)) {
            latin.append(&mut romanize_piece(&symbols[start..=i]));
            start = i + 1;
        }
    }
    latin.append(&mut romanize_piece(&symbols[start..]));
    latin
}

fn romanize_piece(symbols: &[Symbol]) -> Vec<Symbol> {
    let text: String = symbols.iter().map(|symbol| symbol.c).collect();
    if text.is_ascii() {
        return symbols.to_vec();
    }
    let edges = Uroman::new().romanize_string::<Edges>(&text, None).to_edges();
    let mut latin = Vec::with_capacity(symbols.len());
    for edge in edges {
        let covered = symbols.get(edge.start()..edge.end()).unwrap_or_default();
        let [first, .., last] = covered else {
            latin.extend(
                covered.iter().flat_map(|one| edge.txt().chars().map(|c| Symbol { from: one.from.clone(), c })),
            );
            continue;
        };
        let from = first.from.start..last.from.end;
        latin.extend(edge.txt().chars().map(|c| Symbol { from: from.clone(), c }));
    }
    latin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_join_to_the_whole_and_keep_their_bytes() {
        let text = "नमस्ते 世界, Ελλάδα 三千 한글 བོད་ཡིག ok";
        let latin = romanize_symbols(&Symbol::all(text));
        assert_eq!(latin.iter().map(|symbol| symbol.c).collect::<String>(), romanize(text));
        assert!(latin.windows(2).all(|pair| pair[0].from == pair[1].from || pair[0].from.end <= pair[1].from.start));
        let long = text.repeat(400) + ", ";
        let long = long.repeat(2);
        let pieces: String = romanize_symbols(&Symbol::all(&long)).into_iter().map(|symbol| symbol.c).collect();
        assert_eq!(pieces, romanize(&long));
        let of = |word: &str| {
            let at = text.find(word).unwrap();
            let inside = |symbol: &&Symbol| (at..at + word.len()).contains(&symbol.from.start);
            latin.iter().filter(inside).map(|symbol| symbol.c).collect::<String>()
        };
        assert_eq!([of("Ελλάδα"), of("한글"), of("ok")], ["Ellada", "hangeul", "ok"]);
    }
}
