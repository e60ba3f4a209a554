"""Makes the catalogue of crates/lumivox/data: which Piper voices and MMS-TTS languages there are, and what languages are called.

    python -m venv venv && venv/bin/pip install --no-deps -r tools/catalogue/requirements.txt
    venv/bin/python tools/catalogue/catalogue.py support_list.txt crates/lumivox/data

support_list.txt is that of https://github.com/wannaphong/ttsmms, a copy of the list of MMS-TTS: `code   language` a line after one of headings.

languages.tsv  `ISO 639-1 TAB ISO 639-3 TAB ISO 639-1 of the language that it is part of, or nothing TAB name`
mms.tsv        `code TAB ISO 639-1 of the language or of the one that it is part of, or nothing TAB name`
piper.tsv      `name TAB number of speakers TAB bytes of the checkpoint`
"""

import importlib.util
import json
import pathlib
import sys
import unicodedata


def data_file(package: str, *path: str):
    """A JSON file of an installed package, which is not run."""
    folder = pathlib.Path(importlib.util.find_spec(package).origin).parent
    return json.loads(folder.joinpath(*path).read_text("utf-8"))


def ascii_only(text: str) -> str:
    """Without accents: names of repositories have none."""
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()


def write(folder: pathlib.Path, name: str, rows) -> None:
    rows = sorted(rows)
    assert len({row[0] for row in rows}) == len(rows), name
    (folder / name).write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
    print(f"{name}: {len(rows)} rows")


def main(support_list: str, folder: pathlib.Path) -> None:
    voices = data_file("wyoming_piper", "voices.json")
    by_code = data_file("iso639", "data", "iso-639.json")["pt3"]
    members = data_file("iso639", "data", "iso-639_macro.json")["macro"]
    whole = {member: macro for macro, codes in members.items() for member in codes}

    def iso1(code: str) -> str:
        """ISO 639-1 of an ISO 639-3 code; nothing where there is none."""
        return by_code.get(code, {}).get("pt1", "")

    # As Piper calls them, else as ISO does, without what only tells apart: `Swahili (macrolanguage)`.
    called = {v["language"]["family"]: v["language"]["name_english"] for v in voices.values()}
    languages = []
    for code, entry in by_code.items():
        if entry["pt1"]:
            name = called.get(entry["pt1"], entry["name"].split(" (")[0])
            languages.append((entry["pt1"], code, iso1(whole.get(code, "")), name))
    write(folder, "languages.tsv", languages)

    lines = pathlib.Path(support_list).read_text("utf-8").splitlines()[1:]
    mms = []
    for code, name in (line.split(maxsplit=1) for line in lines if line.strip()):
        language = code.split("-")[0]
        mms.append((ascii_only(code), iso1(language) or iso1(whole.get(language, "")), name.strip()))
    write(folder, "mms.tsv", mms)

    piper = []
    for name, voice in voices.items():
        path = "/".join((voice["language"]["family"], voice["language"]["code"], voice["name"], voice["quality"], name))
        piper.append((name, str(voice["num_speakers"]), str(voice["files"][f"{path}.onnx"]["size_bytes"])))
    write(folder, "piper.tsv", piper)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
