//! Speech in the making.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lumivox::store::{JAPANESE_DICTIONARY, Store};
use lumivox::{ChunkSize, Input, OwnedSpeech};

use crate::options::LumivoxOptions;
use crate::status::{Failure, LumivoxStatus, Place, call, free, from_c, object, to_c};
use crate::synthesizer::{LumivoxSynthesizer, synthesizer};

/// What is to be said.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LumivoxInput {
    /// Text.
    Text = 0,
    /// An SSML document.
    Ssml = 1,
    /// Phonemes in the model's symbols.
    Phonemes = 2,
}

/// Speech in the making: each stretch of it is computed when it is asked for.
pub struct LumivoxSpeech {
    speech: Mutex<Said>,
    cancelled: Arc<AtomicBool>,
    warnings: Vec<CString>,
}

/// What was said so far.
struct Said {
    speech: OwnedSpeech,
    /// The last chunk's samples.
    samples: Vec<f32>,
    /// The texts of the words, made when they are asked for.
    words: Vec<CString>,
}

/// A stretch of audio.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LumivoxChunk {
    /// Mono samples in -1..1, valid until the next chunk is asked for or the speech freed.
    pub samples: *const f32,
    /// How many.
    pub n_samples: usize,
    /// Which segment of the text it is from.
    pub segment: usize,
    /// Whether it is that segment's last one.
    pub ends_segment: bool,
}

/// When a word sounds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LumivoxWord {
    /// The word, valid as long as the speech.
    pub text: *const c_char,
    /// When it begins, in seconds.
    pub start_s: f64,
    /// When it ends, in seconds.
    pub end_s: f64,
    /// The byte of the input that it begins at.
    pub begin_byte: usize,
    /// The byte behind it.
    pub end_byte: usize,
}

/// Prepares speech: reads the text, and checks all that can be wrong with the request; the dictionary of Japanese is fetched, if that is read and it is not here. `kind` is a `LumivoxInput`, `options` may be null. Where `streamed`, the
/// first chunk is short, and a VITS model's is ready long before the sentence is; else chunks are whole segments. `*speech` is to be freed by
/// `lumivox_speech_free`.
///
/// # Safety
/// `model` and `text` are valid, `options` is null or valid; `speech` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_speak(
    model: *const LumivoxSynthesizer,
    kind: u32,
    text: *const c_char,
    options: *const LumivoxOptions,
    streamed: bool,
    speech: *mut *mut LumivoxSpeech,
) -> LumivoxStatus {
    call(|| {
        // SAFETY: the caller's.
        let (model, text, options, place) =
            unsafe { (synthesizer(model)?, from_c(text, "text")?, options.as_ref(), Place::new(speech)?) };
        const TEXT: u32 = LumivoxInput::Text as u32;
        const SSML: u32 = LumivoxInput::Ssml as u32;
        const PHONEMES: u32 = LumivoxInput::Phonemes as u32;
        let input = match kind {
            TEXT => Input::Text(text),
            SSML => Input::Ssml(text),
            PHONEMES => Input::Phonemes(text),
            other => return Err(Failure::argument(format!("there is no kind of input {other}"))),
        };
        let options = options.map(|options| options.0.clone()).unwrap_or_default();
        if options.needs_japanese_dictionary() {
            // Without it a warning says what is not read.
            let _ = Store::open().and_then(|store| store.dictionary(JAPANESE_DICTIONARY, false, &()));
        }
        let chunk_size = if streamed { ChunkSize::Auto } else { ChunkSize::Segment };
        let cancelled = Arc::new(AtomicBool::new(false));
        let said = OwnedSpeech::new(model.synthesizer.clone(), input, &options, chunk_size)?;
        let said = said.cancelled_by(cancelled.clone());
        let warnings = said.with(|speech| speech.warnings().iter().map(|warning| to_c(&warning.to_string())).collect());
        let said = Mutex::new(Said { speech: said, samples: Vec::new(), words: Vec::new() });
        let made = LumivoxSpeech { speech: said, cancelled, warnings };
        Ok(place.give(Box::into_raw(Box::new(made))))
    })
}

