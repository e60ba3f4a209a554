//! What is refused before it is parsed, as the parser's time or memory is no longer in proportion to it.

/// Most declarations of namespaces. Where they nest, the time is that of their number to the third power.
const MAX_NAMESPACES: usize = 500;

/// Most attributes of an element, each of which is compared with all others.
const MAX_ATTRIBUTES: usize = 500;

/// The byte at which there is too much of something, and what.
pub(super) fn excess(source: &str) -> Option<(usize, String)> {
    let namespaces = source.match_indices("xmlns").nth(MAX_NAMESPACES);
    let namespaces = namespaces.map(|(at, _)| (at, format!("more than {MAX_NAMESPACES} namespaces")));
    namespaces.or_else(|| attributes(source).map(|at| (at, format!("more than {MAX_ATTRIBUTES} attributes at once"))))
}

/// Where there are too many. An attribute is taken to be an equals sign with a quotation mark behind it, which can stand in text, too, but hardly so often
/// without an element between.
fn attributes(source: &str) -> Option<usize> {
    let mut count = 0;
    let mut previous = 0;
    for (at, byte) in source.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()) {
        match byte {
            b'<' => count = 0,
            b'"' | b'\'' if previous == b'=' => count += 1,
            _ => {}
        }
        previous = byte;
        if count > MAX_ATTRIBUTES {
            return Some(at);
        }
    }
    None
}
