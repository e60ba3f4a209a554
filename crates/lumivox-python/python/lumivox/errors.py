"""What can go wrong. Every exception of lumivox is a `LumivoxError`."""

from __future__ import annotations

from collections.abc import Sequence


class LumivoxError(Exception):
    """Anything that lumivox raises by itself."""


class _Suggesting(LumivoxError):
    """An error that knows what may have been meant: `nearest`, nearest first."""

    def __init__(self, message: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.nearest: list[str] = list(nearest)


class ModelNotFoundError(_Suggesting, LookupError):
    """There is no model of that name, or no file at that path."""


class StoreError(LumivoxError):
    """A model is known but can't be had: the network, the disk, or what was fetched."""


class ModelFileError(LumivoxError):
    """A model file is damaged, incomplete or of another kind."""


class DeviceError(LumivoxError):
    """A device is not there, or does not compute in that precision."""


class UnknownVoiceError(_Suggesting, LookupError):
    """The model has no such voice or speaker, or a blend can't be read."""


class LanguageError(LumivoxError):
    """Text can't be read in that language for that model."""


class OptionError(LumivoxError, ValueError):
    """An option's value is out of range, or the model has no such option."""


class TextTooLongError(LumivoxError, ValueError):
    """The text is longer than `max_text_bytes`."""


class NothingToSayError(LumivoxError, ValueError):
    """Nothing in the text has a sound; `warnings` says what was left out."""

    def __init__(self, message: str, warnings: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.warnings: list[str] = list(warnings)


class SsmlError(LumivoxError, ValueError):
    """An SSML document can't be read; the message has the line and column."""


class ComputeError(LumivoxError):
    """The synthesis itself failed."""


class CancelledError(LumivoxError):
    """The speech was ended before all was said."""


class WriteError(LumivoxError, OSError):
    """Audio can't be written, or is longer than a WAV file can hold."""
