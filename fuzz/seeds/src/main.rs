//! Writes the first inputs of each target into the folder that is given, made from the files that the crates' tests have.

use std::fs;
use std::path::{Path, PathBuf};

use lumivox_convert::{Dtype, Options, convert};
use support::onnx::{Graph, Precision, export};
use support::{CONFIG, vits, voice_bytes, weights};

#[path = "../../../crates/lumivox-convert/tests/support/mod.rs"]
mod support;

const MARKDOWN: &str = include_str!("../../../crates/lumivox-document/tests/data/guide.md");
const SUBTITLES: &str = include_str!("../../../crates/lumivox-document/tests/data/whale.srt");
const ENGLISH: &str = include_str!("../../../crates/lumivox-text/tests/data/english_sentences.txt");
const MANDARIN: &str = include_str!("../../../crates/lumivox-text/tests/data/mandarin_sentences.txt");
const JAPANESE: &str = include_str!("../../../crates/lumivox-text/tests/data/japanese_sentences.txt");
const PAIRS: [(u8, &str); 5] = [
    (2, include_str!("../../../crates/lumivox-text/tests/data/es_sentences.json")),
    (3, include_str!("../../../crates/lumivox-text/tests/data/fr_sentences.json")),
    (4, include_str!("../../../crates/lumivox-text/tests/data/hi_sentences.json")),
    (5, include_str!("../../../crates/lumivox-text/tests/data/it_sentences.json")),
    (7, include_str!("../../../crates/lumivox-text/tests/data/pt-br_sentences.json")),
];

const SSML: [&str; 5] = [
    r#"<?xml version="1.0"?><speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-GB"><break strength="weak"/><p><s>One</s><s>two &amp; &#x4e8c;</s></p> three <break time="500ms"/> four.<break/></speak>"#,
    "<speak>a <prosody rate='150%'>b <voice name='bf_emma'>c<prosody rate='slow' pitch='low'>d</prosody></voice></prosody> <lang xml:lang='fr'>e</lang></speak>",
    "<speak>Tom <sub alias='World Wide Web'>WWW</sub>: <phoneme alphabet='ipa' ph='təmˈɑːtQ'>tomato</phoneme></speak>",
    "<speak><say-as interpret-as='ordinal'>3</say-as> <say-as interpret-as='characters'>ab</say-as>\r\n<say-as interpret-as='date' format='dmy'>1.2.2003</say-as></speak>",
    "<speak><![CDATA[1 < 2]]> [[ˈlʌn]] <!-- c --><emphasis>so</emphasis>!</speak>",
];

const BODIES: [&str; 6] = [
    r#"{"input":"abc abd","voice":"0","response_format":"wav","speed":1.5}"#,
    r#"{"model":"small","input":"<speak>a<break time='10ms'/><prosody rate='90%'>bc</prosody></speak>","input_type":"ssml","voice":{"id":"1"},"response_format":"pcm"}"#,
    r#"{"model":"tts-1","input":"abc","stream_format":"sse","timestamps":true,"lang":"en-us","seed":7,"response_format":"flac"}"#,
    r#"{"input":"a. b\nc","sentence_silence":0.1,"paragraph_silence":0.2,"noise_scale":0.5,"noise_w":0.1,"length_scale":0.7,"instructions":"so"}"#,
    r#"{"input":"abc [[ab]]","input_type":"phonemes","emoji":true,"response_format":"opus","other":[1,{"a":null}]}"#,
    r#"{"model":"nobody","input":"a","response_format":"mp3"}"#,
];

const EVENTS: [&[u8]; 4] = [
    b"{\"type\":\"describe\"}\n",
    b"{\"type\":\"synthesize\",\"data\":{\"text\":\"Hi\",\"voice\":{\"name\":\"a\",\"speaker\":\"b\"}}}\n",
    b"{\"type\":\"synthesize-chunk\",\"version\":\"1.5.4\",\"data_length\":13}\n{\"text\":\"\xc3\xa9.\"}{\"type\":\"ping\"}\n",
    b"{\"type\":\"audio-chunk\",\"data\":{\"rate\":24000.5},\"payload_length\":4}\nabcd{\"type\":\"synthesize-stop\"}\n",
];

const LEXICONS: [&str; 3] = [
    "# ours\ntomato\ttəmˈɑːtQ\nNew York\tnˈujɔɹk\n3.5\tθɹˈi\0Tomato in New  York, 3.5 [x](/y/) New\n\nYork.",
    "{\"GIF\": \"dʒˈɪf\",\n\"Inc.\": \"ɪŋk\"}\0A GIF by Foo Inc. It is.",
    "cafe\u{301}\tkˈafA\n🎉\tjA\n\0café 🎉 Café!",
];

const BOOK: &str = "a/b.opf
<package><metadata><dc:title>T&#8217;s</dc:title></metadata><manifest><item id=\"n\" href=\"n.xhtml\" properties=\"nav\"/>\
<item id=\"c\" href=\"t.ncx\" media-type=\"application/x-dtbncx+xml\"/><item id=\"p\" href=\"p%20q.xhtml\" media-type=\"application/xhtml+xml\"/></manifest>\
<spine toc=\"c\"><itemref idref=\"p\"/><itemref idref=\"n\" linear=\"no\"/></spine></package>\x01a/n.xhtml
<nav epub:type=\"toc\"><ol><li><a href=\"p%20q.xhtml#x\">One</a><ol><li><a href=\"p%20q.xhtml\">Two</a></li></ol></li></ol></nav>\x01a/t.ncx
<ncx><navMap><navPoint><navLabel><text>I</text></navLabel><content src=\"p%20q.xhtml#x\"/></navPoint></navMap></ncx>\x01a/p q.xhtml
<html><head><title>t</title></head><body><h1>H&nbsp;1</h1><p id=\"x\">Text<br/>more <img src=\"i\"/></p><table><tr><td>a</td><td>b</td></tr></table></body></html>";

