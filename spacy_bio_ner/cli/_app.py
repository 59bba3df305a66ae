"""The group of commands, made part of spaCy's own command line."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import spacy
import typer
from spacy.cli._util import app, setup_gpu
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
def write_beside(path: Path) -> Iterator[Path]:
    """Give a path beside a file or folder to write to, and move what is there into its place in the end, so that it is
    whole or as it was.

    path (Path): The file or folder. The folder it is in is made if need be.
    YIELDS (Path): Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        yield beside
        if path.is_dir():  # a folder that holds something cannot be replaced in one step
            old = path.with_name(f"{beside.name}-old")
            os.replace(path, old)
            os.replace(beside, path)
            shutil.rmtree(old)
        else:
            os.replace(beside, path)
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        else:
            beside.unlink(missing_ok=True)


def load_pipeline(model: str, gpu_id: int) -> Language:
    """Load a pipeline, on a GPU if one is named.

    model (str): The name of an installed one, or a path.
    gpu_id (int): The GPU, or -1 for the CPU.
    RETURNS (Language): The pipeline.
    RAISES (CorpusError): If there is no such GPU, or the pipeline cannot be loaded.
    """
    try:
        setup_gpu(gpu_id)
    except (ValueError, RuntimeError) as err:  # no CuPy, no such device
        raise CorpusError(f"--gpu-id {gpu_id}: {err}") from None
    try:
        return spacy.load(model)
    except (OSError, ValueError, ImportError) as err:  # not there, not a pipeline, or one that needs other packages
        raise CorpusError(f"{model}: cannot load the pipeline: {err}") from None
