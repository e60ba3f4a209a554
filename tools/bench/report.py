"""What is printed: each figure as it comes, and the summary of a record."""

import json

import figures


def checked(found):
    """A comparison with the reference."""
    kinds = {"snr_db": "SNR {:.1f} dB", "log_mel_l1": "log-mel {:.3f}", "mean_log_mel_l1": "mean log-mel {:.3f}"}
    compared = ", ".join(text.format(found[kind]) for kind, text in kinds.items() if kind in found)
    print(f"check {title(found)}: {found['samples']} samples of {found['reference_samples']}, {compared}", flush=True)


def measured(run):
    """A figure of a round."""
    print(
        f"round {run['round'] + 1} {title(run)}: RTF {figures.rtf(run):.3f}, CPU {figures.cpu_rtf(run):.3f}, first audio {run['ttfb_s']:.2f} s, "
        f"others {run['others_share']:.0%}" + copies(run.get("copies")),
        flush=True,
    )


def copies(counted):
    """What a GPU was asked for."""
    return f", {counted['to_device']} copies there and {counted['to_host']} back, {counted['launches']} launches" if counted else ""


def remembered(found):
    """Peak memory and loading of a fresh process."""
    print(
        f"memory {title(found)}: {megabytes(found)} MB, loaded in {found['load_s']:.2f} s, ready after {found['start_s']:.2f} s, "
        f"first utterance {found['cold_wall_s']:.2f} s",
        flush=True,
    )


def title(row):
    return f"{row['family']}/{row['case']} {row['engine']} x{row['threads']}"


def megabytes(found):
    return round(found["peak_rss_bytes"] / 1e6)


def range_of(spread, digits):
    """Median and range."""
    return f"{spread['median']:.{digits}f} ({spread['min']:.{digits}f}-{spread['max']:.{digits}f})"


def summary(record):
    """Medians, ratios and scaling, for people."""
    runs = record["rounds"]
    lines = ["", f"{'':<46}{'RTF':<24}{'CPU s per s of audio':<24}first audio, s"]
    for row in figures.table(runs):
        lines.append(f"{title(row):<46}{range_of(row['rtf'], 3):<24}{range_of(row['cpu_rtf'], 3):<24}{range_of(row['ttfb_s'], 2)}")
    lines += ["", f"{'how many times as long as lumivox':<64}{'wall':<24}{'CPU':<24}first audio"]
    for row in figures.ratios(runs):
        lines.append(f"{title(row):<64}{range_of(row['rtf'], 2):<24}{range_of(row['cpu_rtf'], 2):<24}{range_of(row['ttfb_s'], 2)}")
    lines += ["", "how many times as fast as with one thread"]
    lines += [f"{title(row):<64}{range_of(row['rtf'], 2)}" for row in figures.scaling(runs)]
    lines += ["", "peak memory"]
    lines += [f"{title(found):<64}{megabytes(found)} MB, ready after {found['start_s']:.2f} s" for found in record["memory"]]
    others = record["others_share"]
    lines += ["", f"other processes had {others['median']:.0%} of the machine's time (at most {others['max']:.0%} during a figure)"]
    lines += [] if record["idle"] else ["THE MACHINE WAS NOT IDLE: these figures are no measurement of it"]
    return "\n".join(lines)


def to_json(record):
    """A record with one line for each figure, so that two records can be compared line by line."""
    rows = lambda items: "[\n" + ",\n".join("    " + json.dumps(rounded(item)) for item in items) + "\n  ]"
    fields = [f"  {json.dumps(key)}: " + (rows(value) if isinstance(value, list) else json.dumps(rounded(value))) for key, value in record.items()]
    return "{\n" + ",\n".join(fields) + "\n}\n"


def rounded(value):
    """Numbers with six digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value
