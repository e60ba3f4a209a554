//! How something is said.

use std::ffi::c_char;
use std::fs;
use std::sync::Arc;

use lumivox::text::{Emoji, UserLexicon};
use lumivox::{G2p, Options};

use crate::status::{Failure, LumivoxStatus, call, free, from_c};
use crate::synthesizer::path;

/// How something is said; what is not set is as the model has it. It may be used for any number of calls.
#[derive(Default)]
pub struct LumivoxOptions(pub(crate) Options);

/// New options, to be freed by `lumivox_options_free`.
#[unsafe(no_mangle)]
pub extern "C" fn lumivox_options_new() -> *mut LumivoxOptions {
    Box::into_raw(Box::default())
}

/// Frees options. Null is nothing.
///
/// # Safety
/// `options` is null or from `lumivox_options_new`, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_free(options: *mut LumivoxOptions) {
    // SAFETY: the caller's.
    unsafe { free(options) }
}

/// Sets one of the options.
///
/// # Safety
/// `options` is null or valid, and used by no other thread.
unsafe fn set(options: *mut LumivoxOptions, set: impl FnOnce(&mut Options) -> Result<(), Failure>) -> LumivoxStatus {
    call(|| {
        // SAFETY: the caller's.
        let options = unsafe { options.as_mut() }.ok_or_else(|| Failure::argument("options is null"))?;
        set(&mut options.0).map(|()| LumivoxStatus::Ok)
    })
}

/// Kokoro: a voice or a blend (`af_heart:60,af_bella:40`); VITS: a speaker's name or number.
///
/// # Safety
/// `options` is valid; `voice` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_voice(
    options: *mut LumivoxOptions,
    voice: *const c_char,
) -> LumivoxStatus {
    // SAFETY: the caller's, as in all functions below.
    unsafe {
        set(options, |options| {
            options.voice = Some(from_c(voice, "voice")?.to_owned());
            Ok(())
        })
    }
}

/// The language that text is read in: `en-us`, `en-gb`, `es`, `fr`, `hi`, `it`, `ja`, `pt-br`, `zh`. The voice's own if not set.
///
/// # Safety
/// `options` is valid; `language` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_language(
    options: *mut LumivoxOptions,
    language: *const c_char,
) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            let tag = from_c(language, "language")?;
            let language = tag.parse().map_err(|error: lumivox::text::Error| Failure::argument(error.to_string()))?;
            options.language = Some(language);
            Ok(())
        })
    }
}

/// The seed of the noise, 0 if not set: the same seed gives the same audio.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_seed(options: *mut LumivoxOptions, seed: u64) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            options.seed = seed;
            Ok(())
        })
    }
}

/// 1 as trained, 2 twice as fast; 0.25 to 4.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_speed(options: *mut LumivoxOptions, speed: f32) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            options.speed = speed;
            Ok(())
        })
    }
}

/// VITS: `length_scale` is a factor of all durations, 0.1 to 10; `noise_scale` says how lively the voice is, `noise_w` the rhythm, 0 to 10. A negative
/// number leaves what the voice has.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_scales(
    options: *mut LumivoxOptions,
    length_scale: f32,
    noise_scale: f32,
    noise_w: f32,
) -> LumivoxStatus {
    // What is not a number is none to leave: it is refused when it is used.
    let given = |scale: f32| if scale < 0.0 { None } else { Some(scale) };
    unsafe {
        set(options, |options| {
            options.length_scale = given(length_scale);
            options.noise_scale = given(noise_scale);
            options.noise_w = given(noise_w);
            Ok(())
        })
    }
}

/// Silence behind each sentence and each paragraph but the last, in seconds, 0 to 60; a negative paragraph's is that of sentences.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_silence(
    options: *mut LumivoxOptions,
    sentence_s: f32,
    paragraph_s: f32,
) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            options.sentence_silence_s = sentence_s;
            options.paragraph_silence_s = if paragraph_s < 0.0 { None } else { Some(paragraph_s) };
            Ok(())
        })
    }
}

/// Whether emoji are said by their names; if not, they are silent, with a warning.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_emoji(options: *mut LumivoxOptions, named: bool) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            options.emoji = if named { Emoji::Name } else { Emoji::Skip };
            Ok(())
        })
    }
}

/// Whether phonemes come from an installed espeak-ng instead of what is built in.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_espeak(options: *mut LumivoxOptions, espeak: bool) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            options.g2p = if espeak { G2p::Espeak } else { G2p::Builtin };
            Ok(())
        })
    }
}

/// The most bytes of text that are taken, 500,000 if not set.
///
/// # Safety
/// `options` is valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_max_text_bytes(
    options: *mut LumivoxOptions,
    max_text_bytes: usize,
) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            options.max_text_bytes = max_text_bytes;
            Ok(())
        })
    }
}

/// A file of pronunciations that go before all others: JSON, or lines of a word, a tab and its phonemes.
///
/// # Safety
/// `options` is valid; `file` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lumivox_options_set_lexicon(
    options: *mut LumivoxOptions,
    file: *const c_char,
) -> LumivoxStatus {
    unsafe {
        set(options, |options| {
            let path = path(file)?;
            let failure = |error: &dyn std::fmt::Display| Failure::argument(format!("{}: {error}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| failure(&error))?;
            options.lexicon = Some(Arc::new(UserLexicon::parse(&text).map_err(|error| failure(&error))?));
            Ok(())
        })
    }
}
