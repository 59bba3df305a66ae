"""The group of commands, made part of spaCy's own command line."""

from contextlib import contextmanager
from typing import Iterator

import spacy
import typer
from spacy.cli._util import app
from spacy.language import Language
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
def needs_extra(extra: str) -> Iterator[None]:
    """Say how to install the packages that a command needs and the library alone does not.

    extra (str): The optional extra of the library they are in.
    RAISES (CorpusError): If one is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as err:
        raise CorpusError(
            f"{err.name} is not installed, which this command needs: pip install 'spacy-bio-ner[{extra}]'"
        ) from None


def load_pipeline(model: str) -> Language:
    """Load a pipeline.

    model (str): The name of an installed one, or a path.
    RETURNS (Language): The pipeline.
    RAISES (CorpusError): If it is not there, or cannot be loaded here.
    """
    try:
        return spacy.load(model)
    except (OSError, ValueError, ImportError) as err:  # not there, not a pipeline, or one that needs other packages
        raise CorpusError(f"{model}: cannot load the pipeline: {err}") from None
