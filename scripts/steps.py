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


def training_options(lang: str, encoder: str, taught: str, vectors: str, gpu_id: int, settings: str) -> List[str]:
    """RETURNS (List[str]): What `spacy train` takes for the project's variables, all but the corpus."""
    options = ["--nlp.lang", lang, "--paths.encoder", encoder, "--paths.taught", taught, "--gpu-id", str(gpu_id)]
    if vectors:
        embed = "--components.bio_ner.model.tok2vec.embed"
        options += ["--paths.vectors", vectors, f"{embed}.include_static_vectors", "true"]
    return [*options, *overrides(settings)]


def run(*args: object) -> None:
    """Show and run the command of a Python module, and stop with its exit code if it fails."""
    command = ["-m", *map(str, args)]
    typer.echo("Running command: " + shlex.join(["python", *command]))
    code = subprocess.run([sys.executable, *command]).returncode
    if code:
        raise typer.Exit(code)
