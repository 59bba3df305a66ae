"""More than one component that sets entities, and Docs that are processed, cut, joined and saved again."""

import inspect

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_bio_ner.component import BioEntityRecognizer
from spacy_bio_ner.confidence import read_scored

from .conftest import TEXTS


def confidences(doc):
    return {(ent.text, ent.label_): ent._.confidence for ent in doc.ents}


def add_second(nlp, name="second"):
    """The same component once more, under another name."""
    component = nlp.create_pipe("bio_ner", name, config={"model": nlp.config["components"]["bio_ner"]["model"]})
    component.from_bytes(nlp.get_pipe("bio_ner").to_bytes())
    nlp.add_pipe("bio_ner", name=name, config={"model": nlp.config["components"]["bio_ner"]["model"]})
    second = nlp.get_pipe(name)
    for label in nlp.get_pipe("bio_ner").labels:
        second.add_label(label)
    second.model.from_bytes(nlp.get_pipe("bio_ner").model.to_bytes())
    return second


def test_two_components_keep_their_own_probabilities(trained):
    text = "Fever after penicillin"
    alone = confidences(trained(text))
    first, second = trained.get_pipe("bio_ner"), add_second(trained)
    assert second.spans_key == "second"
    first.cfg["threshold"] = {"DIS": 1.0}  # the first finds the chemical, and leaves the disease to the second
    doc = trained(text)
    found = confidences(doc)
    assert found.keys() == alone.keys()
    assert found["penicillin", "CHEM"] == pytest.approx(alone["penicillin", "CHEM"]) != 1.0
    # Given the chemical, the disease is about as probable as before, and no certainty.
    assert found["Fever", "DIS"] == pytest.approx(alone["Fever", "DIS"], abs=0.02) and found["Fever", "DIS"] != 1.0
    assert [row.label for row in read_scored(doc, "bio_ner")] == ["CHEM"]
    assert [row.label for row in read_scored(doc, "second")] == ["DIS"]
    # In another order too, and with all that is found by one already.
    first.cfg["threshold"] = 0.0
    assert confidences(trained(text)) == pytest.approx(alone)


def test_components_taken_from_other_pipelines_do_not_undo_each_other(trained, tmp_path):
    """Each was trained alone, as "bio_ner", and knows one label."""
    text, alone = "Fever after penicillin", confidences(trained("Fever after penicillin"))
    trained.get_pipe("bio_ner").cfg["threshold"] = {"CHEM": 0.0, "DIS": 1.0}
    trained.to_disk(tmp_path / "chemicals")
    trained.get_pipe("bio_ner").cfg["threshold"] = {"CHEM": 1.0, "DIS": 0.0}
    trained.to_disk(tmp_path / "diseases")
    nlp = spacy.load(tmp_path / "chemicals")
    nlp.add_pipe("bio_ner", name="diseases", source=spacy.load(tmp_path / "diseases"))
    nlp.to_disk(tmp_path / "both")
    for both in (nlp, spacy.load(tmp_path / "both")):
        found = confidences(both(text))
        assert found.keys() == alone.keys()
        assert found["penicillin", "CHEM"] == pytest.approx(alone["penicillin", "CHEM"])


@pytest.mark.parametrize("candidate_threshold", [None, 0.001])
def test_a_second_pass_decides_anew(trained, candidate_threshold):
    component = trained.get_pipe("bio_ner")
    component.cfg["candidate_threshold"] = candidate_threshold
    once = trained("Aspirin and warfarin .")
    expected, rows = confidences(once), read_scored(once, "bio_ner")
    assert all(value < 1 for value in expected.values())
    twice = trained(once)
    assert confidences(twice) == expected and read_scored(twice, "bio_ner") == rows
    component.cfg["threshold"] = 1.0  # what was found before is no preset
    assert confidences(trained(twice)) == {}
    assert once.user_data == {}


def test_what_a_person_sets_after_a_pass_is_kept(trained):
    doc = trained("Aspirin and warfarin .")
    doc.set_ents([*doc.ents, Span(doc, 1, 2, label="WORD")])
    found = confidences(trained(doc))
    assert found["and", "WORD"] == 1.0 and found["Aspirin", "CHEM"] < 1.0


def test_presets_of_rules_have_one(trained):
    ruler = trained.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "CHEM", "pattern": "Aspirin"}])
    found = confidences(trained("Aspirin and warfarin ."))
    assert found["Aspirin", "CHEM"] == 1.0 and found["warfarin", "CHEM"] < 1.0


def test_merged_entities_keep_their_confidence(trained):
    text = "Amiodarone can cause pulmonary fibrosis . Fever after penicillin"
    expected = confidences(trained(text))
    trained.add_pipe("merge_entities")
    doc = trained(text)
    assert ("pulmonary fibrosis", "DIS") in expected and len(doc) == len(trained.make_doc(text)) - 1
    assert confidences(doc) == expected
    [copy] = DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(spacy.blank("en").vocab)
    assert confidences(copy) == expected


