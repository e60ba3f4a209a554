"""How far a run is, on standard error."""

from __future__ import annotations

import sys
import time


class Progress:
    """Counts rows. A terminal has one line that changes, anything else a line now and then."""

    #: Seconds between lines of a log.
    EVERY_S = 10.0

    def __init__(self, rows: int, done: int, quiet: bool) -> None:
        self.rows, self.done, self.quiet = rows, done, quiet
        self.said_rows, self.failed, self.audio_s = 0, 0, 0.0
        self._terminal = sys.stderr.isatty()
        self._began = self._told = time.monotonic()
        self._elapsed_s = 0.0
        if done and not quiet:
            print(f"{done} of {rows} rows are done already", file=sys.stderr)

    def begin(self) -> None:
        self._began = self._told = time.monotonic()

    def add(self, rows: int, failed: int, audio_s: float) -> None:
        """A block is done."""
        self.done += rows
        self.said_rows += rows
        self.failed += failed
        self.audio_s += audio_s
        now = time.monotonic()
        if not self.quiet and (self._terminal or now - self._told >= self.EVERY_S):
            self._told = now
            self._tell(now - self._began)

    def end(self) -> None:
        self._elapsed_s = time.monotonic() - self._began
        if not self.quiet and self._terminal and self.said_rows:
            print(file=sys.stderr)

    def elapsed_s(self) -> float:
        """Seconds from the first block's begin to the last one's end."""
        return self._elapsed_s

    def _tell(self, elapsed_s: float) -> None:
        left_s = (self.rows - self.done) * elapsed_s / self.said_rows
        line = f"{self.done}/{self.rows} rows, {self.failed} failed, {self.audio_s / elapsed_s:.1f} s of audio a second, {_clock(left_s)} left"
        print(f"\r{line}\x1b[K" if self._terminal else line, end="" if self._terminal else "\n", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
