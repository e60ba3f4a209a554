"""A run: what is left to say, who says it, and what came of it."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
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
from .shards import ShardError
from .speaker import Model


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
    settings = replace(settings, out=settings.out.absolute(), model=_place(settings.model))
    try:
        return _run(settings, table, manifest_sha256, options)
    except ShardError as error:
        raise BulkError(str(error)) from error
    except OSError as error:
        raise BulkError(f"{settings.out} can't be worked in: {error}; what is whole is kept, and when that is mended, the same command goes on") from error


def _run(settings: Settings, table: pa.Table, manifest_sha256: str, options: dict[str, Any]) -> Summary:
    folder = settings.out
    try:
        (folder / "shards").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BulkError(f"{folder} can't be the folder of a run: {error}; give another --out") from error
    with _lock(folder):
        models = _models(table, settings)
        key = _claim(folder, _identity(settings, manifest_sha256), models, settings.restart)
        paths = [folder / "shards" / shards.name(block) for block in range(-(-table.num_rows // settings.rows_per_shard))]
        _remove_left_over(folder, paths, settings.restart)
        left = [block for block, path in enumerate(paths) if _is_left(path, key, settings.retry_failed)]
        work = {
            "folder": str(folder),
            "key": key,
            "run": uuid.uuid4().hex,
            "retry": settings.retry_failed,
            "model": settings.model,
            "models": models,
            "precision": settings.precision,
            "threads": settings.threads,
            "rows_per_shard": settings.rows_per_shard,
            "options": options,
        }
        blocks = [table.slice(block * settings.rows_per_shard, settings.rows_per_shard) for block in left]
        progress = Progress(table.num_rows, table.num_rows - sum(map(len, blocks)), settings.quiet)
        if blocks:
            cluster.say(blocks, work, settings, progress)
        index = _write_index(folder, paths, key, table)
        return _summary(index, progress)


def _with_defaults(table: pa.Table, options: dict[str, Any]) -> pa.Table:
    """The seed and the voice of every row are in the index, where they come from the command, too."""
    for name, kind in (("seed", pa.uint64()), ("voice", pa.string())):
        default = options.get(name)
        given = table.schema.field(name).type if name in table.column_names else pa.null()
        try:
            value = pa.scalar(default, kind if pa.types.is_null(given) else given)
        except (pa.ArrowException, OverflowError, UnicodeError) as error:
            raise BulkError(f"the {name} {default} does not fit the manifest's column: {error}") from error
        if pa.types.is_null(given):
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, pa.array([default] * table.num_rows, kind))
        elif default is not None:
            table = table.set_column(table.column_names.index(name), name, pc.coalesce(table.column(name), value))
    return table


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keeps a second run out of the folder; the system lets go of it however this process ends."""
    with (folder / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BulkError(f"another run is at work in {folder}; wait for its end, or give another folder") from error
        yield


def _place(model: str) -> str:
    """A file by its whole path, for an actor works in another folder. What has neither a folder nor an ending is a name."""
    is_path = os.path.dirname(model) or os.path.splitext(model)[1]
    return os.path.abspath(model) if is_path and os.path.isfile(model) else model


def _models(table: pa.Table, settings: Settings) -> dict[str, Model]:
    """What the models are, so that no node speaks with another. They are pulled here, once. The command's own must be there; a row's may fail with it."""
    named = pc.unique(table.column("model")).to_pylist() if "model" in table.column_names else [None]
    models = {}
    for name in dict.fromkeys(name or settings.model for name in named):
        place = _place(name)
        try:
            models[name] = Model(place, lumivox.Synthesizer(place, threads=1, precision=settings.precision).fingerprint)
        except (lumivox.LumivoxError, OSError, TypeError) as error:
            if name == settings.model:
                raise BulkError(str(error)) from error
            models[name] = Model(place, "")
    return models


def _identity(settings: Settings, manifest_sha256: str) -> dict[str, Any]:
    """Everything that the audio and its place depend on, but for what the models are: those that rows name may be missing at first."""
    return {
        "version": lumivox.__version__,
        "manifest_sha256": manifest_sha256,
        "model": settings.model,
        "precision": settings.precision,
        "options": settings.options,
        "rows_per_shard": settings.rows_per_shard,
    }


def _claim(folder: Path, identity: dict[str, Any], models: dict[str, Model], restart: bool) -> str:
    """Has the folder be of this work, or go on with it. Returns the key of its shards, which no other beginning has. Nothing is removed."""
    path = folder / "bulk.json"
    fingerprints = {name: model.fingerprint for name, model in models.items()}
    if path.exists() and not restart:
        before = _read_claim(path)
        known = before["models"]
        other = [name for name, value in identity.items() if before.get(name) != value]
        # As the file has them, by the names of the manifest: the same name may be another file when the command is given in another folder.
        other += [f"the model {name}" for name, found in fingerprints.items() if found and known.get(name, found) not in ("", found)]
        if other:
            what = ", ".join(other)
            raise BulkError(f"{folder} holds the work of another run ({what} differ); give another folder, or --restart to begin anew")
        key = before["key"]
        fingerprints = {**known, **{name: found for name, found in fingerprints.items() if found}}
    else:
        _check_free(folder, restart)
        key = uuid.uuid4().hex
    with shards.whole(path) as file:
        file.write((json.dumps({**identity, "models": fingerprints, "key": key}, indent=2) + "\n").encode())
    return key


def _read_claim(path: Path) -> dict[str, Any]:
    try:
        before = json.loads(path.read_bytes())
        if isinstance(before["key"], str) and isinstance(before["models"], dict):
            return before
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise BulkError(f"{path} is damaged, or was not made by this version; give another folder, or --restart to begin anew")


def _check_free(folder: Path, restart: bool) -> None:
    """Whether a run may begin in a folder: what no run has made stays, and would be taken for a shard by who reads them."""
    held = sorted(file for file in (folder / "shards").iterdir() if not file.name.startswith("."))
    foreign = [file.name for file in held if not shards.is_shard(file)]
    if foreign:
        raise BulkError(f"{folder / 'shards'} holds what no run has made ({', '.join(foreign[:3])}); give another folder, or move that away")
    if not restart and (held or (folder / "index.parquet").exists()):
        raise BulkError(f"{folder} holds shards or an index, and no bulk.json that says of what; give another folder, or --restart to begin anew")


def _remove_left_over(folder: Path, paths: list[Path], restart: bool) -> None:
    """Removes what an earlier run was writing when it was killed, and shards that are not of this one. Only what has a name that runs give."""
    if restart:
        (folder / "index.parquet").unlink(missing_ok=True)
    expected = set() if restart else set(paths)
    for file in (folder / "shards").iterdir():
        if shards.is_unfinished(file) or (shards.is_shard(file) and file not in expected):
            file.unlink(missing_ok=True)
    for file in folder.iterdir():
        if shards.is_unfinished(file):
            file.unlink(missing_ok=True)


def _is_left(path: Path, key: str, retry_failed: bool) -> bool:
    return not shards.is_whole(path, key) or (retry_failed and shards.failures(path, key) > 0)


def _write_index(folder: Path, paths: list[Path], key: str, table: pa.Table) -> pa.Table:
    """All shards without their audio in one table, once it is sure that every row is there once, and that no actor of an earlier run has put others there."""
    more = {file for file in (folder / "shards").iterdir() if shards.is_shard(file)} - set(paths)
    if more:
        raise BulkError(f"{min(more)} was written by an earlier run that is still at work; when that has ended, the same command goes on")
    index = pa.concat_tables([shards.read_index(path, key) for path in paths])
    if index.column("row").to_pylist() != table.column("row").to_pylist():
        raise BulkError(f"the shards in {folder} are not those of the manifest; --restart begins anew")
    with shards.whole(folder / "index.parquet") as file:
        pq.write_table(index, file, compression="zstd")
    return index


def _summary(index: pa.Table, progress: Progress) -> Summary:
    rows, failed, audio_s = shards.totals(index)
    lost = index.filter(pc.is_valid(index.column("error")))
    failures = tuple(zip(lost.column("id").to_pylist(), lost.column("error").to_pylist()))
    return Summary(rows, failed, audio_s, progress.said_rows, progress.elapsed_s(), failures)


def as_json(summary: Summary) -> str:
    """The figures, without the list of failures."""
    return json.dumps({name: value for name, value in asdict(summary).items() if name != "failures"})
