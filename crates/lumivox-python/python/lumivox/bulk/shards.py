"""Shards: Parquet files with rows and their audio, each written under another name until it is whole."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

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


def write(path: Path, rows: pa.Table, results: Iterable[Result], key: str, run: str) -> None:
    """Writes a shard of `rows` and their `results`. It has its name when everything is on the disk."""
    metadata = {_KEY: key.encode(), _RUN: run.encode()}
    schema = pa.schema([*rows.schema, *RESULT_FIELDS], metadata=metadata)
    flat = [column.name for column in rows.schema if not pa.types.is_nested(column.type)]
    part = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            with pq.ParquetWriter(
                file,
                schema,
                compression={column: "zstd" for column in flat},
                use_dictionary=flat,
                write_statistics=flat,
            ) as writer:
                for group in _groups(rows, results, schema):
                    writer.write_table(group)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
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


def said(path: Path) -> dict[int, Result]:
    """The rows of a shard that have audio."""
    results = {}
    for line in pq.read_table(path, columns=["row", *pa.schema(RESULT_FIELDS).names]).to_pylist():
        number, audio = line.pop("row"), line.pop("audio")
        if line["error"] is None:
            results[number] = Result(wav=audio["bytes"], **line)
    return results


def read_index(path: Path) -> pa.Table:
    """Everything of a shard but its audio, and where that is: `shard`, a path below the run's folder, and `position`, the row in it."""
    names = [column for column in pq.read_schema(path).names if column != "audio"]
    table = pq.read_table(path, columns=names).replace_schema_metadata()
    table = table.append_column("shard", pa.array([f"{path.parent.name}/{path.name}"] * table.num_rows))
    return table.append_column("position", pa.array(range(table.num_rows), pa.int64()))


def failures(path: Path) -> int:
    """How many rows of a shard have no audio."""
    errors = pq.read_table(path, columns=["error"]).column("error")
    return len(errors) - errors.null_count


def totals(table: pa.Table) -> tuple[int, int, float]:
    """Rows, failed ones among them, and seconds of audio of an index."""
    errors = table.column("error")
    return table.num_rows, len(errors) - errors.null_count, pc.sum(table.column("duration_s")).as_py() or 0.0
