"""From rounds to figures: medians with their range, and ratios of what was measured in the same round."""

import statistics

# The two f32 graphs, the faster of which is what lumivox is measured against.
FASTEST_F32 = "onnxruntime, the faster f32 graph"
F32_GRAPHS = ("onnxruntime", "onnxruntime-export")


def spread(values):
    """Median, least and most."""
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def rtf(run):
    """Seconds of wall time that a second of audio takes."""
    return run["wall_s"] / run["audio_s"]


def cpu_rtf(run):
    """CPU seconds that a second of audio takes."""
    return run["cpu_s"] / run["audio_s"]


def key(run):
    return run["family"], run["case"], run["threads"]


def groups(runs):
    """(family, case, threads) → engine → round → run, in the order of the runs."""
    found = {}
    for run in runs:
        found.setdefault(key(run), {}).setdefault(run["engine"], {})[run["round"]] = run
    return found


def joined(records):
    """Several records as one. Rounds stay apart, so that ratios are of what was measured together."""
    records = sorted(records, key=lambda record: record["date"])
    apart = 1 + max((run["round"] for record in records for run in record["rounds"]), default=0)
    rounds = [{**run, "round": i * apart + run["round"]} for i, record in enumerate(records) for run in record["rounds"]]
    memory = {(*key(row), row["engine"]): row for record in records for row in record["memory"]}
    commits = dict.fromkeys(record["commit"] for record in records)
    return {
        **records[-1],
        "commit": ", ".join(commits),
        "idle": all(record["idle"] for record in records),
        "rounds": rounds,
        "memory": list(memory.values()),
    }


def table(runs):
    """One row for each (family, case, threads, engine): medians with their range."""
    rows = []
    for (family, case, threads), engines in groups(runs).items():
        for engine, rounds in engines.items():
            row = {"family": family, "case": case, "threads": threads, "engine": engine, "audio_s": next(iter(rounds.values()))["audio_s"]}
            row["rtf"] = spread(map(rtf, rounds.values()))
            row["cpu_rtf"] = spread(map(cpu_rtf, rounds.values()))
            row["ttfb_s"] = spread(run["ttfb_s"] for run in rounds.values())
            rows.append(row)
    return rows


def with_fastest_f32(engines):
    """Adds the faster of the two f32 graphs, round by round."""
    if not all(graph in engines for graph in F32_GRAPHS):
        return engines
    first, second = (engines[graph] for graph in F32_GRAPHS)
    return {**engines, FASTEST_F32: {i: min(first[i], second[i], key=rtf) for i in first if i in second}}


def paired(ours, theirs, figure):
    """Spread of theirs / ours, of the rounds that both were in: how many times as much they take."""
    return spread(figure(theirs[i]) / figure(ours[i]) for i in ours if i in theirs)


def ratios(runs, ours="lumivox"):
    """For each (family, case, threads) and other engine: how many times as long as `ours` it takes."""
    rows = []
    for (family, case, threads), engines in groups(runs).items():
        if ours not in engines:
            continue
        for engine, rounds in with_fastest_f32(engines).items():
            if engine != ours:
                row = {"family": family, "case": case, "threads": threads, "engine": engine}
                row["rtf"] = paired(engines[ours], rounds, rtf)
                row["cpu_rtf"] = paired(engines[ours], rounds, cpu_rtf)
                row["ttfb_s"] = paired(engines[ours], rounds, lambda run: run["ttfb_s"])
                rows.append(row)
    return rows


def scaling(runs):
    """For each (family, case, engine): how many times as fast more threads are than one."""
    found = {}
    for (family, case, threads), engines in groups(runs).items():
        for engine, rounds in engines.items():
            found.setdefault((family, case, engine), {})[threads] = rounds
    return [
        {"family": family, "case": case, "engine": engine, "threads": threads, "rtf": paired(rounds, counts[1], rtf)}
        for (family, case, engine), counts in found.items()
        if 1 in counts
        for threads, rounds in counts.items()
        if threads != 1
    ]
