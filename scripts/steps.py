"""What the scripts of the project's steps share."""

import shlex
import subprocess
import sys
from typing import List

import typer
from wasabi import msg


def overrides(settings: str) -> List[str]:
    """RETURNS (List[str]): What `spacy train` takes for settings such as 'training.dropout=0.2 system.seed=1'. In a
    variable of the project an option's two hyphens would be lost.
    """
    words = shlex.split(settings)
    for word in words:
        section, _, value = word.removeprefix("--").partition("=")
        if not value or "." not in section:
            msg.fail(f"--vars.set: found {word!r}, expected settings such as training.dropout=0.2", exits=1)
    return ["--" + word.removeprefix("--") for word in words]


def run(*args: object) -> None:
    """Show and run the command of a Python module, and stop with its exit code if it fails."""
    command = ["-m", *map(str, args)]
    typer.echo("Running command: " + shlex.join(["python", *command]))
    code = subprocess.run([sys.executable, *command]).returncode
    if code:
        raise typer.Exit(code)
