"""Draws a record: a chart (SVG) and a table (Markdown), and puts both into the README.

usage: chart.py [RECORD.json …]       (several are joined; the newest of benches/record if none is given)

Writes benches/speed.svg, and the lines between `<!-- speed -->` and `<!-- /speed -->` of README.md. Nothing that lumivox loses at is left out.
"""

import json
import pathlib
import sys
from xml.sax.saxutils import escape

import figures

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "benches/speed.svg"
BEGIN, END = "<!-- speed -->", "<!-- /speed -->"
TITLES = {"kokoro": "Kokoro-82M", "piper": "Piper voice, medium", "mms": "MMS-TTS"}
# The cases that are drawn: the lengths in characters.
LENGTHS = {"kokoro": ("44", "122", "174"), "piper": ("41", "178"), "mms": ("41", "178")}
ENGINES = {
    "lumivox": "lumivox",
    "lumivox-int8": "lumivox (int8)",
    "onnxruntime": "ONNX Runtime",
    "onnxruntime-export": "ONNX Runtime (export)",
    "onnxruntime-int8": "ONNX Runtime (int8)",
    "pytorch": "PyTorch",
    "transformers": "transformers",
    "any-tts": "any-tts",
    "voxr": "voxr",
}
# The columns of the table: the first of these engines that said a text.
COLUMNS = {
    "ONNX Runtime, f32": (figures.FASTEST_F32, "onnxruntime"),
    "ONNX Runtime, int8": ("onnxruntime-int8",),
    "PyTorch": ("pytorch", "transformers"),
    "any-tts": ("any-tts",),
    "voxr": ("voxr",),
}
# Sizes in pixels.
WIDTH, LABEL, BAR, GAP, VALUE = 760, 210, 14, 4, 130
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.note, .value { fill: #57606a; }
.lumivox { fill: #d9480f; }
.other { fill: #8c959f; }
.range { stroke: #24292f; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note, .value { fill: #9da7b3; }
  .lumivox { fill: #ff8c42; }
  .other { fill: #6e7681; }
  .range { stroke: #e6edf3; }
}
"""


def newest(folder=ROOT / "benches/record"):
    """The record with the latest date, of those of processors."""
    records = [json.loads(path.read_text()) for path in folder.glob("*/*.json")]
    return max((record for record in records if "gpu" not in record["machine"]), key=lambda record: record["date"])


def drawn(record):
    """The rows that are drawn, by (family, case): with the most threads, lumivox first."""
    rows = figures.table(record["rounds"])
    threads = max((row["threads"] for row in rows), default=1)
    found = {}
    for family, lengths in LENGTHS.items():
        for case in lengths:
            chosen = [row for row in rows if (row["family"], row["case"], row["threads"]) == (family, case, threads) and row["engine"] in ENGINES]
            if chosen:
                found[family, case] = sorted(chosen, key=lambda row: list(ENGINES).index(row["engine"]))
    return threads, found


def svg(record):
    """Bars of seconds of audio made in a second, the longer the better, in a scale for each family; the line on a bar is the range of the rounds."""
    threads, groups = drawn(record)
    parts = [text(0, 16, f"Seconds of audio made in one second, {threads} threads", "title")]
    busy = "" if record["idle"] else "; the machine was not idle"
    parts.append(text(0, 34, f"{where(record)}; median and range of {rounds(record)} rounds; each model has a scale of its own{busy}", "note"))
    y = 40
    for family, title in TITLES.items():
        cases = {case: rows for (name, case), rows in groups.items() if name == family}
        if cases:
            y += 30
            parts.append(text(0, y, title, "title"))
            y = panel(cases, y, parts)
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 6}" width="{WIDTH}" height="{y + 6}" role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def panel(cases, y, parts):
    """Draws a family's texts below y; returns where it ends."""
    scale = (WIDTH - LABEL - VALUE) / max(1 / row["rtf"]["min"] for rows in cases.values() for row in rows)
    for case, rows in cases.items():
        y += 22
        parts.append(text(0, y, f"{case} characters, {rows[0]['audio_s']:.1f} s of audio", "note"))
        y += 8
        for row in rows:
            parts += bar(row, y, scale)
            y += BAR + GAP
    return y


def text(x, y, content, kind, anchor="start"):
    return f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def bar(row, y, scale):
    """One engine: its name, its bar, its range, its figure."""
    speeds = {kind: 1 / row["rtf"][kind] for kind in ("median", "min", "max")}
    kind = "lumivox" if row["engine"].startswith("lumivox") else "other"
    middle, least, most = (LABEL + scale * speeds[k] for k in ("median", "max", "min"))
    centre = y + BAR / 2
    return [
        text(LABEL - 8, y + 12, ENGINES[row["engine"]], "label", "end"),
        f'<rect x="{LABEL}" y="{y}" width="{middle - LABEL:.1f}" height="{BAR}" rx="2" class="{kind}"/>',
        f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{centre}" y2="{centre}" class="range"/>',
        text(most + 8, y + 12, f"{speeds['median']:.2f} (RTF {row['rtf']['median']:.3f})", "value"),
    ]


def rounds(record):
    """How many rounds there were: a number, or from the fewest to the most."""
    counts = {len(rounds) for engines in figures.groups(record["rounds"]).values() for rounds in engines.values()}
    return f"{min(counts)} to {max(counts)}" if len(counts) > 1 else str(max(counts))


def where(record):
    machine = record["machine"]
    return f"{machine['model']}, {machine['processors']} processors, {record['date'][:10]}"


def markdown(record):
    """lumivox's figures, and how many times as long the others take: median (least-most) of the rounds' ratios."""
    runs = record["rounds"]
    ratios = {(*figures.key(row), row["engine"]): row["rtf"] for row in figures.ratios(runs)}
    ours = [row for row in figures.table(runs) if row["engine"] == "lumivox" and row["case"] in LENGTHS[row["family"]]]
    ran = {key[-1] for key in ratios}
    columns = {title: engines for title, engines in COLUMNS.items() if ran.intersection(engines)}
    lines = [
        f"| text | threads | lumivox, RTF | first audio | {' | '.join(columns)} |",
        "|---|---|---|---|" + "---|" * len(columns),
    ]
    for row in ours:
        found = [next((ratios[(*figures.key(row), engine)] for engine in engines if (*figures.key(row), engine) in ratios), None) for engines in columns.values()]
        cells = [times(ratio) if ratio else "" for ratio in found]
        title = f"{TITLES[row['family']]}, {row['case']} characters"
        lines.append(f"| {title} | {row['threads']} | {row['rtf']['median']:.3f} | {row['ttfb_s']['median']:.2f} s | {' | '.join(cells)} |")
    return "\n".join(lines)


def memory(record):
    """Peak memory and the time until a fresh process could speak."""
    lines = ["| text | engine | peak memory | ready after |", "|---|---|---|---|"]
    for row in record["memory"]:
        if row["engine"] in ENGINES:
            lines.append(f"| {TITLES[row['family']]}, {length(row)} | {ENGINES[row['engine']]} | {row['peak_rss_bytes'] / 1e6:.0f} MB | {row['start_s']:.2f} s |")
    return "\n".join(lines)


def lost(record):
    """Where another engine is ahead: sooner done, sooner heard, or smaller. lumivox's own other ways of computing do not count."""
    runs, found = record["rounds"], []
    theirs = lambda rows: [row for row in rows if row["engine"] in ENGINES and not row["engine"].startswith("lumivox")]
    for row in theirs(figures.ratios(runs)):
        for figure, what in (("rtf", "wall time"), ("cpu_rtf", "CPU time"), ("ttfb_s", "first audio")):
            if row[figure]["median"] < 1:
                found.append(f"{what} of {TITLES[row['family']]}, {length(row)}, {row['threads']} threads ({ENGINES[row['engine']]} takes {times(row[figure])})")
    ours = {figures.key(row): row for row in record["memory"] if row["engine"] == "lumivox"}
    for row in theirs(record["memory"]):
        for figure, what, unit, scale in (("peak_rss_bytes", "peak memory", "MB", 1e6), ("start_s", "time to be ready", "s", 1)):
            own = ours.get(figures.key(row))
            if own and row[figure] < own[figure]:
                digits = 0 if unit == "MB" else 2
                more = f"{own[figure] / scale:.{digits}f} {unit} for {row[figure] / scale:.{digits}f} {unit} of {ENGINES[row['engine']]}"
                found.append(f"{what} of {TITLES[row['family']]}, {length(row)} ({more})")
    return f"lumivox loses at: {'; '.join(found)}." if found else "Nothing of this is lost to another engine."


def length(row):
    """How long a text is, for people."""
    return f"{row['case']} characters" if row["case"].isdigit() else "a minute"


def times(spread):
    return f"{spread['median']:.2f}× ({spread['min']:.2f}-{spread['max']:.2f})"


def section(record):
    """What README.md shows."""
    idle = "" if record["idle"] else " **The machine was not idle, so these figures are no measurement.**"
    others = "Columns with × are how many times as long as lumivox the others take, wall time; ONNX Runtime, f32 is the faster of two graphs in each round."
    return "\n\n".join([
        "![Speed of lumivox and of other engines](benches/speed.svg)",
        f"{where(record)}, commit `{record['commit']}`, {rounds(record)} rounds.{idle} {others}",
        markdown(record),
        memory(record),
        lost(record),
    ])  # fmt: skip


def insert(readme, content):
    """The README with the lines between the markers replaced."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def main():
    record = figures.joined(json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]) if len(sys.argv) > 1 else newest()
    CHART.write_text(svg(record))
    readme = ROOT / "README.md"
    readme.write_text(insert(readme.read_text(), section(record)))


if __name__ == "__main__":
    main()
