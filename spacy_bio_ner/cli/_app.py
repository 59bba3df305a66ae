"""The group of commands, made part of spaCy's own command line."""

import typer
from spacy.cli._util import app

HELP = """Named entity recognition with BIO tags: prepare corpora for the bio_ner component."""

bio_ner_cli = typer.Typer(name="bio-ner", help=HELP, no_args_is_help=True)
app.add_typer(bio_ner_cli)


@bio_ner_cli.callback()
def _group() -> None:
    """Keeps the commands' names in place while there is only one."""
