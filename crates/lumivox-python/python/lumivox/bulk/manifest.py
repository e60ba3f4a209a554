"""What is to be said: a table of texts with their options."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .shards import one_line

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
    "lexicon",
    "max_text_bytes",
)

#: A row's own pronunciations. A struct would have a field for every word of every row.
LEXICON = pa.map_(pa.string(), pa.string())

#: What Arrow raises for values that it can't take, and Python for those that it can't hand over.
_UNFIT = (pa.ArrowException, OSError, OverflowError, RecursionError, TypeError, ValueError)

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
        except (pa.ArrowException, OSError) as error:
            raise ManifestError(f"{path} can't be read as Parquet: {one_line(error)}; write it anew") from error
    elif path.suffix in (".jsonl", ".ndjson"):
        table = _parse_lines(path, content)
    else:
        raise ManifestError(f"{path}: a manifest is a .parquet or a .jsonl file")
    return _checked(path, table), hashlib.sha256(content).hexdigest()


def _parse_lines(path: Path, content: bytes) -> pa.Table:
    rows = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
            if b"\\u" in line:
                # Half of a surrogate pair is no character, though JSON can spell it.
                json.dumps(row, ensure_ascii=False).encode()
        except UnicodeError as error:
            raise ManifestError(f"{path}, line {number}: no Unicode text: {error}; write it as UTF-8") from error
        except ValueError as error:
            raise ManifestError(f"{path}, line {number}: no JSON: {error}") from error
        except RecursionError as error:
            raise ManifestError(f'{path}, line {number}: nested too deeply; a row is an object such as {{"text": "Hello."}}') from error
        if not isinstance(row, dict):
            raise ManifestError(f'{path}, line {number}: a row is an object such as {{"text": "Hello."}}')
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[name] = _lexicons(values) if name == "lexicon" else pa.array(values)
        except _UNFIT as error:
            raise ManifestError(f"{path}: the values of `{name}` can't make a column: {one_line(error)}; they must be of one kind") from error
    return pa.table(columns)


def _checked(path: Path, table: pa.Table) -> pa.Table:
    if "text" not in table.column_names:
        raise ManifestError(f"{path} has no column `text`; it has {', '.join(table.column_names) or 'none'}")
    if table.num_rows == 0:
        raise ManifestError(f"{path} has no rows")
    taken = sorted(set(table.column_names) & set(RESULTS))
    if taken:
        raise ManifestError(f"{path} has columns whose names the result needs: {', '.join(taken)}; rename them")
    for name in ("text", "model"):
        if name in table.column_names and not _is_text(table.schema.field(name).type):
            raise ManifestError(f"{path}: the column `{name}` holds {table.schema.field(name).type}, not text")
    if "id" in table.column_names:
        ids = table.column("id")
        if not (_is_text(ids.type) or pa.types.is_integer(ids.type) or pa.types.is_floating(ids.type)):
            raise ManifestError(f"{path}: the column `id` holds {ids.type}; make it text or numbers, or leave it out")
        if ids.null_count or pc.count_distinct(ids).as_py() != table.num_rows:
            raise ManifestError(f"{path}: the column `id` has the same value twice, or none; leave it out, or make it unique")
    table = _with_kinds(path, table.combine_chunks())
    _check_storable(path, table)
    row = pa.array(range(table.num_rows), pa.int64())
    table = table.add_column(0, "row", row)
    return table if "id" in table.column_names else table.add_column(1, "id", row)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)


def _lexicons(values: list[Any]) -> pa.Array:
    """Pronunciations, each an object of words or Arrow's pairs. Where a table has a field for each word, those of other rows are None."""
    pairs = [None if value is None else [pair for pair in dict(value).items() if pair[1] is not None] for value in values]
    return pa.array(pairs, LEXICON)


def _with_kinds(path: Path, table: pa.Table) -> pa.Table:
    """Whole numbers are whole, though pandas writes those with gaps as floating point; voices are names, though a speaker may be given by a number."""
    for name, kind in (("seed", pa.int64()), ("max_text_bytes", pa.int64()), ("voice", pa.string()), ("lexicon", LEXICON)):
        if name not in table.column_names:
            continue
        place, given = table.column_names.index(name), table.schema.field(name).type
        if pa.types.is_null(given) or kind == pa.int64() and pa.types.is_integer(given):
            continue
        try:
            if kind == pa.int64() and not pa.types.is_floating(given):
                raise pa.ArrowInvalid(f"it is {given}, not whole numbers")
            if kind == LEXICON and not (pa.types.is_struct(given) or pa.types.is_map(given)):
                raise pa.ArrowInvalid(f"it is {given}, not words and their phonemes")
            column = table.column(name)
            table = table.set_column(place, name, _lexicons(column.to_pylist()) if kind == LEXICON else column.cast(kind))
        except _UNFIT as error:
            raise ManifestError(f"{path}: the column `{name}` can't be used: {error}") from error
    return table


def _check_storable(path: Path, table: pa.Table) -> None:
    """Arrow holds more than Parquet does, an empty object for one: what no shard could hold would be found when the first is said, every time."""
    for name in table.column_names:
        try:
            table.column(name).validate(full=True)
            written = pa.BufferOutputStream()
            pq.write_table(table.select([name]), written)
            pq.read_table(pa.BufferReader(written.getvalue()))
        except _UNFIT as error:
            raise ManifestError(f"{path}: the column `{name}` can't be kept in Parquet: {one_line(error)}; leave it out, or write it as text") from error
