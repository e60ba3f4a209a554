/* lumivox: text to speech with Kokoro-82M and VITS. Made of crates/lumivox-capi, whose test keeps it so. */

#ifndef LUMIVOX_H
#define LUMIVOX_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// How a call ended.
typedef enum {
  // It did what was asked.
  LUMIVOX_STATUS_OK = 0,
  // All of the speech was handed over; not an error.
  LUMIVOX_STATUS_END = 1,
  // A pointer is null that must not be, a string is not UTF-8, or a number is none that there is.
  LUMIVOX_STATUS_ARGUMENT = 2,
  // The model can't be fetched, or its file not be used.
  LUMIVOX_STATUS_MODEL = 3,
  // What is to be said, or how, does not suit the model: an unknown voice, a speed out of range, a text without words.
  LUMIVOX_STATUS_REQUEST = 4,
  // The speech was cancelled.
  LUMIVOX_STATUS_CANCELLED = 5,
  // The computation failed.
  LUMIVOX_STATUS_COMPUTE = 6,
  // A file could not be written.
  LUMIVOX_STATUS_WRITE = 7,
  // A fault of the library itself.
  LUMIVOX_STATUS_INTERNAL = 8,
} LumivoxStatus;

// What is to be said.
typedef enum {
  // Text.
  LUMIVOX_INPUT_TEXT = 0,
  // An SSML document.
  LUMIVOX_INPUT_SSML = 1,
  // Phonemes in the model's symbols.
  LUMIVOX_INPUT_PHONEMES = 2,
} LumivoxInput;

// In which numbers a model computes.
typedef enum {
  // 32-bit floating point.
  LUMIVOX_PRECISION_F32 = 0,
  // 16 bits, on a GPU.
  LUMIVOX_PRECISION_F16 = 1,
  // 8-bit integers in Kokoro's residual blocks, on the processor.
  LUMIVOX_PRECISION_INT8 = 2,
} LumivoxPrecision;

// How something is said; what is not set is as the model has it. It may be used for any number of calls.
typedef struct LumivoxOptions LumivoxOptions;

// Speech in the making: each stretch of it is computed when it is asked for.
typedef struct LumivoxSpeech LumivoxSpeech;

// A loaded model. Threads may share it.
typedef struct LumivoxSynthesizer LumivoxSynthesizer;

// How a model is loaded. All zero is the default.
typedef struct {
  // Threads to compute with on the processor; 0 takes one for each of its threads.
  size_t threads;
  // A `LumivoxPrecision`.
  uint32_t precision;
  // `auto`, `cpu`, `cuda` or `cuda:N`; null is `auto`.
  const char *device;
} LumivoxLoadOptions;

// A stretch of audio.
typedef struct {
  // Mono samples in -1..1, valid until the next chunk is asked for or the speech freed.
  const float *samples;
  // How many.
  size_t n_samples;
  // Which segment of the text it is from.
  size_t segment;
  // Whether it is that segment's last one.
  bool ends_segment;
} LumivoxChunk;

// When a word sounds.
typedef struct {
  // The word, valid as long as the speech.
  const char *text;
  // When it begins, in seconds.
  double start_s;
  // When it ends, in seconds.
  double end_s;
  // The byte of the input that it begins at.
  size_t begin_byte;
  // The byte behind it.
  size_t end_byte;
} LumivoxWord;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// What went wrong in the last call of this thread that failed, as a sentence; empty before the first. The string is valid until the next failing call of
// the same thread.
const char *lumivox_last_error(void);

// The library's version, such as `0.1.0`.
const char *lumivox_version(void);

// Loads a model: one that `lumivox models` lists, by its name, fetched first if it is not here; a model file, by its path; or `embedded`, the voice inside the
// library. `options` may be null. `*synthesizer` is to be freed by `lumivox_synthesizer_free`.
//
// Safety:
// `model` is a string; `options` is null or valid; `synthesizer` can be written to.
LumivoxStatus lumivox_open(const char *model,
                           const LumivoxLoadOptions *options,
                           LumivoxSynthesizer **synthesizer);

// Frees a model; speech of it that is still there keeps what it needs. Null is nothing.
//
// Safety:
// `synthesizer` is null or from `lumivox_open`, and not used again.
void lumivox_synthesizer_free(LumivoxSynthesizer *synthesizer);

// What is special about the model, such as other weights that stand in for those that were asked for because they could not be had; null where nothing is,
// and for null. It lives as long as the model.
//
// Safety:
// `synthesizer` is null or valid.
const char *lumivox_model_note(const LumivoxSynthesizer *synthesizer);

// Samples in a second of the audio; 0 for null.
//
// Safety:
// `synthesizer` is null or valid.
uint32_t lumivox_sample_rate_hz(const LumivoxSynthesizer *synthesizer);

// How many voices or speakers have names; 0 where there is one without, and for null.
//
// Safety:
// `synthesizer` is null or valid.
size_t lumivox_voice_count(const LumivoxSynthesizer *synthesizer);

