import unicodedata

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_bio_ner.callbacks import split_punctuation


@pytest.fixture(scope="module")
def nlp():
    nlp = spacy.blank("en")
    split_punctuation(nlp)
    return nlp


def is_mark(char):
    return unicodedata.category(char)[0] in "PS"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.text(alphabet="aB1 .-'/()é\n", max_size=20))
def test_text_survives_and_marks_stand_alone(nlp, text):
    doc = nlp.make_doc(text)
    assert doc.text == text
    for token in doc:
        assert len(token) == 1 or not any(is_mark(char) for char in token.text)


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("don't", "don ' t"),
        ("5-FU/MTX (1.5 mg)", "5 - FU / MTX ( 1 . 5 mg )"),
        ("U.S.A., e.g.", "U . S . A . , e . g ."),
        ("http://a.b", "http : / / a . b"),
        ("a_b >= 3%", "a _ b > = 3 %"),
        ("हिन्दी naïve", "हिन्दी naïve"),
    ],
)
def test_examples(nlp, text, tokens):
    assert " ".join(token.text for token in nlp.make_doc(text)) == tokens


def test_saved_with_the_pipeline(nlp, tmp_path):
    text = "Parkinson's disease (PD), 1.5 mg/kg; don't"
    expected = [token.text for token in nlp(text)]
    nlp.to_disk(tmp_path)
    assert [token.text for token in spacy.load(tmp_path)(text)] == expected
    assert [token.text for token in spacy.blank("en").from_bytes(nlp.to_bytes())(text)] == expected


def test_registered_as_callback(nlp):
    create = spacy.registry.callbacks.get("spacy_bio_ner.split_punctuation.v1")
    assert create() is split_punctuation


def test_another_tokenizer_is_refused():
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: spacy.tokens.Doc(nlp.vocab, words=text.split())
    with pytest.raises(ValueError, match="function: take the callback out"):
        split_punctuation(nlp)


def test_public_corpus_is_tokenized_as_published(corpora, nlp):
    """The tokens of the raw text are those of the corpus in BIO, but for what its own tokenizer did to them."""
    published = [
        line.split("\t")[0]
        for line in (corpora / "bc5cdr-iob" / "train.tsv").read_text(encoding="utf8").splitlines()
        if line.strip()
    ]
    texts = []
    for line in (corpora / "bc5cdr" / "CDR_TrainingSet.PubTator.txt").read_text(encoding="utf8").splitlines():
        parts = line.split("|", 2)
        if len(parts) == 3 and parts[1] in "ta":
            texts.append(parts[2])
    tokens = [token.text for text in texts for token in nlp.make_doc(text) if not token.is_space]
    assert abs(len(tokens) - len(published)) / len(published) < 0.001
