"""Times lumivox and other engines side by side: the same ids in the same run, in turn, outputs checked first. benches/README.md says how to read it.

usage: bench.py --worker PROGRAM --work DIR [options]       (DIR has the weights, see weights.py)
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import statistics

import cases
import checks
import engines
import machine
import report

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The cases whose peak memory is taken: some 12 s of audio, and some 60.
MEMORY_CASES = ("174", "178", "60s")


class Bench:
    """One run: what is to be said, by whom, and what was found."""

    def __init__(self, arguments):
        self.arguments, self.work = arguments, arguments.work
        self.programs = {"lumivox": arguments.worker, "lumivox-before": arguments.before, "any-tts": arguments.any_tts, "voxr": arguments.voxr}
        encoder = cases.Encoder(self.work)
        chosen = [case for case in cases.load() if wanted(case.family, arguments.families) and wanted(case.name, arguments.cases)]
        self.utterances = {case: encoder.utterance(case) for case in chosen}
        self.versions, self.lengths, self.checks, self.rounds, self.memory = {}, {}, [], [], []

    def run(self):
        for family in dict.fromkeys(case.family for case in self.utterances):
            own = {case: utterance for case, utterance in self.utterances.items() if case.family == family}
            names = self.engines(family)
            loaded = {(name, threads): self.start(name, family, threads) for threads in self.arguments.threads for name in names}
            try:
                self.check(family, own, loaded)
                for number in range(self.arguments.rounds):
                    self.round(number, own, loaded)
            finally:
                for engine in loaded.values():
                    engine.stop()
            self.measure_memory(own, names)

    def engines(self, family):
        """Those that are wanted, without programs that were not given."""
        names = engines.FAMILIES[family] + (engines.CUDA[family] if self.arguments.engines else ())
        return [name for name in names if wanted(name, self.arguments.engines) and self.programs.get(engines.program(name), True)]

    def start(self, name, family, threads):
        engine = engines.start(name, family, self.work, threads, self.programs)
        self.versions |= engine.versions
        return engine

    def check(self, family, utterances, loaded):
        """Every engine says everything once and is compared with the reference. This is the warm-up, too."""
        reference = self.start(engines.REFERENCES[family], family, 1)
        try:
            for case, utterance in utterances.items():
                expected = reference.say(utterance, check=True)
                for (name, threads), engine in loaded.items():
                    said = engine.say(utterance, check=True)
                    found = checks.compare(expected.audio, said.audio, engines.SAMPLE_RATES_HZ[family])
                    found = {"family": family, "case": case.name, "engine": name, "threads": threads, **found}
                    report.checked(found)
                    checks.require(found, checks.bound(name, family), f"{case.title} by {name}, {threads} threads")
                    self.checks.append(found)
                    self.lengths[case, name, threads] = said.samples
        finally:
            reference.stop()

    def round(self, number, utterances, loaded):
        """Every case by every engine. Each round begins with another one, and every other round goes backwards: who comes behind whom would decide otherwise."""
        turns = list(loaded.items())
        shift = number % len(turns)
        turns = (turns[shift:] + turns[:shift])[:: -1 if number % 2 else 1]
        batch = self.arguments.batch
        for case, utterance in utterances.items():
            runs, utterance = {}, {**utterance, "batch": batch}
            for (name, threads), engine in turns:
                neighbours = machine.Neighbours()
                said = engine.say(utterance)
                self.require_length(case, name, threads, said.samples)
                run = {"round": number, "family": case.family, "case": case.name, "engine": name, "threads": threads}
                run |= {"copies": said.copies} if said.copies else {}
                run |= {"audio_s": said.samples / engines.SAMPLE_RATES_HZ[case.family], "wall_s": said.wall_s, "cpu_s": said.cpu_s, "ttfb_s": said.wall_s}
                run["others_share"] = neighbours.share(said.cpu_s)
                runs[name, threads] = run
            # Another turn of those that stream, so that none of them comes warm from saying the same.
            for (name, threads), engine in turns:
                if engine.streams and batch == 1:
                    runs[name, threads]["ttfb_s"], samples = engine.first_audio(utterance)
                    self.require_length(case, name, threads, samples)
            for run in runs.values():
                report.measured(run)
            self.rounds += runs.values()

    def require_length(self, case, name, threads, samples):
        if samples != self.lengths[case, name, threads] * self.arguments.batch:
            raise checks.CheckError(f"{case.title} by {name}, {threads} threads: {samples} samples, another number than when it was checked")

    def measure_memory(self, utterances, names):
        """Peak memory of a fresh process for each engine and length, with the most threads; how long it took to load, and to say the first utterance."""
        threads = max(self.arguments.threads)
        for case in [case for case in utterances if case.name in (self.arguments.fresh or MEMORY_CASES)]:
            for name in names:
                # Once for nothing, so that files are in the cache.
                self.start(name, case.family, threads).stop()
                engine = self.start(name, case.family, threads)
                said = engine.say(utterances[case])
                found = {"family": case.family, "case": case.name, "engine": name, "threads": threads, "peak_rss_bytes": engine.peak_rss_bytes()}
                found |= {"load_s": engine.load_s, "start_s": engine.start_s, "cold_wall_s": said.wall_s}
                engine.stop()
                report.remembered(found)
                self.memory.append(found)

    def record(self, started, load):
        """All of it, without names and paths of the machine."""
        arguments = self.arguments
        shares = [run["others_share"] for run in self.rounds]
        choices = {name: ",".join(map(str, value)) for name in ("families", "cases", "engines", "threads", "fresh") if (value := getattr(arguments, name))}
        on_gpu = any("-cuda" in run["engine"] for run in self.rounds)
        return {
            "date": started.isoformat(timespec="seconds"),
            "commit": machine.commit(ROOT),
            "command": " ".join(["bench.py", *(f"--{name} {value}" for name, value in choices.items()), f"--rounds {arguments.rounds} --batch {arguments.batch}"]),
            "machine": machine.describe() | ({"gpu": machine.gpu()} if on_gpu else {}),
            "batch": arguments.batch,
            "load_before": load,
            "others_share": {"median": statistics.median(shares), "max": max(shares)},
            "idle": statistics.median(shares) < machine.IDLE_SHARE,
            "versions": {"python": platform.python_version(), **self.versions},
            "programs": {name: sha256(path) for name, path in self.programs.items() if path},
            "checks": self.checks,
            "rounds": self.rounds,
            "memory": self.memory,
        }


def wanted(name, names):
    """Whether a name is among those asked for; where none are, all are."""
    return not names or name in names


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def parse():
    """The command line."""
    names = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", required=True, metavar="PROGRAM", help="lumivox as crates/lumivox/examples/bench_worker.rs is built")
    parser.add_argument("--before", metavar="PROGRAM", help="another build of the worker, measured in the same run as `lumivox-before`")
    parser.add_argument("--any-tts", metavar="PROGRAM", help="the worker of tools/bench/any-tts; left out if not given")
    parser.add_argument("--voxr", metavar="PROGRAM", help="the worker of tools/bench/voxr; left out if not given")
    parser.add_argument("--work", required=True, type=pathlib.Path, metavar="DIR", help="the folder that weights.py made")
    parser.add_argument("--families", type=names, metavar="F,…", help="kokoro, piper, mms; all if not given")
    parser.add_argument("--cases", type=names, metavar="C,…", help="names of crates/lumivox-bench/definitions; all if not given")
    parser.add_argument("--engines", type=names, metavar="E,…", help="all if not given")
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2], metavar="N,…", help="1,2 if not given")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="5 if not given")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="how many times each utterance is said at once; 1 if not given")
    parser.add_argument("--fresh", type=names, metavar="C,…", help=f"cases that a fresh process says, for memory and the first utterance; {','.join(MEMORY_CASES)} if not given")
    parser.add_argument("--record", type=pathlib.Path, default=ROOT / "benches/record", metavar="DIR", help="where the record goes")
    parser.add_argument("--no-record", action="store_true", help="prints only")
    return parser.parse_args()


def main():
    arguments = parse()
    started, load = datetime.datetime.now(datetime.timezone.utc), os.getloadavg()[0]
    bench = Bench(arguments)
    bench.run()
    record = bench.record(started, load)
    print(report.summary(record))
    if not arguments.no_record:
        folder = arguments.record / machine.slug(record["machine"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{started:%Y-%m-%dT%H%M}.json"
        path.write_text(report.to_json(record))
        print("recorded in", path)


if __name__ == "__main__":
    main()