// The name of a voice, counted from 0; null where there is none. It lives as long as the model.
//
// Safety:
// `synthesizer` is null or valid.
const char *lumivox_voice(const LumivoxSynthesizer *synthesizer, size_t index);

// New options, to be freed by `lumivox_options_free`.
LumivoxOptions *lumivox_options_new(void);

// Frees options. Null is nothing.
//
// Safety:
// `options` is null or from `lumivox_options_new`, and not used again.
void lumivox_options_free(LumivoxOptions *options);

// Kokoro: a voice or a blend (`af_heart:60,af_bella:40`); VITS: a speaker's name or number.
//
// Safety:
// `options` is valid; `voice` is a string.
LumivoxStatus lumivox_options_set_voice(LumivoxOptions *options, const char *voice);

// The language that text is read in: `en-us`, `en-gb`, `es`, `fr`, `hi`, `it`, `ja`, `pt-br`, `zh`. The voice's own if not set.
//
// Safety:
// `options` is valid; `language` is a string.
LumivoxStatus lumivox_options_set_language(LumivoxOptions *options,
                                           const char *language);

// The seed of the noise, 0 if not set: the same seed gives the same audio.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_seed(LumivoxOptions *options, uint64_t seed);

// 1 as trained, 2 twice as fast; 0.25 to 4.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_speed(LumivoxOptions *options, float speed);

// VITS: `length_scale` is a factor of all durations, 0.1 to 10; `noise_scale` says how lively the voice is, `noise_w` the rhythm, 0 to 10. A negative
// number leaves what the voice has.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_scales(LumivoxOptions *options,
                                         float length_scale,
                                         float noise_scale,
                                         float noise_w);

// Silence behind each sentence and each paragraph but the last, in seconds, 0 to 60; a negative paragraph's is that of sentences.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_silence(LumivoxOptions *options,
                                          float sentence_s,
                                          float paragraph_s);

// Whether emoji are said by their names; if not, they are silent, with a warning.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_emoji(LumivoxOptions *options, bool named);

// Whether phonemes come from an installed espeak-ng instead of what is built in.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_espeak(LumivoxOptions *options, bool espeak);

// The most bytes of text that are taken, 500,000 if not set.
//
// Safety:
// `options` is valid.
LumivoxStatus lumivox_options_set_max_text_bytes(LumivoxOptions *options, size_t max_text_bytes);

// A file of pronunciations that go before all others: JSON, or lines of a word, a tab and its phonemes.
//
// Safety:
// `options` is valid; `file` is a string.
LumivoxStatus lumivox_options_set_lexicon(LumivoxOptions *options,
                                          const char *file);

// Prepares speech: reads the text, and checks all that can be wrong with the request; the dictionary of Japanese is fetched, if that is read and it is not here. `kind` is a `LumivoxInput`, `options` may be null. Where `streamed`, the
// first chunk is short, and a VITS model's is ready long before the sentence is; else chunks are whole segments. `*speech` is to be freed by
// `lumivox_speech_free`.
//
// Safety:
// `model` and `text` are valid, `options` is null or valid; `speech` can be written to.
LumivoxStatus lumivox_speak(const LumivoxSynthesizer *model,
                            uint32_t kind,
                            const char *text,
                            const LumivoxOptions *options,
                            bool streamed,
                            LumivoxSpeech **speech);

// Computes the next stretch of audio. `LUMIVOX_STATUS_END` when there is none.
//
// Safety:
// `speech` is valid; `chunk` can be written to.
LumivoxStatus lumivox_next(const LumivoxSpeech *speech, LumivoxChunk *chunk);

// Stops the speech, from any thread, also while another one waits for a chunk: that call ends with `LUMIVOX_STATUS_CANCELLED`.
//
// Safety:
// `speech` is null or valid.
void lumivox_cancel(const LumivoxSpeech *speech);

// How many words have their times: those of the segments that were begun, so all at the end.
//
// Safety:
// `speech` is null or valid.
size_t lumivox_word_count(const LumivoxSpeech *speech);

// When a word sounds, the words counted from 0.
//
// Safety:
// `speech` is valid; `word` can be written to.
LumivoxStatus lumivox_word(const LumivoxSpeech *speech, size_t index, LumivoxWord *word);

// How many things are not said as they should be.
//
// Safety:
// `speech` is null or valid.
size_t lumivox_warning_count(const LumivoxSpeech *speech);

// What is not said as it should be, counted from 0; null where there is nothing. It lives as long as the speech.
//
// Safety:
// `speech` is null or valid.
const char *lumivox_warning(const LumivoxSpeech *speech,
                            size_t index);

// Frees speech, at whatever place it is. Null is nothing.
//
// Safety:
// `speech` is null or from `lumivox_speak`, and not used again.
void lumivox_speech_free(LumivoxSpeech *speech);

// Writes mono samples as a WAV file of 16 bits, which has its name only when it is whole.
//
// Safety:
// `file` is a string; `samples` are `n_samples`.
LumivoxStatus lumivox_write_wav(const char *file,
                                const float *samples,
                                size_t n_samples,
                                uint32_t sample_rate_hz);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LUMIVOX_H */
