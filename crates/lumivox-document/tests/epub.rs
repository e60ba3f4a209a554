//! Books, made here of public-domain text (Lewis Carroll, 1865).

#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};

use lumivox_document::{Chapter, Content, Document, Error, Format, Limits, Result, read};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CONTAINER: &str = r#"<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
    <rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;

const PACKAGE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
    <package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:title>Alice&#8217;s Adventures</dc:title></metadata><manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
    <item id="cover" href="text/cover.xhtml" media-type="application/xhtml+xml"/>
    <item id="one" href="text/one%20a.xhtml" media-type="application/xhtml+xml"/>
    <item id="more" href="text/more.xhtml" media-type="application/xhtml+xml"/>
    <item id="map" href="text/map.xhtml" media-type="application/xhtml+xml"/></manifest>
    <spine toc="ncx"><itemref idref="cover"/><itemref idref="nav"/><itemref idref="one"/><itemref idref="more"/>
    <itemref idref="map" linear="no"/></spine></package>"#;

const NAV: &str = r##"<html xmlns:epub="http://www.idpf.org/2007/ops"><body>
    <nav epub:type="landmarks"><ol><li><a href="text/map.xhtml">Map</a></li></ol></nav>
    <nav epub:type="toc"><ol><li><a href="text/one%20a.xhtml">Down the <i>Rabbit-Hole</i></a></li>
    <li><span>Part two</span><ol><li><a href="text/more.xhtml#pool">The Pool of Tears</a>
    <ol><li><a href="text/more.xhtml#deep">too deep</a></li></ol></li></ol></li></ol></nav></body></html>"##;

const NCX: &str = r#"<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">
    <ncx><navMap><navPoint><navLabel><text>I. Down</text></navLabel><content src="text/one%20a.xhtml"/>
    <navPoint><navLabel><text>II. Pool</text></navLabel><content src="text/more.xhtml#pool"/></navPoint></navPoint></navMap></ncx>"#;

const COVER: &str = r#"<html><head><title>Cover</title></head><body><img src="c.jpg"/></body></html>"#;

const ONE: &str = r#"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
    <html xmlns="http://www.w3.org/1999/xhtml"><head><title>One</title></head><body><h1>Chapter&nbsp;I</h1>
    <p>Alice was beginning to get very tired of sitting by her sister on the bank&mdash;</p></body></html>"#;

const MORE: &str = r#"<html><body><p>and of having nothing to do.</p><h1 id="pool">Chapter II</h1>
    <p>&#8220;Curiouser and curiouser!&#8221; cried Alice.</p><p id="deep">Good-bye, feet!</p></body></html>"#;

const FILES: [(&str, &str); 7] = [
    ("META-INF/container.xml", CONTAINER),
    ("OEBPS/book.opf", PACKAGE),
    ("OEBPS/nav.xhtml", NAV),
    ("OEBPS/toc.ncx", NCX),
    ("OEBPS/text/cover.xhtml", COVER),
    ("OEBPS/text/one a.xhtml", ONE),
    ("OEBPS/text/more.xhtml", MORE),
];

