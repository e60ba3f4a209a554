"""The command line of `python -m lumivox.bulk`."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import Optional

EPILOG = """\
A manifest's rows:
  text     what is said; the only column that must be there
  id       names the row, unique; the row's number if there is none
  voice, language, speed, seed, length_scale, noise_scale, noise_w, sentence_silence, paragraph_silence, ssml, phonemes, g2p, emoji, lexicon, max_text_bytes
           as in `Synthesizer.speak` and `lumivox say`; where a row has none, those given here hold (seed 0 if none is given)
  model    a model for this row alone
  others   are carried through

What is made in DIR:
  shards/000000.parquet ...  the rows in their order, each with `audio` (a 16-bit WAV in `bytes`), `sha256`, `duration_s`, `warnings`, or an `error`
  index.parquet              the same without the audio, with `shard` and `position`; written when all is done
  bulk.json                  what the shards were made from

Killed, the same command goes on with the shards that are not there. DIR must be the same folder on every node.

Examples:
  echo '{"text": "Hello.", "seed": 7}' > manifest.jsonl
  python -m lumivox.bulk manifest.jsonl --out spoken --model embedded
  python -m lumivox.bulk manifest.parquet --out /shared/spoken --address auto --voice bf_emma
  python -m lumivox.bulk manifest.parquet --out /shared/spoken --address auto --voice bf_emma --retry-failed

Exit codes: 0 all rows have audio; 1 some failed, the others are done; 2 wrong usage, or the run could not go on; 130 interrupted."""


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _seed(value: str) -> int:
    number = int(value)
    if not 0 <= number < 2**64:
        raise argparse.ArgumentTypeError(f"{number} is not in 0 to 2^64 - 1")
    return number


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    it = argparse.ArgumentParser(
        prog="python -m lumivox.bulk",
        description="Says every row of a manifest on a Ray cluster, or on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    it.add_argument("manifest", type=Path, help="a .parquet or .jsonl file")
    it.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of what is made")
    it.add_argument("--model", default="kokoro", metavar="NAME|FILE", help="as in `lumivox say`; `embedded` is inside the wheel (default: kokoro)")
    it.add_argument("--precision", default="f32", choices=["f32", "int8"])
    it.add_argument("--voice", help="the voice of rows without one")
    it.add_argument("--language", metavar="TAG", help="the language of rows without one")
    it.add_argument("--speed", type=float, help="the speed of rows without one, 0.25 to 4")
    it.add_argument("--seed", type=_seed, default=0, help="the seed of rows without one (default: 0)")
    it.add_argument("--rows-per-shard", type=_positive, default=256, metavar="N", help="also what a kill can lose, of each actor (default: 256)")
    it.add_argument("--actors", type=_positive, metavar="N", help="engines (default: the cluster's processors divided by --threads)")
    it.add_argument("--threads", type=_positive, default=1, metavar="N", help="threads of each engine (default: 1)")
    it.add_argument("--address", help="the Ray cluster (`auto`: the one that runs here); one is started on this machine if not given")
    it.add_argument("--restart", action="store_true", help="throws away the shards and the index in DIR, and begins anew")
    it.add_argument("--retry-failed", action="store_true", help="says the rows again that have failed")
    it.add_argument("--json", action="store_true", help="prints the figures as JSON on standard output")
    it.add_argument("-q", "--quiet", action="store_true", help="prints errors only")
    return it


def main(arguments: Optional[list[str]] = None) -> int:
    """Runs the command; returns its exit code."""
    given = parser().parse_args(arguments)
    missing = [package for package in ("ray", "pyarrow") if importlib.util.find_spec(package) is None]
    if missing:
        return _fatal(f"bulk synthesis needs {' and '.join(missing)}: pip install 'lumivox[bulk]'")
    from .manifest import ManifestError
    from .driver import BulkError, Settings, run

    options = {name: getattr(given, name) for name in ("voice", "language", "speed", "seed")}
    names = ("manifest", "out", "model", "precision", "rows_per_shard", "actors", "threads", "address", "restart", "retry_failed", "quiet")
    settings = Settings(
        **{name: getattr(given, name) for name in names},
        options={name: value for name, value in options.items() if value is not None},
    )
    try:
        # Ray tells of its nodes on standard output, which is the figures' place.
        with contextlib.redirect_stdout(sys.stderr):
            summary = run(settings)
    except (BulkError, ManifestError) as error:
        return _fatal(str(error))
    except KeyboardInterrupt:
        print("interrupted; the shards that are whole are kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return _report(summary, given.json, given.quiet)


def _fatal(message: str) -> int:
    print(f"lumivox.bulk: {message}", file=sys.stderr)
    return 2


def _report(summary, as_json: bool, quiet: bool) -> int:
    from .driver import as_json as figures

    shown = 20
    for name, why in summary.failures[:shown]:
        print(f"failed: {name}: {why}", file=sys.stderr)
    if summary.failed > shown:
        print(f"failed: {summary.failed - shown} more; `error` in index.parquet has all", file=sys.stderr)
    if as_json:
        print(figures(summary))
    elif not quiet:
        print(
            f"{summary.rows} rows, {summary.failed} failed, {summary.audio_s:.1f} s of audio; {summary.said_rows} said now in {summary.compute_s:.1f} s",
            file=sys.stderr,
        )
    return 1 if summary.failed else 0
