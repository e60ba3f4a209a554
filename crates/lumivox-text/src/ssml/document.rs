//! Reading a document.

use std::ops::Range;

use roxmltree::{Attribute, Node, ParsingOptions};

use super::places::Places;
use super::{Delivery, Document, Notice, Part, attributes, limits};
use crate::language::Language;
use crate::token::Boundary;

/// The elements and the attributes that they take, `xml:lang` aside.
const ELEMENTS: [(&str, &[&str]); 10] = [
    ("speak", &["version", "schemaLocation"]),
    ("p", &[]),
    ("s", &[]),
    ("break", &["time", "strength"]),
    ("prosody", &["rate"]),
    ("say-as", &["interpret-as", "format", "detail"]),
    ("sub", &["alias"]),
    ("phoneme", &["ph", "alphabet"]),
    ("lang", &[]),
    ("voice", &["name"]),
];

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The longest value of an attribute that each part of what is inside keeps, in bytes: else a short document could ask for any amount of memory.
const MAX_KEPT_BYTES: usize = 256;

/// Reads a document.
///
/// # Errors
/// If it is not well-formed, its root is not `speak`, or a value makes no sense; the error has the place.
pub fn parse(source: &str) -> Result<Document, Notice> {
    let places = Places::new(source);
    if let Some((at, reason)) = limits::excess(source) {
        let (line, column) = places.of(at);
        return Err(Notice { line, column, reason });
    }
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    let tree = roxmltree::Document::parse_with_options(source, options).map_err(|error| {
        let (at, reason) = (error.pos(), error.to_string());
        // The place is told apart.
        let reason = reason.rsplit_once(" at ").map_or(reason.as_str(), |(reason, _)| reason).to_owned();
        Notice { line: at.row, column: at.col, reason }
    })?;
    let root = tree.root_element();
    let mut reader = Reader {
        source,
        places,
        document: Document::default(),
        part: Part::default(),
        deliveries: vec![Delivery::default()],
        say_as: Vec::new(),
    };
    if root.tag_name().name() != "speak" {
        let reason = format!("the root is `{}`, not `speak`", root.tag_name().name());
        return Err(reader.notice(root.range().start, reason));
    }
    reader.read(root)?;
    reader.finish();
    Ok(reader.document)
}

struct Reader<'a> {
    source: &'a str,
    places: Places<'a>,
    document: Document,
    part: Part,
    /// Of the open elements, the innermost last.
    deliveries: Vec<Delivery>,
    /// `interpret-as` of the open elements.
    say_as: Vec<Option<String>>,
}

impl<'a> Reader<'a> {
    fn notice(&self, at: usize, reason: impl Into<String>) -> Notice {
        let (line, column) = self.places.of(at);
        Notice { line, column, reason: reason.into() }
    }

    /// Walks through the document without recursion, as elements may be nested deeper than a stack is.
    fn read(&mut self, root: Node<'a, 'a>) -> Result<(), Notice> {
        let mut node = root;
        loop {
            let inside = if node.is_element() { self.open(&node)? } else { false };
            if node.is_text() {
                self.text(&node);
            }
            if let Some(child) = node.first_child().filter(|_| inside) {
                node = child;
                continue;
            }
            if inside {
                self.close(&node);
            }
            loop {
                if node == root {
                    return Ok(());
                }
                if let Some(next) = node.next_sibling() {
                    node = next;
                    break;
                }
                let Some(parent) = node.parent() else { return Ok(()) };
                self.close(&parent);
                node = parent;
            }
        }
    }

    /// Whether what is inside an element is read; then it will be closed.
    fn open(&mut self, node: &Node<'a, 'a>) -> Result<bool, Notice> {
        let name = node.tag_name().name();
        self.report_unknown(node, name);
        let mut delivery = self.deliveries.last().cloned().unwrap_or_default();
        let mut say_as = self.say_as.last().cloned().flatten();
        if let Some(language) = self.language(node)? {
            delivery.language = Some(language);
        }
        match name {
            "p" | "s" => self.flush(Boundary::Sentence),
            "break" => {
                self.pause(node)?;
                return Ok(false);
            }
            "sub" => {
                let alias = self.required(node, "alias")?;
                self.part.push(&spaced(alias.value()), node.range(), false);
                return Ok(false);
            }
            "phoneme" => {
                self.phoneme(node)?;
                return Ok(false);
            }
            "prosody" => {
                if let Some(rate) = node.attribute_node("rate") {
                    delivery.rate *= self.value(&rate, attributes::rate)?;
                    delivery.rate = delivery.rate.clamp(0.25, 4.0);
                }
            }
            "voice" => {
                if let Some(voice) = node.attribute_node("name") {
                    delivery.voice = Some(self.kept(&voice)?);
                }
            }
            "say-as" => say_as = Some(self.kept(&self.required(node, "interpret-as")?)?),
            _ => {}
        }
        if delivery != *self.deliveries.last().unwrap_or(&Delivery::default()) {
            self.flush(Boundary::None);
        }
        self.part.delivery = delivery.clone();
        self.deliveries.push(delivery);
        self.say_as.push(say_as);
        Ok(true)
    }

