#!/usr/bin/env python3
"""What surrounds lumivox misbehaves: a cache that can't be written to, two processes on one cache, a clock that jumps. As root; the clock takes libfaketime.

    tools/hardening/surroundings.py --lumivox target/release/lumivox
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
TEXT = "The clock struck thirteen."
# Offsets of the clock, in turn.
JUMPS = ["+0", "-20y", "+30d", "-1s", "+90y", "-3600s", "+0"]


def run(command, code=0, **environment):
    done = subprocess.run([str(part) for part in command], env={**os.environ, "HF_HUB_OFFLINE": "1", "RUST_BACKTRACE": "0", **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != code or "panicked" in done.stderr:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stderr}")
    return done.stderr


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read_only_cache(lumivox, folder):
    """A model in it speaks; what is not in it can't be pulled, which is told with what helps."""
    home = folder / "home"
    run([lumivox, "pull", "piper-joe", "-q"], LUMIVOX_HOME=str(home))
    # A mount of its own, which goes with the process.
    inside = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    mounted = ["unshare", "--mount", "sh", "-c", inside, "sh", home]
    run([*mounted, lumivox, "say", TEXT, "-m", "piper-joe", "-q", "-o", folder / "read-only.wav"], LUMIVOX_HOME=str(home))
    run([lumivox, "say", TEXT, "-m", "piper-joe", "-q", "-o", folder / "writable.wav"], LUMIVOX_HOME=str(home))
    assert sha256(folder / "read-only.wav") == sha256(folder / "writable.wav")
    message = run([*mounted, lumivox, "pull", "kokoro-int8", "-q"], code=2, LUMIVOX_HOME=str(home))
    assert "LUMIVOX_HOME" in message, message
    return message.strip()


def two_processes(lumivox, folder):
    """Two that pull at once make one model, and both succeed."""
    home = str(folder / "shared")
    environment = {**os.environ, "LUMIVOX_HOME": home, "HF_HUB_OFFLINE": "1"}
    pulls = [subprocess.Popen([lumivox, "say", TEXT, "-m", "piper-joe", "-q", "-o", str(folder / f"{number}.wav")], env=environment) for number in range(4)]
    assert [pull.wait() for pull in pulls] == [0] * 4
    assert len({sha256(folder / f"{number}.wav") for number in range(4)}) == 1
    models = sorted(path.name for path in Path(home).rglob("*") if path.is_file() and "locks" not in path.parts)
    assert models == ["piper-joe.safetensors"], models
    return "4 processes, one model"


def jumping_clock(lumivox, folder):
    """The server answers, and streams, and `say` goes on, whatever the clock says."""
    clock = folder / "clock"
    clock.write_text(JUMPS[0])
    faked = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    # Only the wall clock jumps: the monotonic one can't.
    environment = {**os.environ, **faked, "HF_HUB_OFFLINE": "1"}
    server = subprocess.Popen([lumivox, "serve", "--port", "0", "--model", "embedded", "--only", "--unload-after", "2"], env=environment, stderr=subprocess.PIPE, text=True)
    url = next(line for line in server.stderr if "http://" in line).split("http://")[1].split()[0]
    answers = set()
    for jump in JUMPS:
        clock.write_text(jump)
        request = urllib.request.Request(f"http://{url}/v1/audio/speech", json.dumps({"input": TEXT, "response_format": "wav"}).encode(),
                                         {"Content-Type": "application/json"})
        answers.add(hashlib.sha256(urllib.request.urlopen(request, timeout=60).read()).hexdigest())
        run([lumivox, "say", TEXT, "-m", "embedded", "-q", "-o", folder / "jump.wav"], **faked)
        answers.add(sha256(folder / "jump.wav")) if jump == JUMPS[0] else None
        time.sleep(3)
    server.terminate()
    assert server.wait(60) == 0
    # `say` knows how long the audio is when it writes the header, a stream does not.
    assert len(answers) == 2, answers
    return f"{len(JUMPS)} jumps"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lumivox", type=Path, required=True)
    lumivox = str(parser.parse_args().lumivox.resolve())
    failed = False
    for check in [read_only_cache, two_processes, jumping_clock]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"{check.__name__}: {check(lumivox, Path(folder))}", flush=True)
            except AssertionError as error:
                failed = True
                print(f"{check.__name__} FAILED: {error}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
