"""The group of commands, made part of spaCy's own command line."""

from contextlib import contextmanager
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
