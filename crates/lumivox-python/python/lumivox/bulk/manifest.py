"""What is to be said: a table of texts with their options."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Columns that are options of `Synthesizer.speak`; where a row has none, that of the command holds.
OPTIONS = (
    "voice",
    "language",
    "speed",
    "seed",
    "length_scale",
    "noise_scale",
    "noise_w",
    "sentence_silence",
    "paragraph_silence",
    "ssml",
    "phonemes",
    "g2p",
    "emoji",
)

#: Columns that a run adds.
RESULTS = ("row", "audio", "sample_rate_hz", "samples", "duration_s", "sha256", "warnings", "error", "shard", "position")


class ManifestError(ValueError):
    """A manifest that can't be used; nothing of it was said."""


def read_manifest(path: Path) -> tuple[pa.Table, str]:
    """The rows of a Parquet or JSON Lines file with their numbers in a column `row`, and the SHA-256 of the file.

    Raises `ManifestError` if it can't be read or a column does not suit.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ManifestError(f"the manifest {path} can't be read: {error}") from error
    if path.suffix == ".parquet":
        try:
            table = pq.read_table(pa.BufferReader(content))
        except pa.ArrowException as error:
            raise ManifestError(f"{path} is no Parquet file: {error}") from error
    elif path.suffix in (".jsonl", ".ndjson"):
        table = _parse_lines(path, content)
    else:
        raise ManifestError(f"{path}: a manifest is a .parquet or a .jsonl file")
    return _checked(path, table), hashlib.sha256(content).hexdigest()


def _parse_lines(path: Path, content: bytes) -> pa.Table:
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ManifestError(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise ManifestError(f'{path}, line {number}: a row is an object such as {{"text": "Hello."}}')
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        try:
            columns[name] = pa.array([row.get(name) for row in rows])
        except (pa.ArrowException, OverflowError) as error:
            raise ManifestError(f"{path}: the values of `{name}` are not all of one kind: {error}") from error
    return pa.table(columns)


def _checked(path: Path, table: pa.Table) -> pa.Table:
    if "text" not in table.column_names:
        raise ManifestError(f"{path} has no column `text`; it has {', '.join(table.column_names) or 'none'}")
    if table.num_rows == 0:
        raise ManifestError(f"{path} has no rows")
    taken = sorted(set(table.column_names) & set(RESULTS))
    if taken:
        raise ManifestError(f"{path} has columns whose names the result needs: {', '.join(taken)}; rename them")
    if not _is_text(table.schema.field("text").type):
        raise ManifestError(f"{path}: the column `text` holds {table.schema.field('text').type}, not text")
    if "id" in table.column_names:
        ids = table.column("id")
        if ids.null_count or pc.count_distinct(ids).as_py() != table.num_rows:
            raise ManifestError(f"{path}: the column `id` has the same value twice, or none; leave it out, or make it unique")
    table = _with_kinds(path, table.combine_chunks())
    row = pa.array(range(table.num_rows), pa.int64())
    table = table.add_column(0, "row", row)
    return table if "id" in table.column_names else table.add_column(1, "id", row)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)


def _with_kinds(path: Path, table: pa.Table) -> pa.Table:
    """Seeds are whole, though pandas writes numbers with gaps as floating point; voices are names, though a speaker may be given by a number."""
    for name, kind in (("seed", pa.int64()), ("voice", pa.string())):
        if name not in table.column_names:
            continue
        place, given = table.column_names.index(name), table.schema.field(name).type
        if pa.types.is_integer(given) and name == "seed" or pa.types.is_null(given):
            continue
        try:
            if name == "seed" and not pa.types.is_floating(given):
                raise pa.ArrowInvalid(f"it is {given}")
            table = table.set_column(place, name, table.column(name).cast(kind))
        except pa.ArrowException as error:
            raise ManifestError(f"{path}: the column `{name}` can't be used: {error}") from error
    return table
