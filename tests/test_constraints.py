"""What annotation says of the tags: missing, rejected and partly annotated spans, in training and at prediction."""

import numpy
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus, Example
from thinc.api import fix_random_seed

from spacy_bio_ner.constraints import gold_constraints, preset_constraints

from .conftest import SMALL_MODEL, TEXTS
from .crf.enumeration import enumerate_sequences, enumerate_spans

LABELS = ["CHEM", "DIS"]
KEY = "incorrect"


def make_doc(nlp, words, ents=(), rejected=(), **how):
    doc = Doc(nlp.vocab, words=words)
    doc.set_ents([Span(doc, *ent) for ent in ents], **how)
    doc.spans[KEY] = [Span(doc, *span) for span in rejected]
    return doc


def example(nlp, reference, words=None):
    return Example(Doc(nlp.vocab, words=words or [token.text for token in reference]), reference)


def rejecting(nlp):
    nlp.get_pipe("bio_ner").cfg["incorrect_spans_key"] = KEY
    return nlp.get_pipe("bio_ner")


@given(st.integers(0, 10**6))
def test_loss_equals_enumeration_of_all_that_agrees(seed):
    """Entities, missing tokens, rejected spans and labels that a Doc is not annotated for, all at once."""
    rng = numpy.random.default_rng(seed)
    nlp = spacy.blank("en")
    component = nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL, "incorrect_spans_key": KEY})
    for label in LABELS:
        component.add_label(label)
    words = [str(rng.choice(["Aspirin", "fever", "of"])) for _ in range(4)]
    spans = [(s, e, label) for s in range(4) for e in range(s + 1, 5) for label in LABELS]
    ents = [spans[rng.integers(len(spans))]] if rng.random() < 0.5 else []
    rejected = [span for span in spans if rng.random() < 0.25 and span not in ents]
    missing = [i for i in range(4) if rng.random() < 0.3 and not any(s <= i < e for s, e, _ in ents)]
    doc = make_doc(nlp, words, ents, rejected)
    doc.set_ents([], missing=[doc[i : i + 1] for i in missing], default="unmodified")
    known = LABELS
    if rng.random() < 0.5 and not ents:
        known = [LABELS[rng.integers(2)]]
        doc.user_data["bio_ner"] = {"labels": known}
    component.model.initialize(X=[doc])
    eg = example(nlp, doc)
    scores = component.model.predict([eg.predicted])

    def agrees(tags):
        found = [(s, e, LABELS[label]) for s, e, label in spans_of(tags)]
        for span in found:
            if span in rejected:
                return False
        for s, e, label in ents:
            if (s, e, label) not in found:
                return False
        for s, e, label in found:
            if (s, e, label) in ents or label not in known:
                continue
            if any(i not in missing for i in range(s, e)):
                return False
        return True

    from .crf.enumeration import spans_of

    [(sequences, all_scores)] = enumerate_sequences(scores)
    compatible = [score for tags, score in zip(sequences, all_scores) if score > -numpy.inf and agrees(tags)]
    expected = numpy.logaddexp.reduce(all_scores) - numpy.logaddexp.reduce(compatible)
    loss, _ = component.get_loss([eg], scores)
    assert loss == pytest.approx(expected, abs=1e-5)


def test_a_span_that_is_an_entity_and_none_is_refused(trained):
    component = rejecting(trained)
    reference = make_doc(trained, ["Aspirin", "helps"], [(0, 1, "CHEM")], [(0, 1, "CHEM")])
    eg = example(trained, reference)
    with pytest.raises(ValueError, match=r"'Aspirin' \(characters 0 to 7\) is an entity with the label 'CHEM'"):
        component.get_loss([eg], component.model.predict([eg.predicted]))


def test_rejected_spans_reach_other_tokens_by_alignment(nlp):
    reference = make_doc(nlp, ["Asp", "irin", "helps"], rejected=[(0, 2, "CHEM"), (2, 3, "DIS"), (0, 1, "CHEM")])
    reference = Doc(nlp.vocab, words=["Asp", "irin", "helps"], spaces=[False, True, False])
    reference.spans[KEY] = [Span(reference, 0, 2, "CHEM"), Span(reference, 2, 3, "DIS"), Span(reference, 0, 1, "CHEM")]
    found = gold_constraints([example(nlp, reference, ["Aspirin", "helps"])], LABELS, KEY)
    assert found.rejected == [(0, 1, 0), (1, 2, 1)]


def test_rejected_spans_of_other_labels_and_other_keys_are_left_alone(nlp):
    reference = make_doc(nlp, ["Aspirin", "helps"], rejected=[(0, 1, "OTHER")])
    assert gold_constraints([example(nlp, reference)], LABELS, KEY).rejected == []
    assert gold_constraints([example(nlp, reference)], LABELS, None).rejected == []


@pytest.mark.parametrize(
    "rejected, found",
    [
        ([(0, 1, "CHEM")], lambda names: "Aspirin CHEM" not in names),  # one label of a span
        ([(0, 1, "CHEM"), (0, 1, "DIS")], lambda names: not {"Aspirin CHEM", "Aspirin DIS"} & set(names)),
        ([], lambda names: "Aspirin CHEM" in names),
    ],
)
def test_spans_that_are_known_to_be_none_are_not_found(trained, rejected, found):
    component = rejecting(trained)
    for candidate_threshold in (None, 1e-6):
        component.cfg["candidate_threshold"] = candidate_threshold
        doc = make_doc(trained, ["Aspirin", "and", "warfarin", "."], rejected=rejected)
        doc.set_ents([], default="missing")
        doc = component(doc)
        assert found([f"{ent.text} {ent.label_}" for ent in doc.ents])
        written = {(span.start, span.end, span.label_) for span in doc.spans["bio_ner"]}
        assert not written & set(rejected)


