"""Bulk synthesis on two Ray nodes of this machine, one of which is killed midway, against `lumivox say`.

    pip install -r tools/bulk/requirements.txt lumivox-*.whl
    python tools/bulk/two_nodes.py --cli target/release/lumivox > two_nodes.json

Says the same rows four times: by `lumivox say --lines --jobs 2`, once for each seed; by two `say --threads 1` at a time, which is what two actors do; by
`python -m lumivox.bulk` on two nodes that are left alone, which gives what Ray costs; and on two nodes of which one gets SIGKILL when a part of the shards is
there. Every row of both bulk runs is compared with the file of `say`, byte for byte. Prints the figures as JSON; fails if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import ray
from ray.cluster_utils import Cluster

SEEDS = 4
COLOURS = ("Red", "Blue", "Green", "White", "Black", "Brown", "Golden", "Silver", "Yellow", "Purple", "Pink", "Grey", "Dark", "Pale")
THINGS = ("apples", "letters", "maps", "chairs", "books", "trains", "boats", "stones", "lamps", "horses", "doors", "clouds", "roses", "coats")


def rows(count: int) -> list[dict]:
    draw = random.Random(1)
    return [
        {"id": f"row-{n}", "text": f"{draw.choice(COLOURS)} {draw.choice(THINGS)} and {draw.choice(THINGS)}.", "seed": n % SEEDS}
        for n in range(count)
    ]


def children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def processes() -> dict[int, int]:
    """The parent of every process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            found[int(entry.name)] = int(parent)
    return found


def below(roots: list[int], found: dict[int, int]) -> list[int]:
    """`roots` and all that descends from them."""
    family, size = set(roots), 0
    while len(family) > size:
        size = len(family)
        family |= {pid for pid, parent in found.items() if parent in family}
    return [pid for pid in family if pid in found]


def roots(node) -> list[int]:
    return [one.process.pid for processes in node.all_processes.values() for one in processes]


def say_alone(cli: Path, model: str, lines: list[dict], folder: Path, at_once: int, threads: int) -> tuple[dict[str, Path], dict]:
    """A file for each row, by `lumivox say` alone: `at_once` processes, which say as many lines at a time as they have threads."""
    folder.mkdir()
    files, commands = {}, []
    for seed in range(SEEDS):
        own = [line for line in lines if line["seed"] == seed]
        text, out = folder / f"seed-{seed}.txt", folder / f"seed-{seed}"
        text.write_text("".join(line["text"] + "\n" for line in own))
        command = [cli, "say", "-m", model, "-i", text, "--lines", "-o", out, "--seed", str(seed), "--jobs", str(threads)]
        commands.append([*command, "--threads", str(threads), "--device", "cpu", "--quiet"])
        files |= {line["id"]: out / f"{number:04}.wav" for number, line in enumerate(own, start=1)}
    began, cpu_s = time.monotonic(), children_cpu_s()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda command: subprocess.run(command, check=True), commands))
    return files, {"wall_s": time.monotonic() - began, "cpu_s": children_cpu_s() - cpu_s}


def bulk(model: str, manifest: Path, out: Path, rows_per_shard: int, kill_after: float | None) -> dict:
    """`python -m lumivox.bulk` on two nodes of a processor each; one is killed when a share of the shards is there."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    shards = -(-sum(1 for _ in manifest.open()) // rows_per_shard)
    killed: dict = {}
    ended = threading.Event()

    def kill() -> None:
        there = 0
        while there < kill_after * shards and not ended.wait(0.05):
            there = len(list((out / "shards").glob("[0-9]*.parquet")))
        family = below(roots(node), processes())
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        killed.update(processes=len(family), shards_before=there, shards=shards)

    killer = threading.Thread(target=kill)
    if kill_after is not None:
        killer.start()
    command = [sys.executable, "-m", "lumivox.bulk", manifest, "--out", out, "--model", model, "--json", "--quiet"]
    command += ["--rows-per-shard", str(rows_per_shard), "--address", cluster.address]
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    wall_s = time.monotonic() - began
    ended.set()
    if kill_after is not None:
        killer.join()
    cluster.shutdown()
    if done.returncode != 0:
        raise SystemExit(f"bulk ended with {done.returncode}")
    figures = {"wall_s": wall_s, "said": json.loads(done.stdout)}
    return figures | ({"killed": killed} if kill_after is not None else {})


def compare(out: Path, lines: list[dict], files: dict[str, Path]) -> dict:
    """How many rows there are, and how many of them are the files of `say`."""
    index = pq.read_table(out / "index.parquet")
    ids = index.column("id").to_pylist()
    equal = 0
    for shard in sorted((out / "shards").glob("[0-9]*.parquet")):
        for row in pq.read_table(shard, columns=["id", "audio"]).to_pylist():
            equal += row["audio"] is not None and row["audio"]["bytes"] == files[row["id"]].read_bytes()
    once = ids == [line["id"] for line in lines]
    if not once or equal != len(lines):
        raise SystemExit(f"{len(ids)} rows, in order and once: {once}; {equal} of {len(lines)} equal to `say`")
    return {"outputs": len(ids), "equal": equal}


def spot_checks(cli: Path, model: str, lines: list[dict], files: dict[str, Path], folder: Path) -> int:
    """Rows said by a process each, so that --lines and --jobs are held against plain `say`, too."""
    path, chosen = folder / "alone.wav", random.Random(2).sample(lines, min(25, len(lines)))
    for line in chosen:
        command = [cli, "say", line["text"], "-m", model, "--seed", str(line["seed"]), "-o", path, "--device", "cpu", "--quiet"]
        subprocess.run(command, check=True)
        if path.read_bytes() != files[line["id"]].read_bytes():
            raise SystemExit(f"{line}: `say` alone makes another file than `say --lines`")
    return len(chosen)


def main() -> None:
    it = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    it.add_argument("--cli", type=Path, required=True, help="the lumivox program")
    it.add_argument("--rows", type=int, default=2000)
    it.add_argument("--model", default="piper-joe")
    it.add_argument("--rows-per-shard", type=int, default=25)
    it.add_argument("--kill-after", type=float, default=0.4, help="share of the shards that are there when a node is killed")
    given = it.parse_args()
    lines = rows(given.rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = folder / "manifest.jsonl"
        manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
        files, jobs = say_alone(given.cli, given.model, lines, folder / "jobs", at_once=1, threads=2)
        others, plain = say_alone(given.cli, given.model, lines, folder / "processes", at_once=2, threads=1)
        if any(files[name].read_bytes() != others[name].read_bytes() for name in files):
            raise SystemExit("`say` makes other files with other threads")
        alone = spot_checks(given.cli, given.model, lines, files, folder)
        left = bulk(given.model, manifest, folder / "left", given.rows_per_shard, None)
        left |= compare(folder / "left", lines, files)
        killed = bulk(given.model, manifest, folder / "killed", given.rows_per_shard, given.kill_after)
        killed |= compare(folder / "killed", lines, files)
    cost = {
        name: {"wall": left["wall_s"] / said["wall_s"], "wall_without_start": left["said"]["compute_s"] / said["wall_s"]}
        for name, said in (("jobs_2", jobs), ("two_processes", plain))
    }
    print(
        json.dumps(
            {
                "machine": {"processors": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version(), "ray": ray.__version__},
                "rows": given.rows,
                "model": given.model,
                "rows_per_shard": given.rows_per_shard,
                "say_jobs_2": jobs,
                "say_two_processes": plain,
                "said_by_a_process_each": alone,
                "bulk": left,
                "bulk_with_a_node_killed": killed,
                "ray_over_say": cost,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
