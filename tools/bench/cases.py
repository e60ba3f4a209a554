"""What is said: crates/lumivox-bench/definitions, and the ids that every engine gets."""

import dataclasses
import json
import pathlib
import tomllib

DEFINITIONS = pathlib.Path(__file__).resolve().parents[2] / "crates/lumivox-bench/definitions"


@dataclasses.dataclass(frozen=True)
class Segment:
    """What is said in one go: a stretch of text, and its phonemes (Kokoro, Piper) or letters (MMS)."""

    text: str
    phonemes: str


@dataclasses.dataclass(frozen=True)
class Case:
    """A text in segments, said one after another."""

    family: str
    name: str
    segments: tuple[Segment, ...]
    voice: str | None = None

    @property
    def title(self):
        return f"{self.family}/{self.name}"

    @property
    def text(self):
        return " ".join(segment.text for segment in self.segments)


class DefinitionError(ValueError):
    """A case that is not what it says."""


def load(folder=DEFINITIONS):
    """All cases, family by family."""
    return [case for path in sorted(folder.glob("*.toml")) for case in parse(path.read_text())]


def parse(definition):
    """The cases of one definition file."""
    definition = tomllib.loads(definition)
    found = []
    for entry in definition["cases"]:
        case = Case(definition["family"], entry["name"], tuple(Segment(**segment) for segment in entry["segments"]), definition.get("voice"))
        if len(case.text) != entry["characters"]:
            raise DefinitionError(f"{case.title}: the text has {len(case.text)} characters, not {entry['characters']}")
        for part in (part for segment in case.segments for part in (segment.text, segment.phonemes)):
            if not part or part != part.strip() or "\n" in part:
                raise DefinitionError(f"{case.title}: `{part}` is empty, or has line breaks or white space at an end")
        found.append(case)
    return found


class Encoder:
    """Segments to ids with the vocabularies of the models in the folder that weights.py made."""

    def __init__(self, work):
        def read_json(name):
            return json.loads((work / name).read_text())

        piper = read_json("piper.onnx.json")["phoneme_id_map"]
        self.vocabularies = {
            "kokoro": {symbol: [i] for symbol, i in read_json("kokoro/config.json")["vocab"].items()},
            "piper": piper,
            "mms": {symbol: [i] for symbol, i in read_json("mms/vocab.json").items()},
        }

    def ids(self, family, phonemes):
        """A segment's ids as the model's own tokenizer makes them. A symbol that the model does not know is an error."""
        vocabulary = self.vocabularies[family]
        unknown = sorted(set(phonemes) - set(vocabulary))
        if unknown:
            raise DefinitionError(f"{family} has no ids for {unknown} of `{phonemes}`")
        if family == "mms":
            return mms_ids(phonemes, vocabulary)
        symbols = [vocabulary[symbol] for symbol in phonemes]
        if family == "kokoro":
            return flat([[0], *symbols, [0]])
        return flat([vocabulary["^"], vocabulary["_"], *interspersed(symbols, vocabulary["_"]), vocabulary["$"]])

    def utterance(self, case):
        """The case as engines get it."""
        segments = [{**dataclasses.asdict(segment), "ids": self.ids(case.family, segment.phonemes)} for segment in case.segments]
        return {"segments": segments, "voice": case.voice}


def mms_ids(letters, vocabulary):
    """Ids as VitsTokenizer makes them: blanks around each symbol, but for its pad token, `k` in English, at which it takes the text apart first."""
    pad = next(symbol for symbol, ids in vocabulary.items() if ids == [0])
    pieces = [[[0], *interspersed([vocabulary[symbol] for symbol in piece], [0])] if piece else [] for piece in letters.split(pad)]
    return flat(flat([pieces[0], *([[0], *piece] for piece in pieces[1:])]))


def flat(lists):
    return [item for items in lists for item in items]


def interspersed(symbols, blank):
    return [part for symbol in symbols for part in (symbol, blank)]
