"""Many texts on a Ray cluster: `python -m lumivox.bulk --help`.

A manifest's rows are cut into blocks, and each block becomes a shard: a Parquet file with the rows and their audio, which has its name only when it is whole.
Actors, each with a loaded model, say the blocks. What is there when a run is killed stays, and the same command says the rest.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .manifest import ManifestError as ManifestError
    from .manifest import read_manifest as read_manifest
    from .driver import BulkError as BulkError
    from .driver import Settings as Settings
    from .driver import Summary as Summary
    from .driver import run as run

__all__ = ["BulkError", "ManifestError", "Settings", "Summary", "read_manifest", "run"]


def __getattr__(name: str) -> Any:
    """What needs pyarrow is imported when it is asked for, so that the command can say that it is missing."""
    if name in ("ManifestError", "read_manifest"):
        return getattr(importlib.import_module(".manifest", __name__), name)
    if name in ("BulkError", "Settings", "Summary", "run"):
        return getattr(importlib.import_module(".driver", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
