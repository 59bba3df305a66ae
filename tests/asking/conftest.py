import pytest
import spacy

from ..conftest import SMALL_MODEL, learn_by_heart


@pytest.fixture(scope="session")
def unsure_bytes():
    return learn_by_heart(SMALL_MODEL, n_updates=12).to_bytes()


@pytest.fixture
def unsure(unsure_bytes):
    """A pipeline that has seen too little to be sure of anything. A copy of its own for every test."""
    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    return nlp.from_bytes(unsure_bytes)