struct Seeds {
    folder: PathBuf,
    count: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, parts: &[&[u8]]) {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder).expect("a folder");
        self.count += 1;
        fs::write(folder.join(format!("seed-{:03}", self.count)), parts.concat()).expect("room for a file");
    }
}

fn main() {
    let folder = std::env::args_os().nth(1).expect("the folder to write to");
    let mut seeds = Seeds { folder: folder.into(), count: 0 };
    texts(&mut seeds);
    checkpoints(&mut seeds);
    model_files(&mut seeds);
    SSML.iter().for_each(|seed| seeds.write("ssml", &[seed.as_bytes()]));
    BODIES.iter().for_each(|seed| seeds.write("http", &[seed.as_bytes()]));
    EVENTS.iter().for_each(|seed| seeds.write("wyoming", &[seed]));
    LEXICONS.iter().for_each(|seed| seeds.write("lexicon", &[seed.as_bytes()]));
    seeds.write("document", &[b"\0", MARKDOWN.as_bytes()]);
    seeds.write("document", &[b"\x01", SUBTITLES.as_bytes()]);
    seeds.write("epub", &[BOOK.as_bytes()]);
    seeds.write("piper_json", &[vits::piper_json(&vits::config("2", 2, false)).to_string().as_bytes()]);
    println!("{} files", seeds.count);
}

/// A few sentences for each language; the first byte is the front-end.s number.
fn texts(seeds: &mut Seeds) {
    let mut sentences: Vec<(u8, String)> = Vec::new();
    let mut lines = |language: u8, text: &str| {
        let every = text.lines().count() / 12;
        sentences.extend(text.lines().step_by(every.max(1)).map(|line| (language, line.to_owned())));
    };
    for (language, text) in [(0, ENGLISH), (1, ENGLISH), (6, JAPANESE), (8, MANDARIN), (9, ENGLISH), (13, ENGLISH)] {
        lines(language, text);
    }
    for (language, pairs) in PAIRS {
        let pairs: Vec<(String, String)> = serde_json::from_str(pairs).expect("pairs of texts");
        lines(language, &pairs.into_iter().map(|(text, _)| text + "\n").collect::<String>());
    }
    for (language, text) in sentences {
        seeds.write("text", &[&[language], text.as_bytes()]);
    }
}

/// Whole small checkpoints, and small parts of them.
fn checkpoints(seeds: &mut Seeds) {
    seeds.write("onnx", &[b"\0", &export(&mut weights(1), Precision::Int8)]);
    let config = vits::config("2", 1, true);
    seeds.write("onnx", &[b"\x01", &vits::piper_onnx(&config, &vits::weights(&config, 1), Precision::F16)]);
    let mut graph = Graph::default();
    let table = graph.float("enc_p.emb.weight", &[2, 2], &[0.5; 4]);
    graph.node("Gather", "/enc_p/emb/Gather", &[&table, "input"], "emb");
    graph.node("Identity", "", &[&table], "dec.shared.weight");
    seeds.write("onnx", &[b"\x01", &graph.model()]);
    for name in ["nested.pth", "tensor.pt", "code.pth"] {
        let pickle = pickle_of(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/lumivox-convert/tests/data").join(name),
        );
        seeds.write("pickle", &[b"\0", &pickle]);
        seeds.write("voices", &[b"\x02", &pickle]);
    }
    let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 1, 4), }\n";
    let npy = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header, &voice_bytes(1)].concat();
    seeds.write("voices", &[b"\x01af_one.npy\n", &npy]);
    seeds.write("voices", &[b"\0", &voice_bytes(1)]);
}

/// The program in a file by `torch.save`.
fn pickle_of(path: &Path) -> Vec<u8> {
    let file = fs::File::open(path).expect("a file of the tests");
    let mut archive = zip::ZipArchive::new(file).expect("an archive");
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    let name = names.iter().find(|name| name.ends_with("/data.pkl")).expect("a pickle");
    let mut bytes = Vec::new();
    std::io::copy(&mut archive.by_name(name).expect("an entry"), &mut bytes).expect("an intact entry");
    bytes
}

/// A small model of either family.
fn model_files(seeds: &mut Seeds) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let config = vits::config("2", 1, false);
    fs::write(path("v.onnx"), vits::piper_onnx(&config, &vits::weights(&config, 1), Precision::F32)).expect("a file");
    fs::write(path("v.onnx.json"), vits::piper_json(&config).to_string()).expect("a file");
    fs::write(path("k.onnx"), export(&mut weights(1), Precision::F16)).expect("a file");
    fs::write(path("config.json"), CONFIG).expect("a file");
    for (input, dtype) in [("v.onnx", Dtype::I8), ("k.onnx", Dtype::F16)] {
        convert(&path(input), &path("out"), &Options { dtype, ..Options::default() }, &mut |_| {}).expect("a model");
        seeds.write("model_file", &[&fs::read(path("out")).expect("the model")]);
    }
}
