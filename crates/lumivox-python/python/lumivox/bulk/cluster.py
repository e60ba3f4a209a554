"""Blocks of rows, said by Ray's actors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .progress import Progress
from .speaker import Speaker

if TYPE_CHECKING:
    from .run import Settings

#: An actor has the next block at hand while it says one; more would wait for it when others have nothing to do.
BLOCKS_PER_ACTOR = 2


def say(blocks: list[pa.Table], work: dict[str, Any], settings: Settings, progress: Progress) -> None:
    """Has every block said. A block of a node that goes away is given to another one."""
    import ray

    level = logging.ERROR if settings.quiet else logging.WARNING
    started = not ray.is_initialized()
    if started:
        dashboard = None if settings.address else False
        ray.init(address=settings.address, include_dashboard=dashboard, log_to_driver=False, logging_level=level)
    logging.getLogger("ray.data").setLevel(level)
    try:
        _say(blocks, work, settings, progress)
    finally:
        if started:
            ray.shutdown()


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
        compute=ray.data.ActorPoolStrategy(
            min_size=1, max_size=min(actors, len(blocks)), max_tasks_in_flight_per_actor=BLOCKS_PER_ACTOR
        ),
    )
    progress.begin()
    for batch in data.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        for told in batch.to_pylist():
            progress.add(told["rows"], told["failed"], told["audio_s"])
    progress.end()
