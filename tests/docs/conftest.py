"""A folder such as the pages speak of: a corpus of one's own, a pipeline trained on it, and texts."""

import random
import shutil
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.training import Corpus
from thinc.api import fix_random_seed

from ..conftest import ROOT, SMALL_MODEL, spacy_command

SENTENCE = "Tricuspid valve regurgitation and lithium carbonate toxicity in a newborn infant."
TAGS = "B-DIS I-DIS I-DIS O B-CHEM I-CHEM B-DIS O O O O O".split()
SIZES = {"train": 60, "dev": 20, "test": 20}


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """The folder: assets/mine, corpus/mine, MODEL, texts.txt, and the configs."""
    folder = tmp_path_factory.mktemp("docs")
    source = folder / "assets" / "mine"
    source.mkdir(parents=True)
    own = "\n".join(f"{token}\t{tag}" for token, tag in zip(SENTENCE.replace(".", " .").split(), TAGS))
    for split, size in SIZES.items():
        sentences = (ROOT / "assets" / "medical" / f"{split}.iob").read_text(encoding="utf8").split("\n\n")[:size]
        (source / f"{split}.iob").write_text("\n\n".join([own, *sentences]) + "\n", encoding="utf8")
    spacy_command("bio-ner", "convert", source, folder / "corpus" / "mine")
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_bio_ner.Tokenizer.v1"}}})
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    fix_random_seed(0)
    examples = list(Corpus(folder / "corpus" / "mine" / "train.spacy")(nlp))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        for start in range(0, len(examples), 20):
            nlp.update(examples[start : start + 20], sgd=optimizer)
    assert [(ent.text, ent.label_) for ent in nlp(SENTENCE).ents][0] == ("Tricuspid valve regurgitation", "DIS")
    nlp.to_disk(folder / "MODEL")
    (folder / "texts.txt").write_text(f"{SENTENCE}\nFever after penicillin .\n", encoding="utf8")
    words = sorted({token.text for example in examples for token in example.reference})
    rows = (f"{word} {random.random():.3f} {random.random():.3f}" for word in words)
    (folder / "vectors.txt").write_text("\n".join([f"{len(words)} 2", *rows]) + "\n", encoding="utf8")
    srsly.write_jsonl(folder / "raw.jsonl", ({"text": example.reference.text} for example in examples))
    (folder / "papers").mkdir()
    shutil.copy(folder / "texts.txt", folder / "papers")
    shutil.copytree(ROOT / "configs", folder / "configs")
    return folder


@pytest.fixture
def place(made, tmp_path, monkeypatch) -> Path:
    """A copy of the folder for one page, in which its blocks are run. Training is short there, and texts are annotated
    in this process."""
    from spacy_bio_ner.annotate.engines import processes

    from ..annotate.conftest import Serial

    shutil.copytree(made, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    monkeypatch.setenv("SPACY_CONFIG_OVERRIDES", "--training.max_steps 4 --training.eval_frequency 2")
    return tmp_path / "place"
