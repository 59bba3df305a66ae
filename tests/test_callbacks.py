"""What configs call before training, as `spacy train` shows it."""

import logging

import numpy
import pytest
import spacy
from spacy.cli import app
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import registry
from thinc.api import ConfigValidationError
from typer.testing import CliRunner

from spacy_bio_ner.callbacks import SAMPLE, check_corpora, split_punctuation
from spacy_bio_ner.corpora import docbin
from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.distillation import Posterior, write_posterior

from .conftest import ROOT

CONFIG = str(ROOT / "configs" / "lstm.cfg")


@pytest.fixture
def corpus(tmp_path):
    """Write a corpus of one-word Docs with the labels given, None for no entity; return its path."""

    def write(name, *labels):
        vocab = spacy.blank("en").vocab
        docs = [Doc(vocab, words=["word"], ents=[f"B-{label}" if label else "O"]) for label in labels]
        DocBin(docs=docs).to_disk(tmp_path / f"{name}.spacy")
        return str(tmp_path / f"{name}.spacy")

    return write


@pytest.fixture
def nlp_for(corpus):
    def make(train, dev, **paths):
        paths = {"train": corpus("train", *train), "dev": corpus("dev", *dev), **paths}
        config = spacy.util.load_config(CONFIG, overrides={f"paths.{name}": path for name, path in paths.items()})
        return spacy.util.load_model_from_config(config)

    return make


@pytest.mark.parametrize(
    "train, dev, message",
    [
        ([None], ["DIS"], "corpora.train has no entity to learn from"),
        (["DIS"], [None], "corpora.dev has no entity to choose the best model by"),
        (["DIS"], [], "corpora.dev has no entity to choose the best model by"),
    ],
)
def test_training_on_nothing_ends_with_a_line_and_no_traceback(corpus, train, dev, message):
    options = ("--paths.train", corpus("train", *train), "--paths.dev", corpus("dev", *dev))
    result = CliRunner().invoke(app, ["train", CONFIG, *options])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert message in result.output and "Training pipeline" not in result.output


@pytest.mark.parametrize("damage", ["shard gone", "another file"])
def test_a_damaged_corpus_ends_training_with_a_line(tmp_path, monkeypatch, damage):
    """spaCy's reader takes the shards that are there."""
    monkeypatch.setattr(docbin, "SHARD_SIZE", 1)
    for split, n in (("train", 2), ("dev", 1)):
        (tmp_path / f"{split}.iob").write_text("Fever B-DIS\n\n" * n)
    convert(tmp_path, tmp_path / "out")
    train, dev = tmp_path / "out" / "train.spacy", tmp_path / "out" / "dev.spacy"
    if damage == "shard gone":
        (train / "00001.spacy").unlink()
    else:
        DocBin(docs=[Doc(spacy.blank("en").vocab, words=["word"], ents=["B-DIS"])]).to_disk(dev)
    result = CliRunner().invoke(app, ["train", CONFIG, "--paths.train", str(train), "--paths.dev", str(dev)])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    name = "train" if damage == "shard gone" else "dev"
    assert f"corpora.{name} cannot be read" in result.output and f"{name}.spacy: is not what" in result.output


def test_labels_that_only_dev_has_are_warned_of(nlp_for, caplog):
    with caplog.at_level(logging.WARNING, logger="spacy"):
        check_corpora(nlp_for(["DIS", None, "CHEM"], ["DIS", "CHEM"]))
        assert not caplog.messages
        check_corpora(nlp_for(["DIS"], ["DIS", "GENE"]))
    assert caplog.messages == ["corpora.train never has the label GENE of corpora.dev: it cannot be learned"]


def test_a_teacher_with_other_labels_is_told_of(nlp_for, corpus, caplog, tmp_path):
    def check(gold, taught):
        """Check a train corpus of gold labels, and a Doc that a teacher with other labels has taught."""
        nlp = nlp_for(gold, ["DIS"])
        docs = list(DocBin().from_disk(tmp_path / "train.spacy").get_docs(nlp.vocab))
        doc = Doc(nlp.vocab, words=["word"])
        size = 1 + 2 * len(taught)
        write_posterior(doc, taught, Posterior(numpy.ones((1, size)) / size, numpy.zeros((size, size))))
        DocBin(docs=[*docs, doc], store_user_data=True).to_disk(tmp_path / "train.spacy")
        with caplog.at_level(logging.WARNING, logger="spacy"):
            caplog.clear()
            check_corpora(nlp)
        return caplog.messages

    assert check(["DIS", "CHEM"], ["CHEM", "DIS"]) == check([], ["DIS"]) == []
    [message] = check(["DIS"], ["DIS", "GENE"])
    assert message == "The label GENE is the teacher's only: the student learns it as no entity"
    [message] = check(["DIS", "CHEM"], ["DIS"])
    assert message == "The teacher has not got the label CHEM: it is learned from gold annotation only"
    with pytest.raises(ConfigValidationError, match="other labels than its teacher"):
        check(["DIS"], ["Disease"])


def test_vectors_that_nothing_reads_are_warned_of(nlp_for, caplog):
    with caplog.at_level(logging.WARNING, logger="spacy"):
        nlp = nlp_for(["DIS"], ["DIS"], vectors="en_vectors")
        check_corpora(nlp)
        [message] = caplog.messages
        assert message.startswith("paths.vectors: no layer of the pipeline reads the vectors of en_vectors")
        nlp.add_pipe("ner", config={"model": {"tok2vec": {"pretrained_vectors": True}}})
        check_corpora(nlp)
    assert len(caplog.messages) == 1


def test_a_pipeline_initialized_from_python_needs_no_corpora(nlp_for, make_examples, tmp_path):
    nlp = spacy.util.load_model_from_config(spacy.util.load_config(CONFIG))
    nlp.initialize(lambda: make_examples(nlp))
    # Nor those that it was once trained on.
    nlp = nlp_for(["DIS"], ["DIS"])
    for path in tmp_path.glob("*.spacy"):
        path.unlink()
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("bio_ner").labels == ("CHEM", "DIS")


def test_train_is_read_no_further_than_needed(nlp_for):
    nlp, read = nlp_for([], ["DIS"]), []

    @registry.readers("test_callbacks.endless.v1")
    def create_endless():
        def endless(nlp):
            while True:
                assert len(read) < 2 + SAMPLE
                read.append(Example(nlp.make_doc("word"), Doc(nlp.vocab, words=["word"], ents=["B-DIS"])))
                yield read[-1]

        return endless

    nlp.config["corpora"]["train"] = {"@readers": "test_callbacks.endless.v1"}
    check_corpora(nlp)
    assert len(read) == SAMPLE + 1


def test_split_punctuation_changes_spacy_s_own_tokenizer_alone():
    nlp = spacy.blank("en")
    registry.callbacks.get("spacy_bio_ner.split_punctuation.v1")()(nlp)
    assert [token.text for token in nlp("don't")] == ["don", "'", "t"]
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=text.split())
    with pytest.raises(ValueError, match="function: take the callback out"):
        split_punctuation(nlp)