def test_retokenized_words_do_not_take_over_a_confidence(trained):
    doc = trained("Amiodarone can cause pulmonary fibrosis .")
    expected = confidences(doc)
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])
    assert confidences(doc) == {key: expected.get(key) for key in confidences(doc)}
    assert doc.ents[-1].text == "pulmonary fibrosis" and doc.ents[-1]._.confidence is not None


def test_joined_docs_keep_their_confidences(trained):
    docs = [trained(text) for text, _ in TEXTS]
    joined = Doc.from_docs(docs)
    assert len(joined.ents) == sum(len(doc.ents) for doc in docs)
    values = [ent._.confidence for doc in docs for ent in doc.ents]
    assert [ent._.confidence for ent in joined.ents] == values


def test_a_part_keeps_its_confidences(trained):
    doc = trained("Fever after penicillin")
    part = doc[2:].as_doc(copy_user_data=True)
    assert confidences(part) == {("penicillin", "CHEM"): doc.ents[1]._.confidence}


def test_json_takes_confidences_along(trained):
    doc = trained("Fever after penicillin")
    copy = Doc(trained.vocab).from_json(doc.to_json(underscore=["confidence"]))
    assert confidences(copy) == confidences(doc)


def test_reading_a_confidence_does_not_look_at_all_entities(trained, monkeypatch):
    """It is a lookup: what is read for one entity does not grow with their number."""
    doc = trained("Fever after penicillin . " * 500)
    assert len(doc.ents) > 500
    from spacy_bio_ner import confidence

    monkeypatch.setattr(confidence, "_scored", None)  # the only way through all of them
    assert None not in [ent._.confidence for ent in doc.ents]
    doc.user_data.clear()  # as DocBin leaves them
    assert None not in [ent._.confidence for ent in doc.ents]


def test_confidence_can_be_written(trained):
    doc = trained.make_doc("Fever after penicillin")
    span = Span(doc, 0, 1, label="DIS")
    span._.confidence = 0.7
    assert span._.confidence == 0.7 and Span(doc, 0, 1, label="CHEM")._.confidence is None


def test_settings_and_labels_survive_sourcing_and_replaced_listeners(trained, tmp_path):
    component = trained.get_pipe("bio_ner")
    component.cfg.update(threshold={"DIS": 0.25}, temperature=2.0)
    target = spacy.blank("en")
    target.add_pipe("bio_ner", source=trained, name="recognizer")
    assert target.get_pipe("recognizer").cfg["threshold"] == {"DIS": 0.25}
    target.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model").get_pipe("recognizer")
    assert loaded.cfg["threshold"] == {"DIS": 0.25} and loaded.cfg["temperature"] == 2.0
    assert loaded.labels == component.labels


def test_examples_of_evaluation_are_not_changed(trained):
    """spaCy's evaluation predicts on examples: a second one finds the same."""
    examples = [Example.from_dict(trained.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    assert trained.evaluate(examples)["ents_f"] == trained.evaluate(examples)["ents_f"] == 1.0


def test_weights_that_can_only_be_read(trained, tmp_path):
    """joblib hands large arrays to its workers as memory maps."""
    joblib = pytest.importorskip("joblib")
    trained.update([Example.from_dict(trained.make_doc("Asthma"), {"entities": [(0, 6, "DIS")]})])  # leaves gradients
    component = trained.get_pipe("bio_ner")
    joblib.dump(component.model, tmp_path / "model")
    mapped = joblib.load(tmp_path / "model", mmap_mode="r")
    assert not all(node.get_param(name).flags.writeable for node in mapped.walk() for name in node.param_names)
    joblib.dump(component, tmp_path / "component")
    copy = joblib.load(tmp_path / "component", mmap_mode="r")
    texts = [text for text, _ in TEXTS]
    assert [confidences(copy(trained.make_doc(text))) for text in texts] == [
        pytest.approx(confidences(trained(text))) for text in texts
    ]
    examples = [Example.from_dict(trained.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    before = copy.model.get_ref("emission").get_param("W").copy()
    copy.update(examples, sgd=Adam(0.01))
    assert (copy.model.get_ref("emission").get_param("W") != before).any()


def test_docs_of_another_pipeline(trained):
    """Other libraries run a component on Docs that they have made."""
    other = spacy.blank("en")
    doc = trained.get_pipe("bio_ner")(other.make_doc("Fever after penicillin"))
    assert confidences(doc) == pytest.approx(confidences(trained("Fever after penicillin")))
    docs = [other.make_doc("Asthma"), trained.make_doc("Aspirin and warfarin .")]
    assert [[ent.label_ for ent in doc.ents] for doc in trained.get_pipe("bio_ner").pipe(docs)] == [
        ["DIS"],
        ["CHEM", "CHEM"],
    ]


def test_the_factory_says_what_it_returns():
    """edsnlp refuses a factory whose annotation is a string."""
    from spacy_bio_ner.component import make_bio_ner

    annotation = inspect.signature(make_bio_ner).return_annotation
    assert isinstance(annotation, type) and issubclass(BioEntityRecognizer, annotation)
