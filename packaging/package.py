#!/usr/bin/env python3
"""Builds what is given to strangers: the static program for x86-64 Linux as .tar.gz and .deb, and with --capi the C library.

    packaging/package.py                      # into target/packages
    packaging/package.py --profile release    # sooner, and slower to start and larger: what `cargo build --release` has built is taken

It is linked with musl (MIT), for which it takes `rustup target add x86_64-unknown-linux-musl` and musl's C compiler (musl-tools on Debian). Where that target
is not installed, glibc's static library takes its place, which is LGPL: such a package must not be given on without regard to that licence.
A .deb takes dpkg-deb. The same commit gives the same bytes: times are the commit's, owners are root, orders are those of names.
"""

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import third_party

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"]
DOCUMENTS = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"]
CONTROL = """\
Package: lumivox
Version: {version}
Architecture: amd64
Maintainer: The lumivox authors <lumivox@localhost>
Section: sound
Priority: optional
Recommends: espeak-ng, ffmpeg
Suggests: npm, python3-pip
Installed-Size: {kibibytes}
Description: text to speech with Kokoro-82M, Piper voices and MMS-TTS
 One program without Python and ONNX Runtime: from text to audio in files or
 pipes, books, subtitles, a server with OpenAI's speech API, converters of
 checkpoints, and comparisons with the original implementations.
 .
 espeak-ng reads for Piper voices of other languages than English, ffmpeg
 encodes MP3 and AAC for the server.
"""


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def version():
    """The workspace's version."""
    return output("cargo", "pkgid", "-p", "lumivox-cli").rsplit("@", 1)[-1].rsplit("#", 1)[-1]


