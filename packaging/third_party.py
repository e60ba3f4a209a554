"""The licences of everything that is linked: who wrote it, and the texts that must go with it."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
C_LIBRARY = {
    "musl": "The C library musl: MIT (Rich Felker and others); the unwinder LLVM libunwind: Apache-2.0 with LLVM exceptions",
    "gnu": "The GNU C library, in programs that are linked statically: LGPL-2.1-or-later (Free Software Foundation). To exchange it build the program anew, "
           "from this version's source.",
}
LICENCE_FILE = re.compile(r"(?i)^(licen[cs]e|copying|notice|unlicense|copyright)")


def linked(package, target):
    """The packages of the registry that `package` is linked with, by name and version."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {entry["id"]: entry for entry in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    todo = [entry["id"] for entry in metadata["packages"] if entry["name"] == package]
    seen = set(todo)
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_linked and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                todo.append(dependency["pkg"])
    entries = [packages[identity] for identity in seen if packages[identity]["source"]]
    return sorted(entries, key=lambda entry: (entry["name"], entry["version"]))


def licence_texts(entry):
    """The licence files of a package, each once."""
    folder = Path(entry["manifest_path"]).parent
    names = {path for path in folder.iterdir() if path.is_file() and LICENCE_FILE.match(path.name)}
    if entry.get("license_file"):
        names.add(folder / entry["license_file"])
    return [path.read_text(errors="replace").strip() for path in sorted(names) if path.is_file()]


def notices(package, target):
    """A text of all packages that `package` is linked with: name, version, licence, authors; and each different licence text once, with whose it is."""
    entries = linked(package, target)
    texts = {}
    lines = ["Linked into this are, with their licences:", ""]
    for entry in entries:
        authors = f" ({', '.join(re.sub(' *<.*?>', '', author) for author in entry['authors'])})" if entry["authors"] else ""
        lines.append(f"{entry['name']} {entry['version']}: {entry['license'] or 'see below'}{authors}")
        for text in licence_texts(entry):
            texts.setdefault(text, []).append(f"{entry['name']} {entry['version']}")
    lines += ["", "The standard library of Rust: MIT or Apache-2.0 (The Rust Project Developers)"]
    lines.append(C_LIBRARY["musl" if target.endswith("musl") else "gnu"])
    for text, owners in sorted(texts.items(), key=lambda item: item[1]):
        lines += ["", "=" * 80, f"Of {', '.join(owners)}:", "", text]
    lines += ["", "=" * 80, "Of the dictionaries, models and lists inside:", "", (ROOT / "crates/lumivox-text/data/README.md").read_text().strip()]
    lines += ["", (ROOT / "crates/lumivox/weights/embedded/README.md").read_text().strip()]
    return "\n".join(lines) + "\n"
