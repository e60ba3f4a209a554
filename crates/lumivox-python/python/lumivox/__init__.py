"""Text to speech with Kokoro-82M, Piper voices and MMS-TTS.

    import lumivox

    synthesizer = lumivox.Synthesizer.embedded()
    speech = synthesizer.speak("Hello, world!")
    speech.save("hello.wav")

`Synthesizer("kokoro")` loads a model by its name, `Synthesizer.stream` speaks while it computes, and `python -m lumivox.bulk --help` tells how to say many
texts on a Ray cluster.
"""

from ._lumivox import Phoneme, Speech, SpeechWarning, Stream, Synthesizer, Word
from ._lumivox import __VERSION__ as __version__
from .errors import (
    CancelledError,
    ComputeError,
    DeviceError,
    LanguageError,
    LumivoxError,
    ModelFileError,
    ModelNotFoundError,
    NothingToSayError,
    OptionError,
    SsmlError,
    StoreError,
    TextTooLongError,
    UnknownVoiceError,
    WriteError,
)

__all__ = [
    "CancelledError",
    "ComputeError",
    "DeviceError",
    "LanguageError",
    "LumivoxError",
    "ModelFileError",
    "ModelNotFoundError",
    "NothingToSayError",
    "OptionError",
    "Phoneme",
    "Speech",
    "SpeechWarning",
    "SsmlError",
    "StoreError",
    "Stream",
    "Synthesizer",
    "TextTooLongError",
    "UnknownVoiceError",
    "Word",
    "WriteError",
    "__version__",
]
