from functools import lru_cache
from types import SimpleNamespace

import pytest
import spacy

from spacy_bio_ner.corpora import convert as convert_module
from spacy_bio_ner.tokenizer import tokenizer_of_language

split_tokenizer = lru_cache(tokenizer_of_language)


@lru_cache
def language(lang):
    nlp = spacy.blank(lang)
    return nlp, nlp.tokenizer


@pytest.fixture(autouse=True)
def one_tokenizer(monkeypatch):
    """The tokenizers of a language are made once: to make them for each of many small conversions takes longer than all
    the rest."""

    def blank(lang):
        nlp, tokenizer = language(lang)
        nlp.tokenizer = tokenizer  # a conversion sets another
        return nlp

    monkeypatch.setattr(convert_module, "spacy", SimpleNamespace(blank=blank))
    monkeypatch.setattr(convert_module, "tokenizer_of_language", split_tokenizer)
