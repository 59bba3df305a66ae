"""Have a teacher say what it thinks of texts without annotation, for configs/distilled.cfg to learn from."""

import shlex
from pathlib import Path

import typer
from steps import run
from wasabi import msg


def main(
    teacher: str = typer.Argument(..., help="Trained pipeline, or several, separated by blanks; empty for none"),
    texts: str = typer.Argument(..., help="Files or folders of texts, separated by blanks"),
    output: Path = typer.Argument(..., help="Folder for what is taught"),
    gpu_id: int = typer.Option(-1, help="GPU ID or -1 for CPU"),
):
    """Write what a teacher says of texts, or nothing if there is no teacher."""
    first, *others = [*shlex.split(teacher), ""]
    if not first:
        msg.info("No teacher: --vars.teacher is empty")
        return
    also = [option for other in others[:-1] for option in ("--with", other)]
    if not texts:
        msg.fail("--vars.texts is empty, expected texts for the teacher", exits=1)
    run("spacy", "bio-ner", "distill", first, *shlex.split(texts), output, *also, "--gpu-id", gpu_id)


if __name__ == "__main__":
    typer.run(main)
