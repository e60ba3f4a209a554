#!/usr/bin/env python3
"""Runs the program of a package in a root that has nothing but it and a model: no libraries, no network, no /proc.

    packaging/check.py [ARCHIVE] [--model FILE]     # by default the newest archive in target/packages, and the model piper-joe

What is said there must be byte for byte what it says here; prints the size, and how long it takes from start to first audio.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = "The binary speaks for itself."
ROUNDS = 7


def alone(root, *arguments):
    """A command in the empty root, without a network."""
    return ["unshare", "--map-root-user", "--net", f"--root={root}", "--wd=/", "/lumivox", *arguments]


def first_audio_s(command):
    """Seconds from the start of a process to its first sample behind the WAV header, and to its end."""
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}) as process:
        if len(process.stdout.read(46)) != 46:
            sys.exit(process.stderr.read().decode())
        first = time.monotonic() - started
        process.stdout.read()
    return first, time.monotonic() - started


def kinds(program):
    """Whether the program asks for an interpreter or a library."""
    headers = subprocess.run(["readelf", "--program-headers", "--dynamic", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.strip() for line in headers.splitlines() if "INTERP" in line or "NEEDED" in line]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", nargs="?", type=Path, help="a .tar.gz of packaging/package.py")
    parser.add_argument("--model", type=Path, help="a model file; the cached piper-joe if not given, fetched first if need be")
    arguments = parser.parse_args()
    archive = arguments.archive or max((ROOT / "target/packages").glob("lumivox-[0-9]*.tar.gz"), key=os.path.getmtime)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "package", filter="data")
        program = next((folder / "package").rglob("lumivox"))
        needs = kinds(program)
        if needs:
            sys.exit(f"not static: {needs}")
        model = arguments.model
        if not model:
            subprocess.run([program, "pull", "piper-joe"], check=True)
            models = json.loads(subprocess.run([program, "models", "--json"], check=True, stdout=subprocess.PIPE).stdout)
            model = next(Path(entry["path"]) for entry in models if entry["name"] == "piper-joe")
        root = folder / "root"
        root.mkdir()
        shutil.copy(program, root / "lumivox")
        shutil.copy(model, root / "model.safetensors")
        say = ["say", TEXT, "-m", "/model.safetensors", "-o", "/out.wav"]
        subprocess.run(alone(root, *say), check=True, env={})
        subprocess.run([program, "say", TEXT, "-m", model, "-o", folder / "here.wav"], check=True)
        if (root / "out.wav").read_bytes() != (folder / "here.wav").read_bytes():
            sys.exit("it says something else in an empty root")
        times = {}
        for name, choice in [("piper-joe", ["-m", "/model.safetensors"]), ("embedded", ["-m", "embedded"])]:
            rounds = [first_audio_s(alone(root, "say", TEXT, *choice, "--stream")) for _ in range(ROUNDS)]
            times[name] = {"first_audio_s": round(statistics.median(first for first, _ in rounds), 3),
                           "whole_s": round(statistics.median(whole for _, whole in rounds), 3)}
        versions = [first_version_s(alone(root, "--version")) for _ in range(ROUNDS)]
        print(json.dumps({"archive": archive.name, "archive_bytes": archive.stat().st_size, "program_bytes": program.stat().st_size,
                          "start_s": round(statistics.median(versions), 4), "say": times}, indent=1))


def first_version_s(command):
    started = time.monotonic()
    subprocess.run(command, check=True, env={}, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
