"""Blocks of rows, said by Ray's actors."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .progress import Progress
from .speaker import Speaker

if TYPE_CHECKING:
    from .driver import Settings

#: An actor has the next block at hand while it says one; more would wait for it when others have nothing to do.
BLOCKS_PER_ACTOR = 2

#: Seconds in which a cluster's address must answer.
CONNECT_S = 10.0


class BulkError(RuntimeError):
    """A run that can't begin or go on."""


def say(blocks: list[pa.Table], work: dict[str, Any], settings: Settings, progress: Progress) -> None:
    """Has every block said. A block of a node that goes away is given to another one. Raises `BulkError` if Ray can't go on."""
    import ray

    started = not ray.is_initialized()
    try:
        if started:
            _connect(settings)
        _say(blocks, work, settings, progress)
    except Exception as error:
        raise BulkError(f"Ray could not go on; what is whole is kept, and the same command says the rest: {error}") from error
    finally:
        if started:
            ray.shutdown()


def _connect(settings: Settings) -> None:
    import ray

    level = logging.ERROR if settings.quiet else logging.WARNING
    address = settings.address or os.environ.get("RAY_ADDRESS")
    host, _, port = (address or "").rpartition(":")
    if port.isdigit() and not address.startswith("ray://"):
        # Ray itself would try for minutes.
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    # A cluster for this run alone tells nobody of itself.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(address=address, include_dashboard=None if address else False, log_to_driver=False, logging_level=level)
    logging.getLogger("ray.data").setLevel(level)


def _say(blocks: list[pa.Table], work: dict[str, Any], settings: Settings, progress: Progress) -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    processors = int(ray.cluster_resources().get("CPU", 1))
    actors = settings.actors or max(1, processors // settings.threads)
    data = ray.data.from_arrow(blocks).map_batches(
        Speaker,
        fn_constructor_args=(work,),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=settings.threads,
        # A node that is gone uses up any number before it is known to be; rows that end their actors are found by `Attempts`.
        max_task_retries=-1,
        compute=ray.data.ActorPoolStrategy(
            min_size=1, max_size=min(actors, len(blocks)), max_tasks_in_flight_per_actor=BLOCKS_PER_ACTOR
        ),
    )
    progress.begin()
    for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        for told in batch.to_pylist():
            progress.add(told["rows"], told["failed"], told["audio_s"])
    progress.end()
