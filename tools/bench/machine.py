"""What a record says of the machine, and how busy it is with other things."""

import os
import pathlib
import platform
import re
import subprocess
import time

# Extensions that decide which kernels run.
FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "asimd", "asimddp", "sve", "i8mm")
# A machine is idle if less than this share of its processors' time went to other processes.
IDLE_SHARE = 0.05


def cpu():
    """Model and extensions of the processor."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return {"model": fields.get("model name", platform.machine()), "flags": [flag for flag in FLAGS if flag in flags]}


def describe():
    """The machine, without its name."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {**cpu(), "processors": len(os.sched_getaffinity(0)), "memory_gib": round(memory_bytes / 2**30, 1), "system": f"{platform.system()} {platform.machine()}"}


def gpu():
    """The first GPU that may be used: its name, memory and driver."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    query = ["nvidia-smi", f"--id={first}", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    name, memory_mib, driver = subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip().split(", ")
    return {"name": name, "memory_mib": int(memory_mib), "driver": driver}


def slug(machine):
    """A folder's name for the machine, or for its GPU if that was used."""
    name = machine["gpu"]["name"] if "gpu" in machine else f"{machine['model']} {machine['processors']} processors"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def commit(root):
    """The commit that is checked out, with `-dirty` behind it if files differ."""
    described = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return subprocess.run(described, check=True, capture_output=True, text=True).stdout.strip()


def busy_s():
    """Seconds that all processors together were busy since the machine started, time stolen by other machines included."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Neighbours:
    """The share of the machine that other processes take from now on."""

    def __init__(self):
        self.begin = self.now()

    @staticmethod
    def now():
        return time.perf_counter(), busy_s(), time.process_time()

    def share(self, engine_cpu_s):
        """The share so far, without an engine's CPU seconds and this process's own."""
        elapsed_s, all_s, own_s = (after - before for after, before in zip(self.now(), self.begin))
        return max(0.0, (all_s - own_s - engine_cpu_s) / (elapsed_s * os.cpu_count()))
