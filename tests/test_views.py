"""What leaves spaCy: read back by spaCy, by displaCy, and compared with the Doc."""

import json
import re

import pytest
from spacy import displacy
from spacy.tokens import Doc, Span

from spacy_bio_ner.confidence import write_confidences
from spacy_bio_ner.thresholds import entities_at
from spacy_bio_ner.views import label_colors, to_displacy, to_json, to_table


@pytest.fixture
def doc(nlp):
    """An entity with an alternative, one that a rule has set, and one that a threshold has left out."""
    doc = nlp.make_doc("lithium <b>toxicity</b> & fever")
    chem, rule, fever = (
        Span(doc, 0, 1, label="CHEM"),
        Span(doc, 1, 2, label="<i>"),
        Span(doc, len(doc) - 1, len(doc), "DIS"),
    )
    other = Span(doc, 0, 2, label="CHEM")
    doc.ents = [chem, rule]
    write_confidences(doc, "bio_ner", [(chem, 0.6, 0.3, True), (other, 0.1, 0.0, False)], {"CHEM": 0.7}, [(fever, 0.2)])
    return doc  # fmt: skip


def test_json_is_spacys_with_probabilities_and_alternatives(doc, nlp):
    data = json.loads(json.dumps(to_json(doc)))
    assert data["ents"][0] == {
        "start": 0,
        "end": 7,
        "label": "CHEM",
        "probability": 0.6,
        "alternatives": [
            {"start": 0, "end": 7, "label": None, "probability": 0.3},
            {"start": 0, "end": 9, "label": "CHEM", "probability": 0.1},
        ],
    }
    assert (data["ents"][1]["probability"], data["ents"][1]["alternatives"]) == (None, [])
    again = Doc(nlp.vocab).from_json(data)
    assert [(e.start, e.end, e.label_) for e in again.ents] == [(e.start, e.end, e.label_) for e in doc.ents]
    assert (again.text, len(again)) == (doc.text, len(doc))


def test_entities_of_another_threshold(doc):
    found = entities_at(doc, 0.1)
    assert [row["probability"] for row in to_json(doc, found)["ents"]] == [0.6, None, 0.2]
    assert [ent["params"]["label"] for ent in to_displacy(doc, found)["ents"]] == ["CHEM 0.60", "&lt;i&gt;", "DIS 0.20"]


def test_displacy_shows_what_is_doubtful_paler_and_no_markup(doc):
    html = displacy.render(to_displacy(doc, entities_at(doc, 0.1)), style="ent", manual=True, jupyter=False)
    assert html.count("<mark") == 3 and "<b>" not in html and "<i>" not in html
    opacities = [int(color[-2:], 16) for color in re.findall(r"background: (#\w{8})", html)]
    chem, rule, fever = opacities
    assert 0 < fever < chem < rule == 255
    assert re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).count("CHEM 0.60") == 1
    shown = to_displacy(doc, colors={"CHEM": "#000000", "<i>": "#111111"})
    assert [ent["params"]["bg"][:7] for ent in shown["ents"]] == ["#000000", "#111111"]


def test_colors_do_not_depend_on_the_order_and_come_again(doc):
    labels = [f"L{i}" for i in range(10)]
    colors = label_colors(labels)
    assert colors == label_colors(reversed(labels)) and colors["L0"] == colors["L8"] != colors["L1"]


def test_table_has_a_row_for_each_entity(doc, nlp):
    pytest.importorskip("pandas", reason="needs the extra [demo]")
    table = to_table([nlp.make_doc("nothing"), doc])
    first, second = table.to_dict("records")
    assert first == {
        "doc": 1,
        "start": 0,
        "end": 7,
        "text": "lithium",
        "label": "CHEM",
        "probability": 0.6,
        "outside": 0.3,
    }
    assert second["text"] == "<" and table.isna().sum().to_dict()["probability"] == 1
    assert list(to_table([]).columns) == list(table.columns)


def test_of_a_trained_pipeline(trained):
    trained.get_pipe("bio_ner").cfg["candidate_threshold"] = 1e-3
    doc = trained("Fever after penicillin")
    for ent, row in zip(doc.ents, to_json(doc)["ents"]):
        assert row["probability"] == ent._.confidence
        assert [other["probability"] for other in row["alternatives"]] == [
            other.probability for other in ent._.alternatives
        ]
