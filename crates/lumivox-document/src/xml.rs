//! XML as a tree, read as leniently as reading systems read books: end tags that don't match are no reason to stop.

use quick_xml::escape::{resolve_html5_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Elements inside each other; books have some dozens.
const MAX_DEPTH: usize = 500;

/// Elements of HTML that have no content and, outside XHTML, no end tag.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// An element.
#[derive(Debug, Default)]
pub struct Element {
    /// Its name without a prefix, as written.
    pub name: String,
    /// Names, without prefixes, and values.
    attributes: Vec<(String, String)>,
    /// What is in it.
    pub children: Vec<Node>,
}

/// What can be in an element.
#[derive(Debug)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, its entities resolved.
    Text(String),
}

impl Element {
    /// An attribute, whatever its prefix.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether a word is among those of an attribute.
    pub fn has(&self, attribute: &str, word: &str) -> bool {
        self.attribute(attribute).is_some_and(|value| value.split_ascii_whitespace().any(|other| other == word))
    }

    /// The elements directly in it.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements of a name directly in it.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.name == name)
    }

    /// The first element below it, however deep, that is `wanted`.
    pub fn find(&self, wanted: &impl Fn(&Element) -> bool) -> Option<&Element> {
        self.elements().find_map(|element| if wanted(element) { Some(element) } else { element.find(wanted) })
    }

    /// All text below it in one line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.add_text(&mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn add_text(&self, text: &mut String) {
        for node in &self.children {
            match node {
                Node::Element(element) => element.add_text(text),
                Node::Text(more) => text.push_str(more),
            }
        }
    }
}

/// Reads `source` as an element without a name that holds everything. What is wrong is said in the error.
pub fn parse(source: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(source);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| format!("{error} (byte {})", reader.error_position()))?;
        match event {
            Event::Start(tag) => {
                open.push(element(&tag));
                if open.len() > MAX_DEPTH {
                    return Err(format!("more than {MAX_DEPTH} elements inside each other"));
                }
                if open.last().is_some_and(|element| VOID.contains(&element.name.as_str())) {
                    close(&mut open);
                }
            }
            Event::Empty(tag) => {
                open.push(element(&tag));
                close(&mut open);
            }
            Event::End(tag) => {
                let name = tag.local_name();
                // One that was never opened closes nothing; one of an outer element closes those in it.
                if let Some(depth) = open.iter().skip(1).rposition(|element| element.name == name.as_ref()) {
                    (depth + 1..open.len()).for_each(|_| close(&mut open));
                }
            }
            Event::Text(text) => push(&mut open, &text),
            Event::CData(text) => push(&mut open, &text),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(c)) => push(&mut open, c.encode_utf8(&mut [0; 4])),
                _ => match resolve_html5_entity(&name) {
                    Some(text) => push(&mut open, text),
                    None => push(&mut open, &format!("&{};", &*name)),
                },
            },
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::DocType(_) | Event::PI(_) => {}
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    Ok(open.pop().unwrap_or_default())
}

fn element(tag: &BytesStart) -> Element {
    let mut attributes = tag.html_attributes();
    let attributes = attributes.with_checks(false).flatten().map(|attribute| {
        let value = unescape_with(&attribute.value, resolve_html5_entity);
        let value = value.map_or_else(|_| attribute.value.to_string(), |value| value.into_owned());
        (attribute.key.local_name().as_ref().to_owned(), value)
    });
    Element { name: tag.local_name().as_ref().to_owned(), attributes: attributes.collect(), children: Vec::new() }
}

fn push(open: &mut [Element], text: &str) {
    let Some(element) = open.last_mut() else { return };
    match element.children.last_mut() {
        Some(Node::Text(before)) => before.push_str(text),
        _ => element.children.push(Node::Text(text.to_owned())),
    }
}

/// Puts the innermost element into the one around it.
fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let (Some(element), Some(outer)) = (open.pop(), open.last_mut())
    {
        outer.children.push(Node::Element(element));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_sloppy_markup_are_read() {
        let source =
            "<!DOCTYPE html><p class='a b'>caf&eacute;&nbsp;&#x41; &amp; &bogus; R&D<br>x<i>y</b>z</p></div><p/>";
        let tree = parse(source).unwrap();
        let p = tree.elements().next().unwrap();
        assert!(p.has("class", "b") && !p.has("class", "a b"));
        assert_eq!(p.text(), "café A & &bogus; R&Dxyz");
        assert_eq!(tree.named("p").count(), 2);
        assert!(p.find(&|element| element.name == "br").is_some_and(|br| br.children.is_empty()));
        assert_eq!(parse("<![CDATA[1 < 2]]>").unwrap().text(), "1 < 2");
    }

    #[test]
    fn what_is_no_markup_and_what_is_too_deep_are_errors() {
        assert!(parse("<p <!-- ").is_err());
        let deep = "<i>".repeat(100_000);
        assert!(parse(&deep).unwrap_err().contains("inside each other"));
        // An entity is never expanded into others.
        let bomb = r#"<!DOCTYPE a [<!ENTITY b "xxxx"><!ENTITY c "&b;&b;">]><a>&c;</a>"#;
        assert_eq!(parse(bomb).unwrap().text(), "&c;");
    }
}
