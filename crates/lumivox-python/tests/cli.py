"""The program that the wheel is held against: `LUMIVOX_CLI`."""

import os
import subprocess
import tempfile
from pathlib import Path

CLI = os.environ["LUMIVOX_CLI"]


def said(text, *arguments):
    """The bytes of the WAV file that `lumivox say` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        subprocess.run([CLI, "say", text, "-o", path, "--quiet", *arguments], check=True)
        return path.read_bytes()
