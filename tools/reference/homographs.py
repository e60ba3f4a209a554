"""Makes crates/lumivox-text/tests/data/english_homographs.tsv: words of several pronunciations in sentences, each with the right one.

    git clone https://github.com/google-research-datasets/WikipediaHomographData homographs && git -C homographs checkout 8f008f021e88f8b71118a27ae655f1f3121162bc
    python tools/reference/homographs.py homographs crates/lumivox-text/tests/data/english_homographs.tsv

The labels are those of Gorman, Mazovetskiy and Nikolaev, "Improving homograph disambiguation with machine learning" (LREC 2018; Apache-2.0), the split
`eval`; the sentences are Wikipedia's (CC-BY-SA). Of each homograph the first sentences of at most LONGEST characters, MOST of each pronunciation. A line: kind (`pos` where the part of
speech decides, else `lexical`), word, its byte in the sentence, the right pronunciation, the others (commas between), the sentence. Pronunciations are
American, in misaki's symbols, stress before the vowel and without secondary stress.
"""

import csv
import io
import re
import subprocess
import sys
from collections import defaultdict

COMMIT = "8f008f021e88f8b71118a27ae655f1f3121162bc"
MOST, LONGEST = 2, 140
VOWELS = "aeiouæɑɔəɛɜɪʊʌAIOWYᵻ"
SYMBOLS = [("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("ɚ", "əɹ"), ("ɝ", "ɜɹ"), ("ː", ""), ("ˌ", ""), ("g", "ɡ"), ("r", "ɹ")]


def shown(repository, path):
    return subprocess.run(["git", "-C", repository, "show", f"{COMMIT}:{path}"], capture_output=True, text=True, check=True).stdout


def rows(repository, path):
    return list(csv.DictReader(io.StringIO(shown(repository, path)), delimiter="\t"))


def misaki(pronunciation):
    plain = re.sub(r"[0-9 .]", "", pronunciation)
    for theirs, ours in SYMBOLS:
        plain = plain.replace(theirs, ours)
    return re.sub(f"['ˈ]([^{VOWELS}]*)", r"\1ˈ", plain)


def main():
    repository = sys.argv[1]
    sounds, kinds = {}, {}
    for row in rows(repository, "data/wordids.tsv"):
        sounds.setdefault(row["homograph"], {})[row["wordid"]] = misaki(row["pronunciation"])
        kinds[row["homograph"]] = "pos" if "PoS" in row["fine_homograph_type"] else "lexical"
    lines = []
    for word in sorted(sounds):
        taken = defaultdict(int)
        for row in rows(repository, f"data/eval/{word}.tsv"):
            sentence, right = row["sentence"], sounds[word].get(row["wordid"])
            others = sorted({sound for sound in sounds[word].values() if sound != right})
            if not right or not others or len(sentence) > LONGEST or "\t" in sentence or taken[right] == MOST:
                continue
            taken[right] += 1
            lines.append("\t".join((kinds[word], word, row["start"], right, ",".join(others), " ".join(sentence.split(" ")))))
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    print(len(lines), "sentences,", sum(line.startswith("pos") for line in lines), "by part of speech")


if __name__ == "__main__":
    main()
