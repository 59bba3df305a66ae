import pytest
from spacy.cli import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)

from ..conftest import NOISY, gold_docs


def bio_ner(*args):
    return CliRunner().invoke(app, ["bio-ner", *map(str, args)])


@pytest.fixture
def dev(trained, tmp_path):
    path = tmp_path / "dev.spacy"
    DocBin(docs=gold_docs(trained, NOISY)).to_disk(path)
    return path