def test_probabilities_are_given_the_rejections(trained):
    component = rejecting(trained)
    component.cfg["candidate_threshold"] = 1e-6
    words, rejected = ["Aspirin", "and", "warfarin"], [(0, 1, "CHEM"), (2, 3, "CHEM"), (0, 3, "DIS")]
    doc = make_doc(trained, words, rejected=rejected)
    doc = component(doc)
    labels = list(component.labels)
    indices = [(s, e, labels.index(label)) for s, e, label in rejected]
    scores = component.model.predict([Doc(trained.vocab, words=words)])
    expected = enumerate_spans(scores, rejected=indices)
    assert len(doc.spans["bio_ner"]) > 3
    for span in doc.spans["bio_ner"]:
        key = (span.start, span.end, labels.index(span.label_))
        assert span._.confidence == pytest.approx(expected[key], abs=1e-4)
    [analyses] = component.k_best([make_doc(trained, words, rejected=rejected)], 10)
    assert not any((ent.start, ent.end, ent.label_) in rejected for ents, _ in analyses for ent in ents)


def test_an_entity_that_is_set_counts_more_than_its_rejection(trained):
    component = rejecting(trained)
    doc = make_doc(trained, ["Aspirin", "helps"], [(0, 1, "CHEM")], [(0, 1, "CHEM")], default="missing")
    assert [(ent.text, ent.label_) for ent in component(doc).ents][0] == ("Aspirin", "CHEM")


@pytest.mark.parametrize("labels", [["CHEM"], LABELS], ids=["one label of a span", "all labels of a span"])
def test_it_learns_from_rejections_alone(trained, labels):
    """A no to an entity that the model is sure of, and nothing else."""
    component = rejecting(trained)
    rejected = [(0, 1, label) for label in labels]
    reference = make_doc(trained, ["Aspirin", "and", "warfarin", "."], rejected=rejected, default="missing")
    before = component(make_doc(trained, ["Aspirin", "and", "warfarin", "."], default="missing"))
    assert before.ents[0].text == "Aspirin" and before.ents[0].label_ == "CHEM"
    optimizer = trained.create_optimizer()
    losses = [trained.update([example(trained, reference)], sgd=optimizer)["bio_ner"] for _ in range(40)]
    assert losses[-1] < 0.1 * losses[0]
    after = component(make_doc(trained, ["Aspirin", "and", "warfarin", "."], default="missing"))
    assert not {(ent.start, ent.end, ent.label_) for ent in after.ents} & set(rejected)


def test_labels_that_a_doc_is_not_annotated_for_are_missing(nlp):
    reference = make_doc(nlp, ["Aspirin", "helps", "fever"], [(2, 3, "DIS")])
    reference.user_data["bio_ner"] = {"labels": ["DIS"]}
    allowed, _ = gold_constraints([example(nlp, reference)], LABELS)
    assert allowed.tolist() == [
        [True, True, True, False, False],  # O, or a CHEM
        [True, True, True, False, False],
        [False, False, False, True, False],  # the DIS
    ]


def test_two_corpora_that_know_one_label_each_teach_both(tmp_path):
    """Through DocBin and spaCy's Corpus, as `spacy train` reads them."""
    nlp = spacy.blank("en")
    docs = []
    for label in LABELS:
        for text, ents in TEXTS:
            doc = nlp.make_doc(text)
            doc.ents = [doc.char_span(start, end, name) for start, end, name in ents if name == label]
            doc.user_data["bio_ner"] = {"labels": [label]}
            docs.append(doc)
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "train.spacy")
    fix_random_seed(0)
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    corpus = Corpus(tmp_path / "train.spacy")
    optimizer = nlp.initialize(lambda: corpus(nlp))
    examples = list(corpus(nlp))
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    for text, ents in TEXTS:
        assert [(ent.start_char, ent.end_char, ent.label_) for ent in nlp(text).ents] == ents


@pytest.mark.parametrize("ent, trimmed", [((0, 2), (1, 2)), ((1, 3), (1, 2)), ((0, 4), (1, 4)), ((0, 1), None)])
def test_entities_edged_by_white_space_are_learned_without_it(nlp, ent, trimmed):
    words = ["\n", "Aspirin", "  ", "helps"]
    reference, expected = (Doc(nlp.vocab, words=words) for _ in range(2))
    reference.ents = [Span(reference, *ent, label="CHEM")]
    expected.ents = [Span(expected, *trimmed, label="CHEM")] if trimmed else []
    with pytest.warns(UserWarning, match="starts or ends with white space"):
        found = gold_constraints([example(nlp, reference)], LABELS)
    assert (found.allowed == gold_constraints([example(nlp, expected)], LABELS).allowed).all()


def test_presets_of_docs_in_a_batch_do_not_mix(nlp):
    plain, preset = nlp.make_doc("Aspirin helps"), nlp.make_doc("Fever")
    preset.set_ents([Span(preset, 0, 1, "DIS")])
    preset.spans[KEY] = [Span(preset, 0, 1, "CHEM")]
    allowed, rejected = preset_constraints([plain, preset], LABELS, "bio_ner", KEY)
    first = [True, True, False, True, False]  # nothing goes on where a sentence starts
    assert allowed.tolist() == [first, [True] * 5, [False, False, False, True, False]]
    assert rejected == [(2, 3, 0)]