    fn close(&mut self, node: &Node) {
        let closed = self.deliveries.pop();
        self.say_as.pop();
        let outer = self.deliveries.last().cloned().unwrap_or_default();
        match node.tag_name().name() {
            "p" => self.flush(Boundary::Paragraph),
            "s" => self.flush(Boundary::Sentence),
            _ if closed.as_ref() != Some(&outer) => self.flush(Boundary::None),
            _ => {}
        }
        self.part.delivery = outer;
    }

    /// Ends the part, if there is something in it; else the one before ends so.
    fn flush(&mut self, boundary: Boundary) {
        if self.part.text.trim().is_empty() {
            if let Some(last) = self.document.parts.last_mut().filter(|_| self.part.pause_s == 0.0) {
                last.boundary = last.boundary.max(boundary);
            }
            (self.part.text, self.part.pieces) = Default::default();
            return;
        }
        let next = Part { delivery: self.part.delivery.clone(), ..Part::default() };
        let mut part = std::mem::replace(&mut self.part, next);
        part.boundary = boundary;
        self.document.parts.push(part);
    }

    fn finish(&mut self) {
        self.flush(Boundary::Paragraph);
        if self.part.pause_s > 0.0 {
            self.document.parts.push(std::mem::take(&mut self.part));
        }
    }

    fn pause(&mut self, node: &Node<'a, 'a>) -> Result<(), Notice> {
        let pause_s = match (node.attribute_node("time"), node.attribute_node("strength")) {
            (Some(time), _) => self.value(&time, attributes::time)?,
            (None, Some(strength)) => self.value(&strength, attributes::strength)?,
            (None, None) => attributes::strength("medium").map_err(|reason| self.notice(node.range().start, reason))?,
        };
        if pause_s > 0.0 {
            self.flush(Boundary::None);
            self.part.pause_s += pause_s;
        }
        Ok(())
    }

    fn phoneme(&mut self, node: &Node<'a, 'a>) -> Result<(), Notice> {
        let phonemes = self.required(node, "ph")?;
        let alphabet = node.attribute("alphabet").unwrap_or("ipa");
        let at = phonemes.range().start;
        if alphabet != "ipa" {
            return Err(self.notice(node.range().start, format!("the alphabet `{alphabet}` is not known; write IPA")));
        } else if phonemes.value().contains("]]") || phonemes.value().contains("[[") {
            return Err(self.notice(at, "double brackets among phonemes"));
        } else if !phonemes.value().contains(char::is_alphabetic) {
            return Err(self.notice(at, "no sound among these phonemes"));
        }
        self.part.push(&format!("[[{}]]", phonemes.value().trim()), node.range(), false);
        Ok(())
    }

    /// The text of a node, with the way back to the document.
    fn text(&mut self, node: &Node<'a, 'a>) {
        let (text, range) = (node.text().unwrap_or_default(), node.range());
        if let Some(kind) = self.say_as.last().cloned().flatten() {
            let language = self.deliveries.last().and_then(|delivery| delivery.language);
            match said_as(text, &kind, language) {
                Some(said) if said != text => return self.part.push(&said, range, false),
                Some(_) => {}
                None => {
                    let reason = format!("say-as `{kind}` has no effect");
                    let notice = self.notice(node.parent().unwrap_or(*node).range().start, reason);
                    self.document.notices.push(notice);
                }
            }
        }
        let raw = &self.source[range.clone()];
        if raw == text {
            return self.part.push(text, range, true);
        }
        match aligned(raw, text) {
            Some(pieces) => {
                for (text, piece, in_step) in pieces {
                    self.part.push(text, range.start + piece.start..range.start + piece.end, in_step);
                }
            }
            None => self.part.push(text, range, false),
        }
    }

    fn language(&self, node: &Node<'a, 'a>) -> Result<Option<Language>, Notice> {
        let Some(tag) = node.attribute_node((XML, "lang")) else { return Ok(None) };
        let language = tag.value().parse::<Language>();
        language.map(Some).map_err(|error| self.notice(tag.range().start, error.to_string()))
    }

    fn required(&self, node: &Node<'a, 'a>, name: &str) -> Result<Attribute<'a, 'a>, Notice> {
        let missing = || self.notice(node.range().start, format!("`{}` has no `{name}`", node.tag_name().name()));
        node.attribute_node(name).ok_or_else(missing)
    }

