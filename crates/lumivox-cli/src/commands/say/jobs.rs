//! What is to be said, and into which files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lumivox_document::{Chapter, Content, Cue, Format, Limits};

use crate::args::{Chapters, SayArguments};
use crate::commands::read_text;
use crate::output::{describe, file_name, note};
use crate::sink::is_ordinary;

/// An output and what is said in it.
pub struct Job {
    /// What messages call it.
    pub name: String,
    /// A file, or `-` for standard output.
    pub output: PathBuf,
    /// What is said, in this order.
    pub passages: Vec<Passage>,
    /// Whether the text is another than the bytes of the input.
    pub is_document: bool,
    /// Whether another run can go on with it.
    pub resumable: bool,
}

impl Job {
    /// Bytes of text.
    pub fn bytes(&self) -> u64 {
        self.passages.iter().map(|passage| passage.text.len() as u64).sum()
    }
}

/// A text that is said by itself: all there is, a chapter, or a subtitle.
#[derive(Default)]
pub struct Passage {
    pub text: String,
    /// The name of the mark that it gets.
    pub mark: Option<String>,
    /// When it should begin and end, in seconds, if it is a subtitle.
    pub times_s: Option<(f64, f64)>,
}

/// All that is to be done.
pub struct Plan {
    /// The outputs.
    pub jobs: Vec<Job>,
    /// Why inputs can't be read, one by one.
    pub failed: Vec<String>,
    /// Where the outputs are, if there can be several.
    pub folder: Option<PathBuf>,
}

/// An input that was read.
enum Source {
    Text(String),
    Chapters(Vec<Chapter>),
    Cues(Vec<Cue>),
}

/// Reads the inputs. Where there are several, one that can't be read does not stop the others.
pub fn plan(arguments: &SayArguments) -> Result<Plan> {
    check(arguments)?;
    if arguments.lines {
        return plan_lines(arguments);
    }
    let several = arguments.input.len() > 1;
    let files = arguments.chapters == Some(Chapters::Files);
    let inputs: Vec<Option<&Path>> = match arguments.input.as_slice() {
        [] => vec![None],
        inputs => inputs.iter().map(|input| Some(input.as_path())).collect(),
    };
    let stem = |input: Option<&Path>| {
        let stem = input.filter(|input| *input != Path::new("-")).and_then(Path::file_stem);
        stem.map_or_else(|| "out".into(), PathBuf::from)
    };
    let folder = arguments.output.clone().unwrap_or_else(|| if several { "out".into() } else { stem(inputs[0]) });
    let mut plan = Plan { jobs: Vec::new(), failed: Vec::new(), folder: (several || files).then(|| folder.clone()) };
    for input in inputs {
        let name = input.map_or_else(|| "the text".to_owned(), |input| input.display().to_string());
        let source = match read(arguments, input) {
            Ok(source) => source,
            Err(error) if several => {
                let why = describe(&error);
                plan.failed.push(if why.contains(&name) { why } else { format!("{name}: {why}") });
                continue;
            }
            Err(error) => return Err(error),
        };
        if files {
            let folder = if several { folder.join(stem(input)) } else { folder.clone() };
            plan.jobs.extend(chapter_files(source, &name, &folder));
        } else {
            let output = match several {
                true => folder.join(stem(input)).with_added_extension("wav"),
                false => arguments.output.clone().unwrap_or_else(|| default_output(arguments).into()),
            };
            plan.jobs.push(one_file(source, name, output, arguments.chapters.is_some()));
        }
    }
    let is_file = !arguments.input.is_empty() && arguments.input != [Path::new("-")];
    plan.jobs.iter_mut().for_each(|job| job.resumable = is_file && is_ordinary(&job.output));
    refuse_same_outputs(&plan.jobs)?;
    Ok(plan)
}

fn default_output(arguments: &SayArguments) -> &'static str {
    if arguments.stream { "-" } else { "out.wav" }
}

/// Checks what can be wrong with the choices before anything is read.
fn check(arguments: &SayArguments) -> Result<()> {
    let inputs = &arguments.input;
    let is = |format: Format| inputs.iter().any(|input| Format::of(input) == Some(format));
    if arguments.lines && (inputs.len() > 1 || inputs.iter().any(|input| Format::of(input).is_some())) {
        bail!("--lines takes one input, of plain text");
    }
    if inputs.len() > 1 && inputs.iter().any(|input| input == Path::new("-")) {
        bail!("standard input can't be one of several inputs; give files, or `-` alone");
    }
    if arguments.fit && !is(Format::SubRip) {
        bail!("--fit is for subtitles (.srt)");
    }
    if arguments.chapters.is_some() && is(Format::SubRip) {
        bail!("subtitles have no chapters; leave --chapters out");
    }
    if !(0.0..=60.0).contains(&arguments.chapter_silence) {
        bail!("the chapter silence {} is outside 0 to 60", arguments.chapter_silence);
    }
    Ok(())
}

