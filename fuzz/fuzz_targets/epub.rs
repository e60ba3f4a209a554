//! EPUB: an archive as it is if it begins like one; else the files of one, which is made around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lumivox_document::{Content, Format, Limits, read};
use lumivox_fuzz::archive::{entries, zip};

const CONTAINER: &[u8] = br#"<container><rootfiles><rootfile full-path="a/b.opf"/></rootfiles></container>"#;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { max_bytes: 1 << 16 };
    let document = if data.starts_with(b"PK") {
        read(data, Format::Epub, &limits)
    } else {
        let files = entries(data).chain([("META-INF/container.xml", CONTAINER)]);
        read(&zip(files), Format::Epub, &limits)
    };
    let Ok(document) = document else { return };
    let Content::Chapters(chapters) = document.content else { panic!("a book has chapters") };
    assert!(chapters.iter().all(|chapter| !chapter.paragraphs.is_empty()));
});
