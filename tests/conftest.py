import os
from contextlib import ExitStack
from pathlib import Path

import pytest
import spacy
from browser import chromium
from spacy.training import Example

ROOT = Path(__file__).parent.parent


@pytest.fixture
def corpora() -> Path:
    """The folder of public corpora outside the repository."""
    path = os.environ.get("BIO_NER_CORPORA")
    if not path or not Path(path).is_dir():
        pytest.skip("set BIO_NER_CORPORA to a folder with the corpora bc5cdr, bc5cdr-iob and ncbi-disease-iob")
    return Path(path)


@pytest.fixture(scope="session")
def browser():
    """A real Chromium without a screen."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium())
        except RuntimeError as err:
            pytest.skip(str(err))
        yield browser


TEXTS = [
    ("Amiodarone can cause pulmonary fibrosis .", [(0, 10, "CHEM"), (21, 39, "DIS")]),
    ("Aspirin and warfarin .", [(0, 7, "CHEM"), (12, 20, "CHEM")]),
    ("Fever after penicillin", [(0, 5, "DIS"), (12, 22, "CHEM")]),
    ("Nothing was seen .", []),
    ("Asthma", [(0, 6, "DIS")]),
]


@pytest.fixture
def nlp():
    return spacy.blank("en")


@pytest.fixture
def make_examples():
    def make(nlp):
        return [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]

    return make


@pytest.fixture(scope="session")
def trained_bytes():
    """A pipeline that has learned TEXTS by heart, as bytes, so that every test can change its own copy."""
    from thinc.api import fix_random_seed

    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    return nlp.to_bytes()


@pytest.fixture
def trained(trained_bytes):
    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    return nlp.from_bytes(trained_bytes)


SMALL_MODEL = {
    "@architectures": "spacy_bio_ner.BioTagger.v1",
    "tok2vec": {
        "@architectures": "spacy.Tok2Vec.v2",
        "embed": {
            "@architectures": "spacy_bio_ner.SubwordEmbed.v1",
            "width": 32,
            "rows": 200,
            "table_width": 16,
            "prefixes": [1, 2],
            "suffixes": [2, 3],
        },
        "encode": {"@architectures": "spacy_bio_ner.BiLSTMEncoder.v1", "width": 32, "depth": 1},
    },
}
