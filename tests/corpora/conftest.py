import pytest
import spacy

from spacy_bio_ner.callbacks import split_punctuation
from spacy_bio_ner.corpora import convert as convert_module


@pytest.fixture
def one_tokenizer(monkeypatch):
    """For many small conversions: to make a tokenizer for each takes longer than all the rest."""
    nlp = spacy.blank("en")
    split_punctuation(nlp)
    monkeypatch.setattr(convert_module.spacy, "blank", lambda lang: nlp)
    monkeypatch.setattr(convert_module, "split_punctuation", lambda nlp: None)
