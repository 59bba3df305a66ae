"""Print the entities that an installed pipeline finds in a text, and optionally check them."""

from pathlib import Path
from typing import Optional

import spacy
import typer
from wasabi import msg


def main(
    model: str = typer.Argument(..., help="Installed pipeline, or path to one"),
    text: str = typer.Argument(..., help="Text to find entities in"),
    expect: Optional[str] = typer.Option(
        None, help="The entities expected, as 'text/LABEL, text/LABEL': anything else exits 1"
    ),
):
    """Print the entities that a pipeline finds in a text."""
    try:
        # Packages are modules, whose names have no hyphens.
        nlp = spacy.load(model if Path(model).exists() else model.replace("-", "_"))
    except OSError as err:
        msg.fail(str(err), exits=1)
    found = [f"{ent.text}/{ent.label_}" for ent in nlp(text).ents]
    print(", ".join(found) or "No entities found")
    if expect is not None and found != expect.split(", "):
        msg.fail(f"Expected {expect}", exits=1)


if __name__ == "__main__":
    typer.run(main)
