"""Run spaCy's own tests of named entity recognition with bio_ner in the place of ner. The factory is replaced at run
time, and the tests are those of the installed spaCy.

    python experiments/spacy_tests.py [tests of pytest, by default those that use ner]
"""

import dataclasses
import sys
from importlib import resources
from typing import List

import pytest
from spacy.language import Language
from spacy.util import registry

from spacy_bio_ner.component import make_bio_ner

# Those that use the factory `ner`, or its class.
TESTS = [
    "doc/test_add_entities.py",
    "parser/test_add_label.py",
    "parser/test_ner.py",
    "pipeline/test_entity_ruler.py",
    "pipeline/test_pipe_factories.py",
    "pipeline/test_pipe_methods.py",
    "pipeline/test_tok2vec.py",
    "serialize/test_serialize_config.py",
    "serialize/test_serialize_language.py",
    "serialize/test_serialize_pipeline.py",
    "training/test_logger.py",
    "training/test_rehearse.py",
    "training/test_training.py",
    "vocab_vectors/test_vectors.py",
]


class BioNerAsNer:
    """Registers the factory under the name of spaCy's, as Language.factory does where a name is free."""

    def pytest_sessionstart(self) -> None:
        Language()  # loads all factories, so that ours is the last
        meta = Language.get_factory_meta("bio_ner")
        registry.factories.register("ner", func=make_bio_ner)
        Language.set_factory_meta("ner", dataclasses.replace(meta, factory="ner"))

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "issue: of spaCy")


def main(tests: List[str]) -> int:
    """RETURNS (int): pytest's exit status."""
    folder = resources.files("spacy") / "tests"
    paths = tests or [str(folder / test) for test in TESTS]
    options = [
        "-c",
        "/dev/null",
        "--rootdir",
        str(folder),
        "-q",
        "-rf",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    return int(pytest.main([*options, *paths], plugins=[BioNerAsNer()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