    fn kept(&self, attribute: &Attribute) -> Result<String, Notice> {
        let value = attribute.value();
        if value.len() <= MAX_KEPT_BYTES {
            return Ok(value.to_owned());
        }
        let reason = format!("`{}` has {} bytes; at most {MAX_KEPT_BYTES} make sense", attribute.name(), value.len());
        Err(self.notice(attribute.range().start, reason))
    }

    fn value(&self, attribute: &Attribute, read: fn(&str) -> Result<f32, String>) -> Result<f32, Notice> {
        read(attribute.value()).map_err(|reason| self.notice(attribute.range().start, reason))
    }

    fn report_unknown(&mut self, node: &Node<'a, 'a>, name: &str) {
        let known = ELEMENTS.iter().find(|(element, _)| *element == name);
        let Some((_, attributes)) = known else {
            let notice = self.notice(node.range().start, format!("`{name}` has no effect; its text is spoken"));
            return self.document.notices.push(notice);
        };
        let unknown = |attribute: &Attribute| {
            let language = attribute.namespace() == Some(XML);
            !language && !attributes.contains(&attribute.name())
        };
        for attribute in node.attributes().filter(unknown) {
            let reason = format!("`{}` of `{name}` has no effect", attribute.name());
            let notice = self.notice(attribute.range().start, reason);
            self.document.notices.push(notice);
        }
    }
}

/// Text with blanks around it, so that it is a word of its own where markup touches its neighbours.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text that is read as `interpret-as` wants it; none if that is not known.
fn said_as(text: &str, interpret_as: &str, language: Option<Language>) -> Option<String> {
    let plain = text.trim();
    let apart = |keep: fn(&char) -> bool| {
        let chars: Vec<String> = plain.chars().filter(keep).map(|c| c.to_uppercase().collect()).collect();
        format!(" {} ", chars.join(" "))
    };
    Some(match interpret_as {
        "characters" | "spell-out" | "verbatim" => apart(|c| !c.is_whitespace()),
        "digits" | "telephone" if plain.chars().any(|c| c.is_ascii_digit()) => {
            apart(|c| c.is_ascii_digit() || *c == '+')
        }
        "ordinal" if plain.bytes().all(|b| b.is_ascii_digit()) && !plain.is_empty() => ordinal(plain, language),
        "cardinal" | "number" | "ordinal" | "fraction" | "unit" | "date" | "time" | "currency" | "address" | "name"
        | "digits" | "telephone" => text.to_owned(),
        _ => return None,
    })
}

/// Digits with what makes an ordinal of them in a language; English where none is given.
fn ordinal(digits: &str, language: Option<Language>) -> String {
    let english = match (digits.strip_suffix(['1', '2', '3']), digits) {
        (Some(tens), _) if tens.ends_with('1') => "th",
        (Some(_), one) if one.ends_with('1') => "st",
        (Some(_), two) if two.ends_with('2') => "nd",
        (Some(_), _) => "rd",
        (None, _) => "th",
    };
    match language {
        None | Some(Language::English(_)) => format!("{digits}{english}"),
        Some(Language::Spanish) => format!("{digits}.º"),
        Some(Language::French) => format!("{digits}{}", if digits == "1" { "er" } else { "e" }),
        Some(Language::Italian | Language::BrazilianPortuguese) => format!("{digits}º"),
        Some(Language::Hindi) => format!("{digits}वां"),
        Some(Language::Japanese) => format!("{digits}番目"),
        Some(Language::Mandarin) => format!("第{digits}"),
    }
}

/// Stretches of `text` with those of `raw`, in which characters are written as entities; none if `raw` is written otherwise.
fn aligned<'t>(raw: &str, text: &'t str) -> Option<Vec<(&'t str, Range<usize>, bool)>> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while from < raw.len() {
        let plain = raw[from..].find(['&', '\r']).unwrap_or(raw.len() - from);
        if plain > 0 {
            let same = text.get(at..at + plain).filter(|same| *same == &raw[from..from + plain])?;
            pieces.push((same, from..from + plain, true));
            (from, at) = (from + plain, at + plain);
            continue;
        }
        // An entity is one character, a line break too.
        let length = match raw.as_bytes()[from] {
            b'&' => raw[from..].find(';')? + 1,
            _ => 1 + usize::from(raw[from + 1..].starts_with('\n')),
        };
        let one = text.get(at..)?.chars().next()?.len_utf8();
        pieces.push((&text[at..at + one], from..from + length, false));
        (from, at) = (from + length, at + one);
    }
    (at == text.len()).then_some(pieces)
}
