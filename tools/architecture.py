#!/usr/bin/env python3
"""Draws docs/architecture.svg from the code: each crate with its modules, each dependency an arrow, and each crate below all that stand on it.

    tools/architecture.py            # writes the picture
    tools/architecture.py --check    # fails if the picture is not what the code is, or a dependency points the wrong way
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/architecture.svg"
# What each crate may stand on, from the floor up. A dependency that is not here is a change of the architecture.
ALLOWED = {
    "kernels": set(),
    "text": set(),
    "convert": set(),
    "document": set(),
    "models": {"kernels"},
    "lumivox": {"kernels", "models", "text", "convert"},
    "parity": {"lumivox", "convert", "models", "kernels", "text"},
    "bench": {"lumivox", "parity", "models", "kernels", "convert"},
    "server": {"lumivox"},
    "capi": {"lumivox"},
    "python": {"lumivox"},
    "cli": {"lumivox", "bench", "document", "parity", "server"},
}
WIDTH, COLUMN, GAP, LINE = 760, 190, 30, 14
STYLE = """text{font:12px system-ui,sans-serif;fill:#1c2733}.name{font-weight:600;font-size:14px}.module{fill:#51606f;font-size:11px}
rect{fill:#f4f7fa;stroke:#9fb0c0;rx:6}path{fill:none;stroke:#7b8da0;stroke-width:1.2;marker-end:url(#tip)}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.module{fill:#9fb0c0}rect{fill:#1b2430;stroke:#4a5b6c}svg{background:#10161d}}"""


def crates():
    """Crates by their short names: what they depend on and their modules."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    short = {package["name"]: package["name"].removeprefix("lumivox-") for package in metadata["packages"]}
    found = {}
    for package in metadata["packages"]:
        needs = {short[dependency["name"]] for dependency in package["dependencies"]
                 if dependency["kind"] is None and dependency["name"] in short}
        root = Path(package["manifest_path"]).parent / "src"
        main = root / ("lib.rs" if (root / "lib.rs").exists() else "main.rs")
        modules = re.findall(r"^(?:pub |pub\(crate\) )?mod (\w+);", main.read_text(), re.MULTILINE)
        found[short[package["name"]]] = (needs, sorted(modules))
    return found


def wrong(found):
    """Dependencies that are not allowed."""
    strangers = [f"{name}: not in ALLOWED of tools/architecture.py" for name in found if name not in ALLOWED]
    return strangers + [f"{name} depends on {need}" for name, (needs, _) in found.items() for need in sorted(needs - ALLOWED.get(name, needs))]


def levels(found):
    """Rows of crates: each one below all that stand on it."""
    depth = {}

    def of(name):
        if name not in depth:
            depth[name] = 1 + max((of(other) for other, (needs, _) in found.items() if name in needs), default=-1)
        return depth[name]

    rows = {}
    for name in sorted(found):
        rows.setdefault(of(name), []).append(name)
    return [rows[level] for level in sorted(rows)]


def wrapped(modules):
    """Names of modules in lines that fit a box."""
    lines = [""]
    for module in modules:
        if lines[-1] and len(lines[-1]) + len(module) > 27:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + module
    return lines


def draw(found):
    boxes, y, parts = {}, 20, []
    for row in levels(found):
        tallest = max(26 + LINE * len(wrapped(found[name][1])) + 8 for name in row)
        left = (WIDTH - len(row) * COLUMN - (len(row) - 1) * GAP) / 2
        for place, name in enumerate(row):
            boxes[name] = (left + place * (COLUMN + GAP), y, 26 + LINE * len(wrapped(found[name][1])) + 8)
        y += tallest + 56
    for name, (x, top, height) in boxes.items():
        for need in sorted(found[name][0]):
            # An arrow that another way leads along, too, adds nothing.
            if any(need in reach(found, other) for other in found[name][0] - {need}):
                continue
            nx, ntop, _ = boxes[need]
            start, end = (x + COLUMN / 2, top + height), (nx + COLUMN / 2, ntop - 4)
            bend = (end[1] - start[1]) / 2
            parts.append(f'<path d="M{start[0]:.0f} {start[1]:.0f}C{start[0]:.0f} {start[1] + bend:.0f} {end[0]:.0f} {end[1] - bend:.0f} {end[0]:.0f} {end[1]:.0f}"/>')
    for name, (x, top, height) in boxes.items():
        title = name if name == "lumivox" else f"lumivox-{name}"
        parts.append(f'<rect x="{x:.0f}" y="{top}" width="{COLUMN}" height="{height}"/><text class="name" x="{x + 10:.0f}" y="{top + 19}">{title}</text>')
        for line, text in enumerate(wrapped(found[name][1])):
            parts.append(f'<text class="module" x="{x + 10:.0f}" y="{top + 37 + LINE * line}">{text}</text>')
    tip = '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8" style="marker-end:none"/></marker></defs>'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y - 36}" role="img" aria-label="The crates and what they depend on">\n<style>{STYLE}</style>{tip}\n{body}\n</svg>\n'


def reach(found, name):
    """All that a crate depends on, directly or not."""
    return found[name][0].union(*(reach(found, need) for need in found[name][0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    found = crates()
    faults = wrong(found)
    if faults:
        sys.exit("\n".join(faults))
    picture = draw(found)
    if not arguments.check:
        PICTURE.write_text(picture)
    elif picture != PICTURE.read_text():
        sys.exit("docs/architecture.svg is not what the code is: run tools/architecture.py")


if __name__ == "__main__":
    main()
