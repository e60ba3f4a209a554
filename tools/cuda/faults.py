"""Plants faults in copies of the CUDA kernels, one at a time, and shows that the emulated suite catches each. Fails if it does not.

usage: faults.py [FAMILY…]        (a family is a file of crates/lumivox-kernels/cuda without its ending; all that have faults if none is given)
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "crates/lumivox-kernels/cuda"
# Families whose launchers or tests launch kernels of others.
NEEDS = {"lstm": ["conv1d"], "norm": ["conv1d"]}
# A fault may make threads wait for ever.
LIMIT_S = 120
# What the suite says where the fault was not even compiled, which shows nothing.
NOT_RUN = ("could not compile", "there is no kernel")
FAILED = re.compile(r"^test (\S+) .*FAILED$", re.MULTILINE)


@dataclasses.dataclass
class Fault:
    """A change of a source, of which `text` is there exactly once."""

    family: str
    name: str
    text: str
    replacement: str
    file: str | None = None

    @property
    def source(self):
        return self.file or f"{self.family}.cu"

    def plant(self, folder):
        path = folder / self.source
        source = path.read_text()
        if source.count(self.text) != 1:
            sys.exit(f"{self.source} has {source.count(self.text)} times, not once, what `{self.name}` replaces:\n{self.text}")
        path.write_text(source.replace(self.text, self.replacement))


FAULTS = [Fault(**fault) for fault in tomllib.loads((pathlib.Path(__file__).parent / "faults.toml").read_text())["fault"]]


def suite():
    """The emulated suite's program; of the same build as the workspace's tests, so that nothing is compiled twice."""
    command = ["cargo", "test", "--release", "--workspace", "--all-features", "--test", "cuda", "--locked"]
    built = subprocess.run([*command, "--no-run", "--message-format", "json"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        sys.exit("the suite can't be built")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    source = str(ROOT / "crates/lumivox-kernels/tests/cuda/main.rs")
    return next(message["executable"] for message in messages if message.get("executable") and message["target"]["src_path"] == source)


def copy(family, folder):
    """The sources of one family with what it needs, so that the others need not be compiled."""
    shutil.copytree(KERNELS / "emulation", folder / "emulation")
    families = [family, *NEEDS.get(family, [])]
    for path in [*(KERNELS / f"{name}.cu" for name in families), *KERNELS.glob("*.cuh")]:
        shutil.copy(path, folder)
    (folder / "lumivox.cu").write_text("".join(f'#include "{name}.cu"\n' for name in families))


def run(program, family, fault=None):
    """What the family's tests find: none if they pass, else what was said of it, shortly."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        copy(family, folder)
        if fault:
            fault.plant(folder)
        status, said = watched(program, family, folder)
    if any(words in said for words in NOT_RUN):
        sys.exit(f"`{fault.name if fault else family}` does not run:\n{said}")
    if "running 0 tests" in said or "running " not in said:
        sys.exit(f"the suite has no tests of {family}:\n{said}")
    return verdict(status, said)


def watched(program, family, sources):
    """How the family's tests end, and what they say up to the first that fails."""
    # What fails is neither made smaller, which takes long, nor kept for the next run.
    environment = os.environ | {"LUMIVOX_EMULATED_SOURCES": str(sources), "PROPTEST_MAX_SHRINK_ITERS": "0", "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1"}
    # Two threads, so that a test's name and its end are on one line; and nothing is kept back, so that a reason stands in front of it.
    command = [program, f"{family}::", "--nocapture", "--test-threads", "2"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    limit = threading.Timer(LIMIT_S, process.kill)
    limit.start()
    said = ""
    for line in process.stdout:
        said += line
        if FAILED.match(line):
            process.kill()
    limit.cancel()
    return process.wait(), said


def verdict(status, said):
    """The first test that failed, or how the program ended; none if all is well."""
    if status == 0:
        return None
    failed = re.search(FAILED, said)
    words = re.search(r"emulated kernel, .*", said)
    return failed[1] if failed else words[0] if words else f"its end with status {status}"


def main():
    chosen = sys.argv[1:] or sorted({fault.family for fault in FAULTS})
    if unknown := set(chosen) - {fault.family for fault in FAULTS}:
        sys.exit(f"there are no faults for {', '.join(sorted(unknown))}\n\n{__doc__}")
    program, survivors, started = suite(), [], time.monotonic()
    for family in chosen:
        if found := run(program, family):
            sys.exit(f"{family} fails without any fault: {found}")
    planted = [fault for fault in FAULTS if fault.family in chosen]
    for fault in planted:
        found = run(program, fault.family, fault)
        print(f"{fault.family}: {fault.name}: {'caught by ' + found if found else 'NOT CAUGHT'}", flush=True)
        survivors += [] if found else [fault]
    print(f"{len(planted) - len(survivors)} of {len(planted)} faults caught in {time.monotonic() - started:.0f} s")
    if survivors:
        sys.exit(1)


if __name__ == "__main__":
    main()
