import pytest
import spacy

from spacy_bio_ner.corpora import convert as convert_module
from spacy_bio_ner.tokenizer import tokenizer_of_language


@pytest.fixture
def one_tokenizer(monkeypatch):
    """For many small conversions: to make a tokenizer for each takes longer than all the rest."""
    nlp = spacy.blank("en")
    nlp.tokenizer = tokenizer_of_language(nlp)
    monkeypatch.setattr(convert_module.spacy, "blank", lambda lang: nlp)
    monkeypatch.setattr(convert_module, "tokenizer_of_language", lambda nlp: nlp.tokenizer)
