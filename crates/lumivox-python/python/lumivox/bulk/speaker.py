"""The actor that says blocks of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

import lumivox

from . import shards
from .manifest import OPTIONS


#: A row that was being said when so many processes ended is not tried again.
MOST_ENDS = 3


class Model(NamedTuple):
    """Where a model is, which was found where the run was started, and what it was there; without a fingerprint it was not there."""

    place: str
    fingerprint: str


class Attempts:
    """Which rows of a block were begun, kept beside its shard until that is whole: a row that ends its process is known by it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        before = path.read_text().split("-") if path.is_file() else []
        last = [int(attempt.split()[-1]) for attempt in before if attempt.strip()]
        self.fatal = {row for row in last if last.count(row) >= MOST_ENDS}
        self._file = path.open("a")
        self._file.write("-\n")

    def begin(self, row: int) -> None:
        self._file.write(f"{row}\n")
        self._file.flush()

    def end(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Speaker:
    """Holds a loaded model (each, where rows name several), and makes a shard of each block that it is given."""

    def __init__(self, work: dict[str, Any]) -> None:
        self.work = work
        self.synthesizers: dict[str, lumivox.Synthesizer] = {}

    def __call__(self, rows: pa.Table) -> pa.Table:
        block = rows.column("row")[0].as_py() // self.work["rows_per_shard"]
        path = Path(self.work["folder"]) / "shards" / shards.name(block)
        key, run, retry = self.work["key"], self.work["run"], self.work["retry"]
        # A task that is given out again, because a node went away with its answer, may have been done.
        if not shards.is_whole(path, key, run if retry else None):
            earlier = shards.said(path, key) if retry and shards.is_whole(path, key) else {}
            attempts = Attempts(path.with_name(shards.attempts_name(block)))
            shards.write(path, rows, self._results(rows, earlier, attempts), key, run)
            attempts.end()
        count, failed, audio_s = shards.totals(shards.read_index(path, key))
        return pa.table({"rows": [count], "failed": [failed], "audio_s": [audio_s]})

    def _results(self, rows: pa.Table, earlier: dict[int, shards.Result], attempts: Attempts) -> Iterator[shards.Result]:
        # What is only carried through stays in Arrow: Python has no value for all that a column may hold.
        for row in rows.select([name for name in rows.column_names if name in ("row", "text", "model", *OPTIONS)]).to_pylist():
            number = row["row"]
            if number in earlier:
                yield earlier[number]
            elif number in attempts.fatal:
                yield shards.Result(error=f"the process that says it has ended {MOST_ENDS} times")
            else:
                attempts.begin(number)
                yield self._say(row)

    def _say(self, row: dict[str, Any]) -> shards.Result:
        try:
            if not row["text"]:
                raise ValueError("the row has no text")
            synthesizer = self._synthesizer(row.get("model") or self.work["model"])
            speech = synthesizer.speak(row["text"], **self._options(row))
            wav = speech.to_wav()
        except Exception as error:  # whatever it is, it is this row's
            return shards.Result(error=f"{type(error).__name__}: {error}")
        return shards.Result(
            wav=wav,
            sample_rate_hz=speech.sample_rate_hz,
            samples=len(speech.samples),
            duration_s=speech.duration_s,
            sha256=hashlib.sha256(wav).hexdigest(),
            warnings=[str(warning) for warning in speech.warnings],
        )

    def _options(self, row: dict[str, Any]) -> dict[str, Any]:
        given = {name: row[name] for name in OPTIONS if row.get(name) is not None}
        if "lexicon" in given:
            given["lexicon"] = dict(given["lexicon"])
        return {**self.work["options"], **given}

    def _synthesizer(self, model: str) -> lumivox.Synthesizer:
        loaded = self.synthesizers.get(model)
        if loaded is None:
            place, fingerprint = self.work["models"][model]
            loaded = lumivox.Synthesizer(place, threads=self.work["threads"], precision=self.work["precision"])
            if not fingerprint:
                raise RuntimeError(f"the model `{model}` was not there where the run was started; get it there, and --retry-failed says this row")
            if loaded.fingerprint != fingerprint:
                raise RuntimeError(f"the model `{model}` of this node is another than where the run was started; pull it again")
            self.synthesizers[model] = loaded
        return loaded