/// The book with some of its files replaced, added or, where they are empty, left out.
fn book(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(b"application/epub+zip").unwrap();
    let kept = FILES.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    for (name, content) in kept.chain(changes).filter(|(_, content)| !content.is_empty()) {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read_book(changes: &[(&str, &str)]) -> Result<Document> {
    read(&book(changes), Format::Epub, &Limits::default())
}

fn chapters(document: Document) -> Vec<Chapter> {
    match document.content {
        Content::Chapters(chapters) => chapters,
        Content::Cues(_) => panic!("no chapters"),
    }
}

fn titles(changes: &[(&str, &str)]) -> Vec<String> {
    chapters(read_book(changes).unwrap()).into_iter().map(|chapter| chapter.title.unwrap_or_default()).collect()
}

#[test]
fn a_book_is_cut_where_its_contents_say_even_inside_pages() {
    let document = read_book(&[]).unwrap();
    assert_eq!(document.title.as_deref(), Some("Alice’s Adventures"));
    let notes = [
        "the page with the table of contents is not read",
        "pictures without a description: 1",
        "pages outside the order of reading, which are not read: 1",
    ];
    assert_eq!(document.notes, notes);
    let chapter = |title: &str, paragraphs: &[&str]| Chapter {
        title: Some(title.to_owned()),
        paragraphs: paragraphs.iter().map(|&paragraph| paragraph.to_owned()).collect(),
    };
    let tired = "Alice was beginning to get very tired of sitting by her sister on the bank—";
    let want = [
        chapter("Down the Rabbit-Hole", &["Chapter\u{a0}I", tired, "and of having nothing to do."]),
        chapter("The Pool of Tears", &["Chapter II", "“Curiouser and curiouser!” cried Alice.", "Good-bye, feet!"]),
    ];
    assert_eq!(chapters(document), want);
}

#[test]
fn older_books_have_an_ncx_and_some_have_nothing() {
    let no_nav = PACKAGE.replace(r#" properties="nav""#, "");
    let no_nav = no_nav.replace(r#"<itemref idref="nav"/>"#, "");
    assert_eq!(titles(&[("OEBPS/book.opf", &no_nav)]), ["I. Down", "II. Pool"]);
    let bare = no_nav.replace(r#"toc="ncx""#, "").replace("application/x-dtbncx+xml", "text/plain");
    assert_eq!(titles(&[("OEBPS/book.opf", &bare)]), ["Chapter\u{a0}I", "Chapter II"]);
}

#[test]
fn encrypted_books_are_refused_and_encrypted_fonts_are_not() {
    let encryption = |algorithm: &str, name: &str| {
        format!(
            r#"<encryption xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/>
            <enc:CipherData><enc:CipherReference URI="{name}"/></enc:CipherData></enc:EncryptedData></encryption>"#
        )
    };
    let drm = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/text/one a.xhtml");
    match read_book(&[("META-INF/encryption.xml", &drm)]) {
        Err(Error::Encrypted { name }) => assert_eq!(name, "OEBPS/text/one a.xhtml"),
        other => panic!("{other:?}"),
    }
    let font = encryption("http://www.idpf.org/2008/embedding", "OEBPS/font.otf");
    assert!(read_book(&[("META-INF/encryption.xml", &font)]).is_ok());
}

#[test]
fn an_archive_with_a_password_is_encrypted_too() {
    let mut bytes = book(&[]);
    // The flag of encryption, in every local header and in the directory.
    for (signature, flag) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(signature)).collect();
        places.iter().for_each(|at| bytes[at + flag] |= 1);
    }
    assert!(matches!(read(&bytes, Format::Epub, &Limits::default()), Err(Error::Encrypted { .. })));
}

#[test]
fn bombs_and_ways_out_of_the_archive_are_refused() {
    let bomb = format!("<html><body><p>{}</p></body></html>", " ".repeat(20 << 20));
    let bytes = book(&[("OEBPS/text/one a.xhtml", &bomb)]);
    assert!(bytes.len() < 100_000);
    let limits = Limits { max_bytes: 1 << 20 };
    assert!(matches!(read(&bytes, Format::Epub, &limits), Err(Error::TooLarge { limit: 1_048_576 })));

    let outside = PACKAGE.replace("text/cover.xhtml", "../../../etc/passwd");
    let error = read_book(&[("OEBPS/book.opf", &outside)]).unwrap_err().to_string();
    assert!(error.contains("`cover` is not in the archive"), "{error}");
}

/// Looking through all pages for each entry, and copying a chapter's name for each of its entries, would take minutes.
#[test]
fn very_many_pages_and_entries_are_read_in_time() {
    let count = 100_000;
    let items: String = (0..count).map(|i| format!(r#"<itemref idref="one"/><itemref idref="p{}"/>"#, i % 2)).collect();
    let package = PACKAGE.replace(r#"<itemref idref="cover"/>"#, &items).replace(
        "<manifest>",
        r#"<manifest><item id="p0" href="text/more.xhtml"/><item id="p1" href="text/more.xhtml"/>"#,
    );
    let entries =
        r#"<li><a href="text/more.xhtml">Again</a></li><li><a href="text/none.xhtml">None</a></li>"#.repeat(count);
    let nav = format!(r#"<nav epub:type="toc"><ol>{entries}</ol></nav>"#);
    let started = std::time::Instant::now();
    let document = read_book(&[("OEBPS/book.opf", &package), ("OEBPS/nav.xhtml", &nav)]).unwrap();
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    let title = chapters(document).pop().and_then(|chapter| chapter.title).unwrap();
    assert_eq!(title.split(", ").filter(|name| *name == "Again").count(), count);
}

#[test]
fn damage_is_named() {
    let error = |name: &str, content: &str| read_book(&[(name, content)]).unwrap_err().to_string();
    assert!(error("META-INF/container.xml", "").contains("there is no META-INF/container.xml"));
    assert!(error("OEBPS/text/more.xhtml", "").contains("OEBPS/text/more.xhtml can't be read: there is no such file"));
    assert!(error("OEBPS/text/more.xhtml", "<p <!--").contains("OEBPS/text/more.xhtml can't be read"));
    assert!(error("OEBPS/book.opf", "<package/>").contains("has no manifest"));
    assert!(error("META-INF/container.xml", "<container/>").contains("names no package document"));
    let bytes = book(&[]);
    assert!(matches!(read(&bytes[..bytes.len() / 2], Format::Epub, &Limits::default()), Err(Error::Epub { .. })));
    let empty: Vec<(&str, &str)> =
        [FILES[5], FILES[6]].iter().map(|(name, _)| (*name, "<html><body/></html>")).collect();
    assert!(matches!(read_book(&empty), Err(Error::Empty)));
}

proptest! {
    /// Damage anywhere is found by a check sum, or is where it does no harm: never a panic, and never another text.
    #[test]
    fn a_damaged_book_is_refused_or_the_same(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = book(&[]);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(document) = read(&bytes, Format::Epub, &Limits::default()) {
            prop_assert_eq!(document.content, read_book(&[]).unwrap().content);
        }
    }
}
