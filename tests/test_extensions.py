"""Attributes of spans that other libraries may want too: nobody loses what they have registered or written."""

import pickle
import subprocess
import warnings

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.underscore import Underscore

from spacy_bio_ner.confidence import read_alternatives, read_confidence, register_extensions
from spacy_bio_ner.thresholds import entities_at
from spacy_bio_ner.views import to_json

TEXT = "Fever after penicillin"


@pytest.fixture
def fresh(monkeypatch):
    """As in a process where nobody has registered anything."""
    monkeypatch.setattr(Underscore, "span_extensions", {})


def test_an_import_registers_nothing(light_python):
    """Neither spaCy's, which loads every factory that is installed, nor one of ours."""
    code = (
        "import spacy; from spacy.tokens import Span; nlp = spacy.blank('en');"
        "import spacy_bio_ner.component, spacy_bio_ner.thresholds, spacy_bio_ner.views;"
        "assert not Span.has_extension('confidence') and not Span.has_extension('alternatives');"
        "Span.set_extension('confidence', default=None); s = nlp('a b')[0:1]; s._.confidence = 0.7;"
        "assert s._.confidence == 0.7;"
    )
    subprocess.run([light_python, "-c", code], check=True)


def test_what_another_library_has_is_left_alone(fresh, trained):
    """It was first: its values stay, and ours are read with functions."""
    expected = [read_confidence(ent) for ent in trained(TEXT).ents]
    assert None not in expected
    Underscore.span_extensions.clear()
    Span.set_extension("confidence", default=None)
    Span.set_extension("alternatives", getter=lambda span: "theirs")
    with pytest.warns(UserWarning, match="Call spacy_bio_ner.confidence.read_confidence"):
        nlp = pickle.loads(pickle.dumps(trained))
    doc = nlp(TEXT)
    assert [read_confidence(ent) for ent in doc.ents] == pytest.approx(expected)
    assert [ent._.confidence for ent in doc.ents] == [None, None] and doc.user_data == {}
    doc.ents[0]._.confidence = 0.7
    assert (doc.ents[0]._.confidence, doc.ents[0]._.alternatives) == (0.7, "theirs")
    assert read_confidence(doc.ents[0]) == pytest.approx(expected[0])
    doc = nlp(doc)
    assert doc.ents[0]._.confidence == 0.7
    assert read_alternatives(doc.ents[0])[0].probability < 0.5
    assert [row["probability"] for row in to_json(doc)["ents"]] == pytest.approx(expected)


def test_another_library_that_asks_first_can_write(fresh, trained):
    """The component was first, and its attribute does what the other library expects of its own."""
    register_extensions()
    for name in ("confidence", "alternatives"):
        if not Span.has_extension(name):
            Span.set_extension(name, default=None)
    doc = trained.make_doc(TEXT)
    span = doc[0:1]
    span._.confidence, span._.alternatives = 0.7, ["Chill"]
    assert (doc[0:1]._.confidence, doc[0:1]._.alternatives) == (0.7, ["Chill"])
    doc.ents = [Span(doc, 0, 1, label="SYMPTOM")]  # a label comes later
    assert (doc.ents[0]._.confidence, doc.ents[0]._.alternatives) == (0.7, ["Chill"])
    doc.ents[0]._.confidence = 0.2
    assert doc.ents[0]._.confidence == 0.2
    found = trained(trained.make_doc(TEXT)).ents
    assert 0.5 < found[0]._.confidence < 1 and found[0]._.alternatives[0].span is None


def test_values_that_another_library_has_saved(fresh, trained):
    Underscore.span_extensions.clear()
    Span.set_extension("confidence", default=None)
    doc = trained.make_doc(TEXT)
    doc[0:1]._.confidence = 0.7
    data = doc.to_bytes()
    Underscore.span_extensions.clear()
    register_extensions()
    doc = Doc(trained.vocab).from_bytes(data)
    assert doc[0:1]._.confidence == 0.7
    doc[0:1]._.confidence = 0.8
    assert doc[0:1]._.confidence == 0.8


def test_docs_can_be_read_where_no_component_is_made(fresh, trained):
    doc = trained(TEXT)
    expected = [ent._.confidence for ent in doc.ents]
    data = DocBin(docs=[doc]).to_bytes()
    Underscore.span_extensions.clear()
    [copy] = DocBin().from_bytes(data).get_docs(spacy.blank("en").vocab)
    assert [read_confidence(ent) for ent in entities_at(copy, 0.0)] == expected
    with pytest.raises(AttributeError):
        copy.ents[0]._.confidence
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_extensions()
        register_extensions()
    assert [ent._.confidence for ent in copy.ents] == expected


def test_a_component_registers_however_it_is_made(fresh, nlp):
    component = nlp.add_pipe("bio_ner")
    assert Span.has_extension("confidence") and Span.has_extension("alternatives")
    data = pickle.dumps(component)
    Underscore.span_extensions.clear()
    pickle.loads(data)
    assert Span.has_extension("confidence") and Span.has_extension("alternatives")
