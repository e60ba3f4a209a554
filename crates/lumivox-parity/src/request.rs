//! From what a user asks for to the utterances that both sides say.

use anyhow::{Result, bail};
use lumivox::convert::{Family, ModelFile, vits};
use lumivox::{Input, KOKORO_DEFAULT_VOICE, Options, Synthesizer, VoiceSpec};

use crate::utterance::{Delivery, Utterance};

/// The utterances of a text, one a segment, as the model in `file`, which `synthesizer` has loaded, would say them.
///
/// # Errors
/// If the text can't be spoken, or the voice is a blend or does not exist.
pub fn utterances(
    file: &ModelFile,
    synthesizer: &Synthesizer,
    input: Input,
    options: &Options,
) -> Result<Vec<Utterance>> {
    let speech = synthesizer.speak(input, options)?;
    let mut utterances = Vec::new();
    for (i, segment) in speech.segments().iter().enumerate() {
        let delivery = match file.metadata().family {
            Family::Kokoro => kokoro(options, &segment.phonemes)?,
            _ => vits(file, options)?,
        };
        utterances.push(Utterance {
            name: format!("segment {}", i + 1),
            phonemes: Some(segment.phonemes.clone()),
            ids: synthesizer.encode(&segment.phonemes).ids,
            seed: options.seed,
            delivery,
        });
    }
    Ok(utterances)
}

/// Letters that a Piper voice has ids for, as phonemes.
///
/// # Errors
/// If the model is no Piper voice.
pub fn symbols(file: &ModelFile) -> Result<String> {
    const MOST: usize = 40;
    let vits::Text::Piper(text) = vits::Config::parse(&file.metadata().config)?.text else {
        bail!("the model is no Piper voice")
    };
    let letters = text.phoneme_id_map.keys().filter(|symbol| symbol.chars().all(char::is_alphabetic));
    Ok(letters.take(MOST).map(String::as_str).collect())
}

fn kokoro(options: &Options, phonemes: &str) -> Result<Delivery> {
    let spec: VoiceSpec = options.voice.as_deref().unwrap_or(KOKORO_DEFAULT_VOICE).parse()?;
    let [(voice, _)] = &spec.parts[..] else {
        bail!("a blend of voices can't be compared, as references have none; give one voice")
    };
    Ok(Delivery::Kokoro {
        voice: voice.clone(),
        row: phonemes.chars().count().clamp(1, 510) - 1,
        speed: options.speed / options.length_scale.unwrap_or(1.0),
    })
}

/// The number of the speaker that `voice` is: by its name or by its number, whose existence the engine has checked; the configuration's where `None`.
pub fn speaker(config: &vits::Config, voice: Option<&str>) -> u32 {
    let (names, default) = match &config.text {
        vits::Text::Piper(text) => (&text.speaker_id_map, text.default_speaker_id),
        vits::Text::Mms(text) => (&text.speaker_id_map, 0),
    };
    let named = |name: &str| names.get(name).copied().or_else(|| name.trim().parse().ok());
    voice.and_then(named).unwrap_or(default)
}

fn vits(file: &ModelFile, options: &Options) -> Result<Delivery> {
    let config = vits::Config::parse(&file.metadata().config)?;
    Ok(Delivery::Vits {
        speaker: speaker(&config, options.voice.as_deref()),
        noise_scale: options.noise_scale.unwrap_or(config.noise_scale as f32),
        length_scale: options.length_scale.unwrap_or(config.length_scale as f32) / options.speed,
        noise_scale_w: options.noise_w.unwrap_or(config.noise_scale_w as f32),
    })
}
