"""Shards: Parquet files with rows and their audio, each written under another name until it is whole."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Optional

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Audio that is held in memory before a row group is written.
GROUP_BYTES = 32 << 20

#: The layout that Hugging Face's `datasets` has for audio: WAV files in a column.
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

RESULT_FIELDS = (
    pa.field("audio", AUDIO),
    pa.field("sample_rate_hz", pa.int32()),
    pa.field("samples", pa.int64()),
    pa.field("duration_s", pa.float64()),
    pa.field("sha256", pa.string()),
    pa.field("warnings", pa.list_(pa.string())),
    pa.field("error", pa.string()),
)

_KEY, _RUN = b"lumivox.bulk.key", b"lumivox.bulk.run"


class ShardError(RuntimeError):
    """A shard that can't be used; the message says what to do."""


def one_line(error: BaseException) -> str:
    """What Arrow says, which may be in several lines."""
    return " ".join(str(error).split())


@dataclass
class Result:
    """What became of a row: audio, or an error."""

    wav: Optional[bytes] = None
    sample_rate_hz: Optional[int] = None
    samples: Optional[int] = None
    duration_s: Optional[float] = None
    sha256: Optional[str] = None
    warnings: list[str] = field(default_factory=list)
    error: Optional[str] = None

    def columns(self, row: int) -> dict[str, Any]:
        audio = None if self.wav is None else {"bytes": self.wav, "path": f"{row:09}.wav"}
        names = ("sample_rate_hz", "samples", "duration_s", "sha256", "warnings", "error")
        return {"audio": audio, **{name: getattr(self, name) for name in names}}


def name(block: int) -> str:
    return f"{block:06}.parquet"


def attempts_name(block: int) -> str:
    return f".{block:06}.attempts"


def is_shard(path: Path) -> bool:
    """Whether it is named as a shard is."""
    return re.fullmatch(r"[0-9]{6,}\.parquet", path.name) is not None


def is_unfinished(path: Path) -> bool:
    """Whether it is named as what is there only while something is being made."""
    return re.fullmatch(r"\.([0-9]{6,}|index|bulk)-[0-9a-f]{32}\.part|\.[0-9]{6,}\.attempts", path.name) is not None


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name when everything is on the disk."""
    part = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def write(path: Path, rows: pa.Table, results: Iterable[Result], key: str, run: str) -> None:
    """Writes a shard of `rows` and their `results`."""
    metadata = {_KEY: key.encode(), _RUN: run.encode()}
    schema = pa.schema([*rows.schema, *RESULT_FIELDS], metadata=metadata)
    flat = [column.name for column in rows.schema if not pa.types.is_nested(column.type)]
    compression = {column: "zstd" for column in flat}
    with whole(path) as file, pq.ParquetWriter(file, schema, compression=compression, use_dictionary=flat, write_statistics=flat) as writer:
        for group in _groups(rows, results, schema):
            writer.write_table(group)


def _sync_folder(folder: Path) -> None:
    """Has names survive the end of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _groups(rows: pa.Table, results: Iterable[Result], schema: pa.Schema) -> Iterator[pa.Table]:
    numbers = rows.column("row").to_pylist()
    first, held, held_bytes = 0, [], 0

    def group() -> pa.Table:
        told = pa.Table.from_pylist(held, schema=pa.schema(RESULT_FIELDS))
        given = rows.slice(first, len(held))
        return pa.table([*given.columns, *told.columns], schema=schema)

    for number, result in zip(numbers, results):
        held.append(result.columns(number))
        held_bytes += len(result.wav or b"")
        if held_bytes >= GROUP_BYTES:
            yield group()
            first, held, held_bytes = first + len(held), [], 0
    if held:
        yield group()


def is_whole(path: Path, key: str, run: Optional[str] = None) -> bool:
    """Whether there is a shard of the work that `key` names and, if it is given, of that run."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    return metadata.get(_KEY) == key.encode() and (run is None or metadata.get(_RUN) == run.encode())


def _read(path: Path, key: str, columns: Optional[list[str]] = None) -> pa.Table:
    """Columns of a shard of the work that `key` names; all but the audio if none are given. Raises `ShardError`."""
    try:
        # Opened once: an actor may put another file in its place.
        with pq.ParquetFile(path) as shard:
            metadata = shard.schema_arrow.metadata or {}
            table = shard.read(columns or [column for column in shard.schema_arrow.names if column != "audio"])
    except (OSError, pa.ArrowException) as error:
        raise ShardError(f"the shard {path} can't be read: {one_line(error)}; remove it, and the same command says its rows again") from error
    if metadata.get(_KEY) != key.encode():
        raise ShardError(f"the shard {path} was written by an earlier run that is still at work; when that has ended, the same command says its rows again")
    return table.replace_schema_metadata()


def said(path: Path, key: str) -> dict[int, Result]:
    """The rows of a shard that have audio."""
    results = {}
    for line in _read(path, key, ["row", *pa.schema(RESULT_FIELDS).names]).to_pylist():
        number, audio = line.pop("row"), line.pop("audio")
        if line["error"] is None:
            results[number] = Result(wav=audio["bytes"], **line)
    return results


def read_index(path: Path, key: str) -> pa.Table:
    """Everything of a shard but its audio, and where that is: `shard`, a path below the run's folder, and `position`, the row in it."""
    table = _read(path, key)
    table = table.append_column("shard", pa.array([f"{path.parent.name}/{path.name}"] * table.num_rows))
    return table.append_column("position", pa.array(range(table.num_rows), pa.int64()))


def failures(path: Path, key: str) -> int:
    """How many rows of a shard have no audio."""
    errors = _read(path, key, ["error"]).column("error")
    return len(errors) - errors.null_count


def totals(table: pa.Table) -> tuple[int, int, float]:
    """Rows, failed ones among them, and seconds of audio of an index."""
    errors = table.column("error")
    return table.num_rows, len(errors) - errors.null_count, pc.sum(table.column("duration_s")).as_py() or 0.0
