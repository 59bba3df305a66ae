"""The group of commands, made part of spaCy's own command line."""

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

import spacy
import typer
from spacy.cli._util import Opt, app, setup_gpu
from spacy.language import Language
from wasabi import msg

from ..corpora.sources import SHARES, TRAIN
from ..util import InputError, atomic_write, describe_error, printable

__all__ = ["TRAIN_OPTION", "bio_ner_cli", "clear_errors", "find_train", "load_pipeline", "needs_extra", "atomic_write"]

HELP = """Named entity recognition with BIO tags: corpora, honest scores and audits for the bio_ner component."""

bio_ner_cli = typer.Typer(name="bio-ner", help=HELP, no_args_is_help=True)
app.add_typer(bio_ner_cli)

# See find_train.
TRAIN_OPTION = Opt(
    None,
    "--train",
    "-t",
    help="Corpus the pipeline was trained on, to score seen and unseen mentions apart. By default train.spacy beside "
    "CORPUS, if there is one",
)


@contextmanager
def clear_errors(outcome: str) -> Iterator[None]:
    """Turn what is wrong with the input into a message and exit code 1. The message is printed as it is, since
    wrapped lines would break the places it names.

    outcome (str): What did not happen, said in the end.
    """
    try:
        yield
    except InputError as err:
        typer.echo(printable(str(err)))
    except OSError as err:
        typer.echo(printable(f"{err.filename}: {err.strerror}" if err.filename else str(err)))
    else:
        return
    msg.fail(outcome, exits=1)


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Say how to install the packages that a command needs and the library alone does not.

    extra (str): The optional extra of the library they are in.
    RAISES (InputError): If one is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as err:
        raise InputError(
            f"{err.name} is not installed, which this command needs: pip install 'spacy-bio-ner[{extra}]'"
        ) from None


def load_pipeline(model: str, gpu_id: int) -> Language:
    """Load a pipeline, on a GPU if one is named.

    model (str): The name of an installed one, or a path.
    gpu_id (int): The GPU, or -1 for the CPU.
    RETURNS (Language): The pipeline.
    RAISES (InputError): If there is no such GPU, or the pipeline cannot be loaded.
    """
    try:
        setup_gpu(gpu_id)
    except (ValueError, RuntimeError) as err:  # no CuPy, no such device
        raise InputError(f"--gpu-id {gpu_id}: {err}") from None
    try:
        return spacy.load(model)
    except Exception as err:  # not there, one that needs other packages, damaged files: each has its own
        raise InputError(f"{model}: cannot load the pipeline: {describe_error(err)}") from None


def find_train(corpus: Path, train: Optional[Path]) -> Optional[Path]:
    """Find the corpus that tells seen mentions from unseen ones.

    corpus (Path): The corpus to score on.
    train (Optional[Path]): The one that is asked for.
    RETURNS (Optional[Path]): That one, or train.spacy beside the corpus, if there is one.
    RAISES (InputError): If the corpus is a folder of splits.
    """
    if any((corpus / f"{split}.spacy").exists() for split in SHARES):
        raise InputError(f"{corpus}: found a folder of splits, expected one of them, such as {corpus / 'test.spacy'}")
    beside = corpus.parent / f"{TRAIN}.spacy"
    return beside if train is None and beside.exists() else train