/// Each line with a file of its own.
fn plan_lines(arguments: &SayArguments) -> Result<Plan> {
    let input = arguments.input.first().map(PathBuf::as_path);
    let Source::Text(text) = read(arguments, input)? else { bail!("--lines takes plain text") };
    let folder = arguments.output.clone().unwrap_or_else(|| "out".into());
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let jobs = lines.map(|(index, line)| {
        let output = folder.join(format!("{:04}.wav", index + 1));
        one_file(Source::Text(line.to_owned()), format!("line {}", index + 1), output, false)
    });
    Ok(Plan { jobs: jobs.collect(), failed: Vec::new(), folder: Some(folder) })
}

/// Reads an input by its extension.
fn read(arguments: &SayArguments, input: Option<&Path>) -> Result<Source> {
    let Some((path, format)) = input.and_then(|path| Some((path, Format::of(path)?))) else {
        let text = read_text(arguments.text.as_deref(), input, arguments.max_text_bytes)?;
        if text.trim().is_empty() {
            bail!("the text is empty; there is nothing to say");
        }
        return Ok(Source::Text(text));
    };
    let name = path.display();
    if arguments.ssml || arguments.phonemes {
        bail!("{name}: --ssml and --phonemes are for plain text");
    }
    let bytes = std::fs::read(path).with_context(|| format!("{name} can't be read"))?;
    let document = lumivox_document::read(&bytes, format, &Limits::default()).with_context(|| format!("{name}"))?;
    if arguments.strict && !document.notes.is_empty() {
        bail!("part of {name} can't be spoken, which --strict forbids:\n  {}", document.notes.join("\n  "));
    }
    if !arguments.quiet {
        document.notes.iter().for_each(|what| note(format_args!("note: {name}: {what}")));
    }
    let limit = arguments.max_text_bytes;
    match document.content {
        Content::Chapters(chapters) => {
            if let Some(long) = chapters.iter().map(|chapter| chapter.text().len()).max().filter(|max| *max > limit) {
                bail!(
                    "a chapter of {name} has {long} bytes, more than the {limit} that are taken; raise the limit with --max-text-bytes"
                );
            }
            Ok(Source::Chapters(chapters))
        }
        Content::Cues(cues) => Ok(Source::Cues(cues)),
    }
}

/// All of an input in one file. Several chapters are marked, one alone if that is asked for.
fn one_file(source: Source, name: String, output: PathBuf, always_mark: bool) -> Job {
    let (passages, is_document) = match source {
        Source::Text(text) => (vec![Passage { text, ..Passage::default() }], false),
        Source::Chapters(chapters) => {
            let marked = always_mark || chapters.len() > 1;
            let passage = |(number, chapter): (usize, Chapter)| Passage {
                text: chapter.text(),
                mark: marked.then(|| chapter.title.unwrap_or_else(|| number.to_string())),
                times_s: None,
            };
            ((1..).zip(chapters).map(passage).collect(), true)
        }
        Source::Cues(cues) => {
            let passage = |cue: Cue| Passage { text: cue.text, mark: None, times_s: Some((cue.start_s, cue.end_s)) };
            (cues.into_iter().map(passage).collect(), true)
        }
    };
    Job { name, output, passages, is_document, resumable: false }
}

/// A file for each chapter; a text without chapters is one.
fn chapter_files(source: Source, name: &str, folder: &Path) -> Vec<Job> {
    let (chapters, is_document) = match source {
        Source::Chapters(chapters) => (chapters, true),
        Source::Text(text) => (vec![Chapter { title: None, paragraphs: vec![text] }], false),
        // Refused before.
        Source::Cues(_) => (Vec::new(), true),
    };
    let digits = chapters.len().to_string().len().max(2);
    let job = |(number, chapter): (usize, Chapter)| {
        let title = chapter.title.as_deref().and_then(file_name).map(|title| format!(" {title}")).unwrap_or_default();
        Job {
            name: format!("{name}, chapter {number}"),
            output: folder.join(format!("{number:0digits$}{title}.wav")),
            passages: vec![Passage { text: chapter.text(), ..Passage::default() }],
            is_document,
            resumable: false,
        }
    };
    (1..).zip(chapters).map(job).collect()
}

/// File systems that know no case are reckoned with.
fn refuse_same_outputs(jobs: &[Job]) -> Result<()> {
    let mut names = HashSet::new();
    for job in jobs {
        if !names.insert(job.output.to_string_lossy().to_lowercase()) {
            bail!(
                "two inputs would be said into {}; rename one of them, or say them by themselves",
                job.output.display()
            );
        }
    }
    Ok(())
}
