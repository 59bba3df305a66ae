"""The group of commands, made part of spaCy's own command line."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import typer
from spacy.cli._util import app
from wasabi import msg

from ..corpora.record import CorpusError

HELP = """Named entity recognition with BIO tags: corpora, honest scores and audits for the bio_ner component."""

bio_ner_cli = typer.Typer(name="bio-ner", help=HELP, no_args_is_help=True)
app.add_typer(bio_ner_cli)


@contextmanager
def clear_errors(outcome: str) -> Iterator[None]:
    """Turn what is wrong with the input into a message and exit code 1. The message is printed as it is, since
    wrapped lines would break the places it names.

    outcome (str): What did not happen, said in the end.
    """
    try:
        yield
    except CorpusError as err:
        typer.echo(str(err))
    except OSError as err:
        typer.echo(f"{err.filename}: {err.strerror}" if err.filename else str(err))
    else:
        return
    msg.fail(outcome, exits=1)


@contextmanager
def write_beside(path: Path) -> Iterator[Path]:
    """Give a path beside a file to write to, and move what is there into the file's place in the end, so that a
    file is whole or as it was.

    path (Path): The file. Its folder is made if need be.
    YIELDS (Path): Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
