//! Markdown: CommonMark with GitHub's tables, footnotes, task lists and what is struck out.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::page::Page;
use crate::paragraphs::Paragraphs;
use crate::{Chapter, Content, Document, xml};

/// Reads a document. A code block is not read, which a note says.
pub fn read(source: &str) -> Document {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let line_ends = source.match_indices('\n').map(|(at, _)| at).collect();
    let mut walk = Walk { source, line_ends, ..Walk::default() };
    for (event, place) in Parser::new_ext(source, options).into_offset_iter() {
        walk.event(event, place);
    }
    let title = walk.title.take().or_else(|| {
        let mut first = walk.headings.iter().filter(|heading| heading.level == HeadingLevel::H1);
        // Several headings of the first level are chapters, and none of them is the title.
        first.next().filter(|_| first.next().is_none()).map(|heading| heading.title.clone())
    });
    let paragraphs = walk.paragraphs.finish();
    Document { title, content: Content::Chapters(chapters(&walk.headings, &paragraphs)), notes: walk.notes }
}

struct Heading {
    level: HeadingLevel,
    title: String,
    /// The number of its paragraph.
    paragraph: usize,
}

/// Chapters begin with headings of the highest level that there are several of, and of levels above.
fn chapters(headings: &[Heading], paragraphs: &[String]) -> Vec<Chapter> {
    let mut counts = BTreeMap::new();
    headings.iter().for_each(|heading| *counts.entry(heading.level).or_insert(0) += 1);
    let several = counts.iter().find(|(_, count)| **count > 1).map(|(level, _)| *level);
    let begins = |heading: &&Heading| several.is_none_or(|level| heading.level <= level);
    let mut starts: Vec<(usize, Option<&str>)> =
        headings.iter().filter(begins).map(|heading| (heading.paragraph, Some(heading.title.as_str()))).collect();
    if several.is_none() {
        starts.truncate(1);
    }
    if starts.first().is_none_or(|(paragraph, _)| *paragraph > 0) {
        starts.insert(0, (0, None));
    }
    let ends = starts.iter().skip(1).map(|(paragraph, _)| *paragraph).chain([paragraphs.len()]);
    let chapters = starts.iter().zip(ends).map(|(&(start, title), end)| Chapter {
        title: title.map(str::to_owned),
        paragraphs: paragraphs[start..end].to_vec(),
    });
    chapters.filter(|chapter| !chapter.paragraphs.is_empty()).collect()
}

#[derive(Default)]
struct Walk<'a> {
    source: &'a str,
    /// Where its lines end.
    line_ends: Vec<usize>,
    paragraphs: Paragraphs,
    headings: Vec<Heading>,
    notes: Vec<String>,
    /// What the metadata call the document.
    title: Option<String>,
    /// The number of the next item in each of the lists around, where they are numbered.
    lists: Vec<Option<u64>>,
    /// Where text goes that is not read as it stands.
    aside: Option<Aside>,
    /// Text of the picture that is described, and where it began.
    in_image: Option<usize>,
}

enum Aside {
    Code,
    Metadata(String),
    Html(String),
}

