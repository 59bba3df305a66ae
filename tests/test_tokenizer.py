import unicodedata

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.util import registry

from spacy_bio_ner.tokenizer import tokenizer_of_language


def pipeline(lang):
    return spacy.blank(lang, config={"nlp": {"tokenizer": {"@tokenizers": "spacy_bio_ner.Tokenizer.v1"}}})


@pytest.fixture(scope="module")
def nlp():
    return pipeline("en")


def is_mark(char):
    return unicodedata.category(char)[0] in "PS"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.text(alphabet="aB1 .-'/()é\n", max_size=20))
def test_text_survives_and_marks_stand_alone(nlp, text):
    doc = nlp.make_doc(text)
    assert doc.text == text
    for token in doc:
        assert len(token) == 1 or not any(is_mark(char) for char in token.text)


@pytest.mark.parametrize(
    "lang, text, tokens",
    [
        ("en", "don't", "don ' t"),
        ("en", "5-FU/MTX (1.5 mg)", "5 - FU / MTX ( 1 . 5 mg )"),
        ("en", "U.S.A., e.g.", "U . S . A . , e . g ."),
        ("en", "http://a.b", "http : / / a . b"),
        ("en", "a_b >= 3%", "a _ b > = 3 %"),
        ("en", "हिन्दी naïve", "हिन्दी naïve"),
        ("es", "¿Vive en Alcalá?", "¿ Vive en Alcalá ?"),
        ("de", "Dr. Müller-Lang", "Dr . Müller - Lang"),
        ("ar", "ذهب محمد، أمس.", "ذهب محمد ، أمس ."),
        ("zh", "王小明住在北京。", "王 小 明 住 在 北 京 。"),
        ("xx", "l'eau", "l ' eau"),
    ],
)
def test_examples(lang, text, tokens):
    assert " ".join(token.text for token in pipeline(lang).make_doc(text)) == tokens


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_saved_with_the_pipeline(lang, tmp_path):
    text = "Parkinson's disease (PD), 1.5 mg/kg; don't 王小明住在北京。"
    nlp = pipeline(lang)
    expected = [token.text for token in nlp(text)]
    nlp.to_disk(tmp_path)
    assert [token.text for token in spacy.load(tmp_path)(text)] == expected
    assert [token.text for token in pipeline(lang).from_bytes(nlp.to_bytes())(text)] == expected
    # The rules are the tokenizer's own, so a pipeline with spaCy's name for it takes them too.
    if lang == "en":
        assert [token.text for token in spacy.blank("en").from_bytes(nlp.to_bytes())(text)] == expected


def test_it_is_found_by_its_name_and_is_the_language_s_own():
    create = registry.tokenizers.get("spacy_bio_ner.Tokenizer.v1")
    for lang in ("en", "zh"):
        nlp = spacy.blank(lang)
        assert type(create()(nlp)) is type(nlp.tokenizer) is type(tokenizer_of_language(nlp))


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