def epoch():
    """Seconds that every file is dated with."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct"))


def target():
    """The first of the targets whose standard library is installed."""
    libraries = Path(output("rustc", "--print", "sysroot")) / "lib/rustlib"
    for name in TARGETS:
        if (libraries / name / "lib").is_dir():
            break
    if name.endswith("gnu"):
        print("note: linked with glibc (LGPL), as the target x86_64-unknown-linux-musl is not installed", file=sys.stderr)
    return name


def build(package, profile, target_, static):
    """Builds a package; returns the folder of what came of it."""
    flags = "-C target-feature=+crt-static" if static else ""
    environment, command = dict(os.environ), ["cargo", "rustc", "--profile", profile, "--locked", "-p", package]
    if profile == "release":
        # As `cargo build --release` has it, but for the last step.
        command += ["--", *flags.split()]
        folder = "release"
    else:
        command += ["--target", target_]
        # Without the paths of this machine.
        paths = f"--remap-path-prefix={ROOT}=lumivox --remap-path-prefix={cargo_home()}=cargo"
        environment["RUSTFLAGS"] = f"{os.environ.get('RUSTFLAGS', '')} {flags} {paths}".strip()
        folder = f"{target_}/{profile}"
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / folder


def cargo_home():
    return Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))


def install(source, destination, mode=0o644):
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    destination.chmod(mode)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o644)


def archive(folder, name, destination, date):
    """A .tar.gz of a folder, whose files are in a folder `name` in it."""
    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = date
        return entry

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, f"{name}/{path.relative_to(folder)}", recursive=False, filter=plain)
    publish(destination, gzip.compress(data.getvalue(), mtime=0))


def publish(destination, content):
    """Writes a package, which has its name only when it is whole."""
    part = destination.with_name(destination.name + ".part")
    part.write_bytes(content)
    part.rename(destination)
    print(f"{destination.name}: {len(content) / 1e6:.1f} MB")


def completions(program, folder):
    for shell, path in [("bash", "bash/lumivox"), ("zsh", "zsh/_lumivox"), ("fish", "fish/lumivox.fish")]:
        write(folder / path, output(program, "completions", shell) + "\n")


def tarball(program, notices, name, folder, date):
    with tempfile.TemporaryDirectory() as stage:
        stage = Path(stage)
        install(program, stage / "lumivox", 0o755)
        for document in DOCUMENTS:
            install(ROOT / document, stage / document)
        write(stage / "THIRD-PARTY.txt", notices)
        completions(program, stage / "completions")
        output(program, "manual", "-o", str(stage / "man"))
        install(ROOT / "packaging/systemd/lumivox.service", stage / "lumivox.service")
        archive(stage, name, folder / f"{name}.tar.gz", date)


def deb(program, notices, version_, folder, date):
    if not shutil.which("dpkg-deb"):
        print("no .deb: dpkg-deb is not here", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as stage:
        stage = Path(stage)
        install(program, stage / "usr/bin/lumivox", 0o755)
        with tempfile.TemporaryDirectory() as pages:
            output(program, "manual", "-o", pages)
            for page in Path(pages).iterdir():
                write(stage / f"usr/share/man/man1/{page.name}.gz", gzip.compress(page.read_bytes(), mtime=0))
        share = stage / "usr/share"
        scripts = {"bash": "bash-completion/completions/lumivox", "zsh": "zsh/vendor-completions/_lumivox",
                   "fish": "fish/vendor_completions.d/lumivox.fish"}
        for shell, path in scripts.items():
            write(share / path, output(program, "completions", shell) + "\n")
        unit = (ROOT / "packaging/systemd/lumivox.service").read_text().replace("/usr/local/bin/", "/usr/bin/")
        write(stage / "usr/lib/systemd/system/lumivox.service", unit)
        licences = "".join((ROOT / f"LICENSE-{kind}").read_text() + "\n\n" for kind in ["MIT", "APACHE"])
        write(share / "doc/lumivox/copyright", f"lumivox: MIT or Apache-2.0, at your choice.\n\n{licences}{notices}")
        write(share / "doc/lumivox/README.md", (ROOT / "README.md").read_bytes())
        kibibytes = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file()) // 1024
        write(stage / "DEBIAN/control", CONTROL.format(version=version_, kibibytes=kibibytes))
        name = f"lumivox_{version_}_amd64.deb"
        part = folder / f"{name}.part"
        # Of the folders that Path.mkdir made, too, whatever the umask is.
        for path in stage.rglob("*"):
            path.is_dir() and path.chmod(0o755)
        stage.chmod(0o755)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(stage), str(part)], check=True,
                       stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": str(date)})
        publish(folder / name, part.read_bytes())


def c_library(built, notices, name, folder, date):
    with tempfile.TemporaryDirectory() as stage:
        stage = Path(stage)
        install(ROOT / "crates/lumivox-capi/include/lumivox.h", stage / "include/lumivox.h")
        install(ROOT / "crates/lumivox-capi/examples/speak.c", stage / "examples/speak.c")
        install(built / "liblumivox_capi.so", stage / "lib/liblumivox_capi.so", 0o755)
        install(built / "liblumivox_capi.a", stage / "lib/liblumivox_capi.a")
        for document in ["LICENSE-APACHE", "LICENSE-MIT"]:
            install(ROOT / document, stage / document)
        write(stage / "THIRD-PARTY.txt", notices)
        archive(stage, name, folder / f"{name}.tar.gz", date)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="dist", choices=["dist", "release"], help="how it is built (default: dist)")
    parser.add_argument("--output", type=Path, default=ROOT / "target/packages", help="where to (default: target/packages)")
    parser.add_argument("--capi", action="store_true", help="also the C library, which is linked dynamically")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    number, date = version(), epoch()
    static = target() if arguments.profile == "dist" else TARGETS[-1]
    built = build("lumivox-cli", arguments.profile, static, static=True) / "lumivox"
    program = arguments.output / "lumivox"
    install(built, program, 0o755)
    subprocess.run(["strip", program], check=True)
    notices = third_party.notices("lumivox-cli", static)
    name = f"lumivox-{number}-x86_64-linux"
    tarball(program, notices, name, arguments.output, date)
    deb(program, notices, number, arguments.output, date)
    if arguments.capi:
        capi = f"lumivox-capi-{number}-x86_64-linux"
        # What loads it has a C library of its own.
        shared = "x86_64-unknown-linux-gnu"
        built = build("lumivox-capi", arguments.profile, shared, static=False)
        c_library(built, third_party.notices("lumivox-capi", shared), capi, arguments.output, date)
    packages = sorted(path for path in arguments.output.iterdir() if path.suffix in {".gz", ".deb"})
    program.unlink()
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in packages)
    (arguments.output / "SHA256SUMS").write_text(sums)


if __name__ == "__main__":
    main()