impl Walk<'_> {
    fn event(&mut self, event: Event, place: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, place),
            Event::End(tag) => self.end(tag, place),
            Event::Text(text) => match &mut self.aside {
                Some(Aside::Code) => {}
                Some(Aside::Metadata(content) | Aside::Html(content)) => content.push_str(&text),
                None => self.paragraphs.text(&text),
            },
            Event::Html(html) => match &mut self.aside {
                Some(Aside::Html(content)) => content.push_str(&html),
                _ => self.html(&html, &place),
            },
            Event::InlineHtml(tag) => {
                let name = tag.to_ascii_lowercase();
                if name.starts_with("<br") {
                    self.paragraphs.line_break();
                } else if name.starts_with("<img") {
                    self.html(&tag, &place);
                }
            }
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.paragraphs.text(&text),
            Event::SoftBreak => self.paragraphs.text(" "),
            Event::HardBreak => self.paragraphs.line_break(),
            Event::Rule => self.paragraphs.end(),
            // A mark in the middle of a sentence; the note itself is read where it stands.
            Event::FootnoteReference(_) => {}
            // A box that is ticked or not; the words for it would be of one language.
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag, place: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.paragraphs.end();
                let paragraph = self.paragraphs.number();
                self.headings.push(Heading { level, title: String::new(), paragraph });
            }
            Tag::CodeBlock(kind) => {
                self.paragraphs.end();
                self.aside = Some(Aside::Code);
                let language = match &kind {
                    CodeBlockKind::Fenced(language) if !language.is_empty() => format!(" ({language})"),
                    _ => String::new(),
                };
                self.note(&place, &format!("the code block{language} is not read"));
            }
            Tag::MetadataBlock(_) => self.aside = Some(Aside::Metadata(String::new())),
            Tag::HtmlBlock => {
                self.paragraphs.end();
                self.aside = Some(Aside::Html(String::new()));
            }
            Tag::List(first) => {
                self.paragraphs.end();
                self.lists.push(first);
            }
            Tag::Item => {
                self.paragraphs.end();
                if let Some(Some(number)) = self.lists.last_mut() {
                    self.paragraphs.text(&format!("{number}. "));
                    *number += 1;
                }
            }
            Tag::TableCell => self.paragraphs.cell(),
            Tag::Image { .. } => self.in_image = Some(place.start),
            Tag::Paragraph if self.lists.is_empty() => self.paragraphs.end(),
            Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) | Tag::Table(_) | Tag::TableHead | Tag::TableRow => {
                self.paragraphs.end();
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, place: Range<usize>) {
        match tag {
            TagEnd::Heading(_) => {
                self.paragraphs.end();
                self.name_heading();
            }
            TagEnd::CodeBlock => self.aside = None,
            TagEnd::MetadataBlock(_) => {
                if let Some(Aside::Metadata(content)) = self.aside.take() {
                    self.title = metadata_title(&content);
                }
            }
            TagEnd::HtmlBlock => {
                if let Some(Aside::Html(content)) = self.aside.take() {
                    self.html(&content, &place);
                    self.paragraphs.end();
                }
            }
            TagEnd::List(_) => {
                self.paragraphs.end();
                self.lists.pop();
            }
            TagEnd::Image => {
                let described = self.in_image.take().is_some_and(|start| !self.source[start..].starts_with("![]"));
                if !described {
                    self.note(&place, "the picture has no description");
                }
            }
            TagEnd::Paragraph
            | TagEnd::Item
            | TagEnd::BlockQuote(_)
            | TagEnd::FootnoteDefinition
            | TagEnd::TableHead
            | TagEnd::TableRow => self.paragraphs.end(),
            _ => {}
        }
    }

    /// Takes the heading's name from its paragraph; one without text is none.
    fn name_heading(&mut self) {
        let Some(mut heading) = self.headings.pop() else { return };
        if let Some(title) = self.paragraphs.get(heading.paragraph) {
            heading.title = title.replace('\n', " ");
            self.headings.push(heading);
        }
    }

    /// Adds the text of HTML in the document.
    fn html(&mut self, html: &str, place: &Range<usize>) {
        let Ok(root) = xml::parse(html) else {
            return self.note(place, "the HTML can't be read");
        };
        let page = Page::of(&root);
        (0..page.undescribed_images).for_each(|_| self.note(place, "the picture has no description"));
        let number = page.paragraphs.len();
        for (i, paragraph) in page.paragraphs.iter().enumerate() {
            for (line, text) in paragraph.lines().enumerate() {
                if line > 0 {
                    self.paragraphs.line_break();
                }
                self.paragraphs.text(text);
            }
            if i + 1 < number {
                self.paragraphs.end();
            }
        }
    }

    fn note(&mut self, place: &Range<usize>, what: &str) {
        let line = self.line_ends.partition_point(|end| *end < place.start) + 1;
        self.notes.push(format!("line {line}: {what}"));
    }
}

/// The `title:` of YAML metadata.
fn metadata_title(content: &str) -> Option<String> {
    let title = content.lines().find_map(|line| line.strip_prefix("title:"))?.trim();
    let title = title.trim_matches(['"', '\'']).trim();
    (!title.is_empty()).then(|| title.to_owned())
}
