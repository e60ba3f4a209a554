#!/usr/bin/env python3
"""Runs `lumivox serve` and `lumivox say` for a long time, and watches what grows.

    tools/hardening/soak.py --lumivox target/release/lumivox [--minutes 60] [--model kokoro-int8]

The server is asked by one client, with a pause after each answer, that changes voices, formats and lengths, drops a part of its requests halfway, and now and then asks for what is wrong; beside it `say` runs again and
again. Each minute its resident memory, open files and threads are noted, and the first audio of a short probe. At the end the last third is held against the second: memory,
files, threads and first audio must not grow, no answer may be anything but what was asked for, and the probe's audio must be the same bytes each time.
"""

import argparse
import hashlib
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

SENTENCES = ["Hello.", "The north wind and the sun were disputing which was the stronger.", "It costs $3.50 at 17:45 on May 1st, 2024.",
             "When a traveller came along wrapped in a warm cloak, they agreed that the one who first succeeded should be considered stronger."]
VOICES = ["af_heart", "am_michael", "bf_emma", "af_bella:60,af_sky:40"]
FORMATS = {"wav": b"RIFF", "flac": b"fLaC", "opus": b"OggS", "pcm": b""}
PROBE = {"input": "This is the probe.", "voice": "af_heart", "response_format": "wav", "seed": 7}
# How much more the last third may have than the second.
MAX_MEMORY_GROWTH = 1.05
MAX_FIRST_AUDIO_GROWTH = 1.5


class Server:
    def __init__(self, lumivox, model):
        command = [lumivox, "serve", "--port", "0", "--model", model]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"http://[\d.]+:\d+", line)
            if found:
                self.url = found[0]
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def request(self, body):
        data = json.dumps(body).encode()
        return urllib.request.Request(f"{self.url}/v1/audio/speech", data, {"Content-Type": "application/json"})

    def state(self):
        """Resident megabytes, open files, threads."""
        process = Path(f"/proc/{self.process.pid}")
        status = (process / "status").read_text()
        return {"rss_mb": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024, "files": len(list((process / "fd").iterdir())),
                "threads": int(re.search(r"Threads:\s+(\d+)", status)[1])}


class Client(threading.Thread):
    """Asks for all kinds of things until it is told to stop."""

    def __init__(self, server, pause_s, seed=1):
        super().__init__()
        self.server, self.pause_s, self.random, self.stop = server, pause_s, random.Random(seed), threading.Event()
        self.answers = self.dropped = self.refused = 0
        self.faults = []

    def run(self):
        while not self.stop.wait(self.pause_s):
            kind = self.random.random()
            try:
                if kind < 0.08:
                    self.wrong()
                else:
                    self.right(drop=kind < 0.25)
            except (OSError, urllib.error.URLError) as error:
                self.faults.append(repr(error))

    def right(self, drop):
        form = self.random.choice(list(FORMATS))
        body = {"input": " ".join(self.random.choices(SENTENCES, k=self.random.randint(1, 4))), "voice": self.random.choice(VOICES),
                "response_format": form, "seed": self.random.randint(0, 5), "speed": self.random.choice([0.8, 1, 1.3])}
        with urllib.request.urlopen(self.server.request(body), timeout=120) as answer:
            head = answer.read(4)
            if not head.startswith(FORMATS[form]):
                self.faults.append(f"{form} begins with {head}")
            if drop:
                self.dropped += 1
            else:
                if len(answer.read()) < 1000:
                    self.faults.append(f"a short answer to {body}")
                self.answers += 1

    def wrong(self):
        body = self.random.choice([{"input": ""}, {"input": "Hi.", "voice": "nobody"}, {"voice": "af_heart"}, {"input": "Hi.", "speed": 99}])
        try:
            urllib.request.urlopen(self.server.request(body), timeout=120)
            self.faults.append(f"{body} was taken")
        except urllib.error.HTTPError as error:
            error.read()
            self.refused += 400 <= error.code < 500


class Say(threading.Thread):
    """`lumivox say`, again and again; the same text must be the same file."""

    def __init__(self, lumivox, folder):
        super().__init__()
        self.command = [lumivox, "say", "-m", "embedded", "-q", " ".join(SENTENCES), "-o", str(folder / "say.wav")]
        self.wav, self.stop, self.hashes, self.runs, self.faults = folder / "say.wav", threading.Event(), set(), 0, []

    def run(self):
        while not self.stop.is_set():
            ended = subprocess.run(self.command, stderr=subprocess.PIPE, text=True)
            if ended.returncode:
                self.faults.append(ended.stderr)
            else:
                self.hashes.add(hashlib.sha256(self.wav.read_bytes()).hexdigest())
            self.runs += 1
            self.stop.wait(5)


def probe(server):
    """Seconds to the first sample of the probe, and its bytes' hash."""
    started = time.monotonic()
    with urllib.request.urlopen(server.request(PROBE), timeout=120) as answer:
        audio = answer.read(46)
        first_s = time.monotonic() - started
        audio += answer.read()
    return first_s, hashlib.sha256(audio).hexdigest()


def thirds(rows, name):
    """Medians of the second and the last third."""
    values = [row[name] for row in rows]
    third = len(values) // 3
    return statistics.median(values[third:2 * third]), statistics.median(values[2 * third:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lumivox", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--model", default="kokoro-int8")
    parser.add_argument("--pause", type=float, default=0, help="seconds between an answer and the next request")
    arguments = parser.parse_args()
    lumivox = str(arguments.lumivox.resolve())
    server = Server(lumivox, arguments.model)
    rows, hashes = [], set()
    with tempfile.TemporaryDirectory() as folder:
        workers = [Client(server, arguments.pause), Say(lumivox, Path(folder))]
        for worker in workers:
            worker.start()
        started = time.monotonic()
        while len(rows) < arguments.minutes:
            time.sleep(max(0, started + 60 * (len(rows) + 1) - time.monotonic()))
            first_s, hash_ = probe(server)
            hashes.add(hash_)
            rows.append({"minute": len(rows) + 1, **server.state(), "first_audio_s": first_s})
            print(json.dumps(rows[-1]), flush=True)
        for worker in workers:
            worker.stop.set()
            worker.join()
    server.process.terminate()
    code = server.process.wait(60)
    client, say = workers
    growth = {name: thirds(rows, name) for name in ["rss_mb", "files", "threads", "first_audio_s"]}
    faults = client.faults + say.faults
    faults += [f"the probe was said in {len(hashes)} ways"] * (len(hashes) != 1) + [f"say made {len(say.hashes)} files"] * (len(say.hashes) != 1)
    faults += [f"the server ended with {code}"] * (code != 0)
    limits = {"rss_mb": MAX_MEMORY_GROWTH, "files": 1.1, "threads": 1.1, "first_audio_s": MAX_FIRST_AUDIO_GROWTH}
    faults += [f"{name} grows: {before:.3f}, {after:.3f}" for name, (before, after) in growth.items() if after > before * limits[name]]
    print(json.dumps({"minutes": len(rows), "answers": client.answers, "dropped": client.dropped, "refused": client.refused, "say_runs": say.runs,
                      "second_and_last_third": growth, "most_rss_mb": max(row["rss_mb"] for row in rows), "faults": faults}, indent=1))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
