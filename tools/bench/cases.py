"""What is said: benches/definitions, and the ids that every engine gets."""

import dataclasses
import json
import pathlib
import tomllib

DEFINITIONS = pathlib.Path(__file__).resolve().parents[2] / "benches/definitions"


@dataclasses.dataclass(frozen=True)
class Case:
    """A text and its segments: phonemes (Kokoro, Piper) or letters (MMS) that are said in one go, one after another."""

    family: str
    name: str
    text: str
    segments: tuple[str, ...]
    voice: str | None = None

    @property
    def title(self):
        return f"{self.family}/{self.name}"


class DefinitionError(ValueError):
    """A case that is not what it says."""


def load(folder=DEFINITIONS):
    """All cases, family by family."""
    return [case for path in sorted(folder.glob("*.toml")) for case in read(path)]


def read(path):
    """The cases of one definition file."""
    definition = tomllib.loads(path.read_text())
    found = []
    for entry in definition["cases"]:
        text = entry["text"] if "text" in entry else (path.parent / entry["text_file"]).read_text().rstrip("\n")
        case = Case(definition["family"], entry["name"], text, tuple(entry["segments"]), definition.get("voice"))
        if len(text) != entry["characters"]:
            raise DefinitionError(f"{case.title}: the text has {len(text)} characters, not {entry['characters']}")
        if not case.segments or any(segment != segment.strip() or not segment or "\n" in segment for segment in case.segments):
            raise DefinitionError(f"{case.title}: a segment is empty, or has white space at an end or line breaks")
        found.append(case)
    return found


class Encoder:
    """Segments to ids with the vocabularies of the models in the folder that weights.py made."""

    def __init__(self, work):
        def read_json(name):
            return json.loads((work / name).read_text())

        piper = read_json("piper.onnx.json")["phoneme_id_map"]
        self.vocabularies = {
            "kokoro": {symbol: [i] for symbol, i in read_json("kokoro-config.json")["vocab"].items()},
            "piper": piper,
            "mms": {symbol: [i] for symbol, i in read_json("mms/vocab.json").items()},
        }

    def segment(self, family, segment):
        """One segment's ids as the model's own tokenizer makes them. A symbol that the model does not know is an error."""
        vocabulary = self.vocabularies[family]
        unknown = sorted(set(segment) - set(vocabulary))
        if unknown:
            raise DefinitionError(f"{family} has no ids for {unknown} of `{segment}`")
        if family == "mms":
            return mms_ids(segment, vocabulary)
        symbols = [vocabulary[symbol] for symbol in segment]
        if family == "kokoro":
            return flat([[0], *symbols, [0]])
        return flat([vocabulary["^"], vocabulary["_"], *interspersed(symbols, vocabulary["_"]), vocabulary["$"]])

    def utterance(self, case):
        """The case as engines get it."""
        segments = [{"phonemes": segment, "ids": self.segment(case.family, segment)} for segment in case.segments]
        return {"segments": segments, "voice": case.voice}


def mms_ids(segment, vocabulary):
    """Ids as VitsTokenizer makes them: blanks around each symbol, but for its pad token, `k` in English, at which it takes the text apart first."""
    pad = next(symbol for symbol, ids in vocabulary.items() if ids == [0])
    pieces = [[[0], *interspersed([vocabulary[symbol] for symbol in piece], [0])] if piece else [] for piece in segment.split(pad)]
    return flat(flat([pieces[0], *([[0], *piece] for piece in pieces[1:])]))


def flat(lists):
    return [item for items in lists for item in items]


def interspersed(symbols, blank):
    return [part for symbol in symbols for part in (symbol, blank)]
