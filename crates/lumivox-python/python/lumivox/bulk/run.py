"""A run: what is left to say, who says it, and what came of it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import lumivox

from . import cluster, shards
from .cluster import BulkError
from .manifest import read_manifest
from .progress import Progress


@dataclass(frozen=True)
class Settings:
    """What a run is to do."""

    manifest: Path
    out: Path
    model: str = "kokoro"
    precision: str = "f32"
    #: Options of `Synthesizer.speak` for rows that don't have their own.
    options: dict[str, Any] = field(default_factory=dict)
    rows_per_shard: int = 256
    #: Actors; as many as the cluster has processors for if None.
    actors: Optional[int] = None
    #: Threads of each.
    threads: int = 1
    #: The cluster's address; one is started on this machine if None.
    address: Optional[str] = None
    restart: bool = False
    retry_failed: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Summary:
    """What came of a run: everything in the folder, and how much of it this run has said."""

    rows: int
    failed: int
    audio_s: float
    said_rows: int
    compute_s: float
    #: Of each row without audio: its id and why.
    failures: tuple[tuple[Any, str], ...]


def run(settings: Settings) -> Summary:
    """Says what is left of a manifest. Raises `ManifestError` or `BulkError` if it can't."""
    table, manifest_sha256 = read_manifest(settings.manifest)
    options = {"seed": 0, **settings.options}
    table = _with_defaults(table, options)
    folder = settings.out.absolute()
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        fingerprints = _fingerprints(table, settings)
        identity = _identity(settings, manifest_sha256, fingerprints[settings.model])
        key = _claim(folder, identity, settings.restart)
        paths = [folder / "shards" / shards.name(block) for block in range(-(-table.num_rows // settings.rows_per_shard))]
        left = [block for block, path in enumerate(paths) if _is_left(path, key, settings.retry_failed)]
        work = {
            "folder": str(folder),
            "key": key,
            "run": uuid.uuid4().hex,
            "retry": settings.retry_failed,
            "model": settings.model,
            "fingerprints": fingerprints,
            "precision": settings.precision,
            "threads": settings.threads,
            "rows_per_shard": settings.rows_per_shard,
            "options": options,
        }
        blocks = [table.slice(block * settings.rows_per_shard, settings.rows_per_shard) for block in left]
        progress = Progress(table.num_rows, table.num_rows - sum(map(len, blocks)), settings.quiet)
        if blocks:
            cluster.say(blocks, work, settings, progress)
        index = _write_index(folder, paths, table)
        return _summary(index, progress)


def _with_defaults(table: pa.Table, options: dict[str, Any]) -> pa.Table:
    """The seed and the voice of every row are in the index, where they come from the command, too."""
    for name, kind in (("seed", pa.uint64()), ("voice", pa.string())):
        default = options.get(name)
        if name not in table.column_names or pa.types.is_null(table.schema.field(name).type):
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, pa.array([default] * table.num_rows, kind))
        elif default is not None:
            place = table.column_names.index(name)
            try:
                value = pa.scalar(default, table.schema.field(name).type)
            except (pa.ArrowException, OverflowError) as error:
                raise BulkError(f"the {name} {default} does not fit the manifest's column: {error}") from error
            table = table.set_column(place, name, pc.coalesce(table.column(name), value))
    return table


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keeps a second run out of the folder; the system lets go of it however this process ends."""
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BulkError(f"another run is at work in {folder}") from error
        yield


def _fingerprints(table: pa.Table, settings: Settings) -> dict[str, str]:
    """What the models are, so that no node speaks with another. They are pulled here, once. The command's own must be there; a row's may fail with it."""
    named = pc.unique(table.column("model")).to_pylist() if "model" in table.column_names else [None]
    models = dict.fromkeys(name or settings.model for name in named)
    fingerprints = {}
    for model in models:
        try:
            fingerprints[model] = lumivox.Synthesizer(model, threads=1, precision=settings.precision).fingerprint
        except (lumivox.LumivoxError, OSError, TypeError) as error:
            if model == settings.model:
                raise BulkError(str(error)) from error
            fingerprints[model] = ""
    return fingerprints


def _identity(settings: Settings, manifest_sha256: str, fingerprint: str) -> dict[str, Any]:
    """Everything that the audio and its place depend on, but for models that rows name, which may be missing at first."""
    return {
        "version": lumivox.__version__,
        "manifest_sha256": manifest_sha256,
        "model": settings.model,
        "fingerprint": fingerprint,
        "precision": settings.precision,
        "options": settings.options,
        "rows_per_shard": settings.rows_per_shard,
    }


def _claim(folder: Path, identity: dict[str, Any], restart: bool) -> str:
    """Has the folder be of this work, or go on with it. Returns the key of its shards."""
    path = folder / "bulk.json"
    if restart:
        path.unlink(missing_ok=True)
        (folder / "index.parquet").unlink(missing_ok=True)
        shutil.rmtree(folder / "shards")
        (folder / "shards").mkdir()
    # What was being written when an earlier run was killed.
    for part in (folder / "shards").glob(".*"):
        part.unlink(missing_ok=True)
    if path.is_file():
        before = json.loads(path.read_text())
        other = [name for name, value in identity.items() if before.get(name) != value]
        if other:
            what = ", ".join(other)
            raise BulkError(f"{folder} holds the work of another run ({what} differ); give another folder, or --restart to begin anew")
    elif any((folder / "shards").iterdir()):
        raise BulkError(f"{folder} holds shards, and no bulk.json that says of what; give another folder, or --restart to begin anew")
    else:
        part = folder / ".bulk.json.part"
        part.write_text(json.dumps(identity, indent=2) + "\n")
        os.replace(part, path)
        shards.sync_folder(folder)
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _is_left(path: Path, key: str, retry_failed: bool) -> bool:
    return not shards.is_whole(path, key) or (retry_failed and shards.failures(path) > 0)


def _write_index(folder: Path, paths: list[Path], table: pa.Table) -> pa.Table:
    """All shards without their audio in one table, once it is sure that every row is there once."""
    index = pa.concat_tables([shards.read_index(path) for path in paths])
    if index.column("row").to_pylist() != table.column("row").to_pylist():
        raise BulkError(f"the shards in {folder} are not those of the manifest; --restart begins anew")
    part = folder / ".index.parquet.part"
    pq.write_table(index, part, compression="zstd")
    os.replace(part, folder / "index.parquet")
    return index


def _summary(index: pa.Table, progress: Progress) -> Summary:
    rows, failed, audio_s = shards.totals(index)
    lost = index.filter(pc.is_valid(index.column("error")))
    failures = tuple(zip(lost.column("id").to_pylist(), lost.column("error").to_pylist()))
    return Summary(rows, failed, audio_s, progress.said_rows, progress.elapsed_s(), failures)


def as_json(summary: Summary) -> str:
    """The figures, without the list of failures."""
    return json.dumps({name: value for name, value in asdict(summary).items() if name != "failures"})