/// Computes the next stretch of audio. `LUMIVOX_STATUS_END` when there is none.
///
/// # Safety
/// `speech` is valid; `chunk` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_next(speech: *const LumivoxSpeech, chunk: *mut LumivoxChunk) -> LumivoxStatus {
    call(|| {
        // SAFETY: the caller's.
        let (mut said, place) = unsafe { (lock(speech)?, Place::new(chunk)?) };
        let Some(next) = said.speech.next().transpose()? else { return Ok(LumivoxStatus::End) };
        said.samples = next.samples;
        let (samples, n_samples) = (said.samples.as_ptr(), said.samples.len());
        let (segment, ends_segment) = (next.segment, next.ends_segment);
        Ok(place.give(LumivoxChunk { samples, n_samples, segment, ends_segment }))
    })
}

/// Stops the speech, from any thread, also while another one waits for a chunk: that call ends with `LUMIVOX_STATUS_CANCELLED`.
///
/// # Safety
/// `speech` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_cancel(speech: *const LumivoxSpeech) {
    // SAFETY: the caller's.
    if let Some(speech) = unsafe { speech.as_ref() } {
        speech.cancelled.store(true, Ordering::Relaxed);
    }
}

/// How many words have their times: those of the segments that were begun, so all at the end.
///
/// # Safety
/// `speech` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_word_count(speech: *const LumivoxSpeech) -> usize {
    // SAFETY: the caller's.
    unsafe { lock(speech) }.map_or(0, |said| said.speech.with(|speech| speech.timestamps().words.len()))
}

/// When a word sounds, the words counted from 0.
///
/// # Safety
/// `speech` is valid; `word` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_word(
    speech: *const LumivoxSpeech,
    index: usize,
    word: *mut LumivoxWord,
) -> LumivoxStatus {
    call(|| {
        // SAFETY: the caller's.
        let (mut said, place) = unsafe { (lock(speech)?, Place::new(word)?) };
        let Said { speech, words, .. } = &mut *said;
        let time = speech.with(|speech| {
            let times = &speech.timestamps().words;
            words.extend(times[words.len()..].iter().map(|time| to_c(&time.text)));
            times.get(index).map(|time| (time.start_s, time.end_s, time.span.clone()))
        });
        let (start_s, end_s, span) = time.ok_or_else(|| Failure::argument(format!("there is no word {index}")))?;
        let text = words[index].as_ptr();
        Ok(place.give(LumivoxWord { text, start_s, end_s, begin_byte: span.start, end_byte: span.end }))
    })
}

/// How many things are not said as they should be.
///
/// # Safety
/// `speech` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_warning_count(speech: *const LumivoxSpeech) -> usize {
    // SAFETY: the caller's.
    unsafe { speech.as_ref() }.map_or(0, |speech| speech.warnings.len())
}

/// What is not said as it should be, counted from 0; null where there is nothing. It lives as long as the speech.
///
/// # Safety
/// `speech` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_warning(speech: *const LumivoxSpeech, index: usize) -> *const c_char {
    // SAFETY: the caller's.
    let warnings = unsafe { speech.as_ref() }.map_or(&[][..], |speech| &speech.warnings);
    warnings.get(index).map_or(ptr::null(), |warning| warning.as_ptr())
}

/// Frees speech, at whatever place it is. Null is nothing.
///
/// # Safety
/// `speech` is null or from `lumivox_speak`, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_speech_free(speech: *mut LumivoxSpeech) {
    // SAFETY: the caller's.
    unsafe { free(speech) }
}

/// # Safety
/// `speech` is null or valid as long as the result.
unsafe fn lock<'a>(speech: *const LumivoxSpeech) -> Result<MutexGuard<'a, Said>, Failure> {
    // SAFETY: the caller's.
    let speech = unsafe { object(speech, "speech")? };
    Ok(speech.speech.lock().unwrap_or_else(PoisonError::into_inner))
}
