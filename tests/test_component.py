import pickle
import subprocess

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

from spacy_bio_ner.component import BioEntityRecognizer

from .conftest import SMALL_MODEL, TEXTS


def found(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def test_factory_needs_no_import(light_python):
    code = (
        # spaCy itself imports torch, and spacy-transformers, where they are installed.
        "import sys, spacy; nlp = spacy.blank('en'); torch = sys.modules.get('torch'); nlp.add_pipe('bio_ner');"
        "assert 'spacy_bio_ner.layers.transformer' not in sys.modules and sys.modules.get('torch') is torch;"
        "assert 'cupy' not in sys.modules"
    )
    subprocess.run([light_python, "-c", code], check=True)


def test_learns_and_survives_serialization(trained, tmp_path):
    for text, ents in TEXTS:
        assert found(trained(text)) == ents
    trained.to_disk(tmp_path)
    for nlp in (spacy.load(tmp_path), pickle.loads(pickle.dumps(trained))):
        for text, ents in TEXTS:
            assert found(nlp(text)) == ents


def test_labels_come_from_the_data_in_a_fixed_order(nlp, make_examples):
    component = nlp.add_pipe("bio_ner")
    nlp.initialize(lambda: make_examples(nlp))
    assert component.labels == component.label_data == ("CHEM", "DIS")


def test_labels_can_be_given(nlp, make_examples):
    component = nlp.add_pipe("bio_ner")
    component.initialize(lambda: make_examples(nlp), nlp=nlp, labels=["DIS", "CHEM", "GENE"])
    assert component.labels == ("DIS", "CHEM", "GENE")


def test_data_without_entities_is_refused(nlp):
    nlp.add_pipe("bio_ner")
    examples = [Example.from_dict(nlp.make_doc("Nothing here"), {"entities": []})]
    with pytest.raises(ValueError, match="'bio_ner' has no labels.*no entities"):
        nlp.initialize(lambda: examples)


def test_an_untrained_pipeline_finds_nothing(nlp, make_examples):
    """As spaCy's ner does: what nobody has taught it would be noise."""
    for seed in range(3):
        fix_random_seed(seed)
        nlp = spacy.blank("en")
        nlp.add_pipe("bio_ner")
        nlp.initialize(lambda: make_examples(nlp))
        assert [found(doc) for doc in nlp.pipe(text for text, _ in TEXTS)] == [[]] * len(TEXTS)


def test_empty_and_one_token_docs(trained):
    assert [found(doc) for doc in trained.pipe(["", "Asthma", "", " "])] == [[], [(0, 6, "DIS")], [], []]
    assert found(trained("")) == []
    optimizer = trained.resume_training()
    empty = Example.from_dict(trained.make_doc(""), {"entities": []})
    trained.update([empty], sgd=optimizer)
    trained.update([empty, Example.from_dict(trained.make_doc("Asthma"), {"entities": [(0, 6, "DIS")]})], sgd=optimizer)


def test_entities_do_not_depend_on_the_batch_or_processes(trained):
    words = " ".join(text for text, _ in TEXTS).split()
    rng = numpy.random.default_rng(0)
    texts = [" ".join(rng.choice(words, size=size)) for size in rng.integers(0, 40, size=60)]
    alone = [found(trained(text)) for text in texts]
    assert any(alone)
    for options in ({"batch_size": 1}, {"batch_size": 7}, {"batch_size": 100}, {"n_process": 2, "batch_size": 16}):
        assert [found(doc) for doc in trained.pipe(texts, **options)] == alone


def test_long_document(trained):
    """Its end is read as its beginning is: nothing is cut off."""
    doc = Doc(trained.vocab, words=["Aspirin", "and", "warfarin", "."] * 10_000)
    doc = trained.get_pipe("bio_ner")(doc)
    per_stretch, _ = numpy.histogram([ent.start for ent in doc.ents], bins=100, range=(0, len(doc)))
    assert per_stretch.min() > 100 and abs(per_stretch[1:-1] - per_stretch.mean()).max() < 0.05 * per_stretch.mean()


def test_preset_entities_stay_and_the_rest_is_decoded_given_them(trained):
    doc = trained.make_doc("Amiodarone can cause pulmonary fibrosis .")
    preset = Span(doc, 3, 4, label="CHEM", kb_id="Q1", span_id="id1")
    doc.set_ents([preset], default="unmodified")
    doc = trained.get_pipe("bio_ner")(doc)
    assert (3, 4, "CHEM") in [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    assert doc[4].ent_iob_ != "I"
    kept = next(ent for ent in doc.ents if ent.start == 3)
    assert (kept.kb_id_, kept.id_) == ("Q1", "id1")
    assert found(doc)[0] == (0, 10, "CHEM")


def test_preset_entities_condition_what_follows(trained):
    """A preset that ends inside what would be an entity is not continued, whatever the scores say."""
    doc = trained.make_doc("Fever after penicillin")
    doc.set_ents([Span(doc, 0, 2, label="DIS")], default="unmodified")
    assert [(e.start, e.end, e.label_) for e in trained.get_pipe("bio_ner")(doc).ents] == [
        (0, 2, "DIS"),
        (2, 3, "CHEM"),
    ]


def test_preset_entity_with_an_unknown_label_stays(trained):
    doc = trained.make_doc("Aspirin and warfarin .")
    doc.set_ents([Span(doc, 0, 2, label="PAIR")], default="unmodified")
    assert found(trained.get_pipe("bio_ner")(doc)) == [(0, 11, "PAIR"), (12, 20, "CHEM")]


def test_blocked_tokens_stay_outside_but_plain_o_is_free(trained):
    doc = trained.make_doc("Aspirin and warfarin .")
    doc.set_ents([], blocked=[doc[0:1]], default="unmodified")
    assert found(trained.get_pipe("bio_ner")(doc)) == [(12, 20, "CHEM")]
    assert doc[0].ent_iob_ == "B" and doc[0].ent_type_ == ""
    doc = trained.make_doc("Aspirin and warfarin .")
    doc.set_ents([])
    assert found(trained.get_pipe("bio_ner")(doc)) == TEXTS[1][1]


def test_entity_ruler_before_the_component(trained):
    ruler = trained.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "WORD", "pattern": "and"}])
    assert found(trained("Aspirin and warfarin .")) == [(0, 7, "CHEM"), (8, 11, "WORD"), (12, 20, "CHEM")]


def test_no_entity_starts_on_space_or_crosses_a_sentence_start(trained):
    component = trained.get_pipe("bio_ner")
    doc = trained.make_doc("Amiodarone can cause pulmonary fibrosis .")
    for token in doc:
        token.is_sent_start = token.i in (0, 4)
    assert all(ent.start != 3 or ent.end == 4 for ent in component(doc).ents)
    spaces = Doc(trained.vocab, words=["Aspirin", "\n", "\n", "warfarin"])
    assert all(not ent[0].is_space for ent in component(spaces).ents)


def test_added_label_is_unseen_until_it_is_trained(trained):
    component = trained.get_pipe("bio_ner")
    optimizer = trained.create_optimizer()
    examples = [Example.from_dict(trained.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    trained.update(examples, sgd=optimizer)
    assert component.add_label("DRUGCLASS") == 1
    assert component.add_label("DRUGCLASS") == 0
    assert [found(trained(text)) for text, _ in TEXTS] == [ents for _, ents in TEXTS]
    examples.append(
        Example.from_dict(trained.make_doc("Statins after penicillin"), {"entities": [(0, 7, "DRUGCLASS")]})
    )
    for _ in range(150):
        trained.update(examples, sgd=optimizer)
    assert found(trained("Statins after penicillin"))[0] == (0, 7, "DRUGCLASS")


def test_missing_annotation_is_not_outside(nlp, make_examples):
    """Trained on docs that annotate only half of the entities and nothing else, it learns the entities."""
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    examples = make_examples(nlp)
    for eg in examples:
        if len(eg.reference.ents) == 2:
            eg.reference.set_ents(eg.reference.ents[:1], default="missing")
    full, partial = make_examples(nlp), examples
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: full)
    for _ in range(80):
        nlp.update(partial, sgd=optimizer)
    doc = nlp("Aspirin after warfarin")
    assert "warfarin" in [ent.text for ent in doc.ents]


def test_loss_and_gradient_are_zero_without_annotation(trained):
    component = trained.get_pipe("bio_ner")
    doc = trained.make_doc("Aspirin and warfarin .")
    scores, _ = component.model.begin_update([doc])
    loss, gradient = component.get_loss([Example(doc, Doc(trained.vocab, words=[t.text for t in doc]))], scores)
    assert loss == pytest.approx(0, abs=1e-6)
    assert abs(gradient.emissions.data).max() < 1e-6


def test_gold_entities_reach_other_tokens_by_alignment(trained):
    """The reference splits what the predicted doc does not: entities are aligned, and those that do not
    align are missing, not outside."""
    component = trained.get_pipe("bio_ner")
    predicted = Doc(trained.vocab, words=["Aspirin", "and", "warfarin."])
    same = Doc(trained.vocab, words=["Asp", "irin", "and", "warfarin."], spaces=[False, True, True, False])
    same.set_ents([Span(same, 0, 2, label="CHEM")])
    plain = Doc(trained.vocab, words=["Aspirin", "and", "warfarin."])
    plain.set_ents([Span(plain, 0, 1, label="CHEM")])
    scores, _ = component.model.begin_update([predicted])
    expected = component.get_loss([Example(predicted, plain)], scores)[0]
    assert component.get_loss([Example(predicted, same)], scores)[0] == pytest.approx(expected)
    split = Doc(trained.vocab, words=["Aspirin", "and", "warfarin", "."], spaces=[True, True, False, False])
    split.set_ents([Span(split, 2, 3, label="CHEM")])
    lost = component.get_loss([Example(predicted, split)], scores)[0]
    plain.set_ents([], missing=[plain[2:3]])
    assert lost == pytest.approx(component.get_loss([Example(predicted, plain)], scores)[0])


def test_whole_gradient_equals_a_directional_derivative(nlp, make_examples):
    component = nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    examples = make_examples(nlp)[:3]
    fix_random_seed(0)
    component.initialize(lambda: examples, nlp=nlp)
    model = component.model
    docs = [eg.predicted for eg in examples]
    rng = numpy.random.default_rng(0)
    for node in model.walk():
        for name in node.param_names:
            if node.has_param(name):
                param = node.get_param(name)
                node.set_param(name, param + rng.normal(0, 0.1, param.shape).astype("float32"))
    scores, backprop = model.begin_update(docs)
    _, gradient = component.get_loss(examples, scores)
    backprop(gradient)
    params = [(node, name) for node in model.walk() for name in node.param_names if node.has_grad(name)]
    assert {node.name for node, _ in params} >= {"bilstm", "crf", "linear", "maxout", "hashembed"}
    gradients = [node.get_grad(name).copy() for node, name in params]
    # Along the gradient itself the slope is its norm.
    norm = numpy.sqrt(sum((g.astype("float64") ** 2).sum() for g in gradients))
    values = [node.get_param(name).copy() for node, name in params]

    def loss_at(step):
        for (node, name), value, g in zip(params, values, gradients):
            node.set_param(name, value + (step / norm * g).astype("float32"))
        return component.get_loss(examples, model.predict(docs))[0]

    slope = (loss_at(2e-3) - loss_at(-2e-3)) / 4e-3
    assert slope == pytest.approx(norm, rel=1e-2)


def test_same_seed_same_weights(make_examples):
    def train():
        fix_random_seed(1)
        nlp = spacy.blank("en")
        nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
        examples = make_examples(nlp)
        optimizer = nlp.initialize(lambda: examples)
        for _ in range(5):
            nlp.update(examples, sgd=optimizer, drop=0.2)
        return nlp.get_pipe("bio_ner").model.to_bytes()

    assert train() == train()


def shared_tok2vec_pipeline():
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": SMALL_MODEL["tok2vec"]})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "tok2vec"}
    nlp.add_pipe("bio_ner", config={"model": {**SMALL_MODEL, "tok2vec": listener}})
    return nlp


def test_shared_tok2vec_listeners_freeze_and_source(make_examples, tmp_path):
    nlp = shared_tok2vec_pipeline()
    examples = make_examples(nlp)
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    expected = [ents for _, ents in TEXTS]
    assert [found(nlp(text)) for text, _ in TEXTS] == expected
    nlp.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    nlp.replace_listeners("tok2vec", "bio_ner", ["model.tok2vec"])
    nlp.remove_pipe("tok2vec")
    assert [found(nlp(text)) for text, _ in TEXTS] == expected
    target = spacy.blank("en")
    target.add_pipe("bio_ner", source=nlp)
    assert [found(target(text)) for text, _ in TEXTS] == expected
    before = target.get_pipe("bio_ner").model.to_bytes()
    target.update(make_examples(target), sgd=Adam(0.1), exclude=["bio_ner"])
    assert target.get_pipe("bio_ner").model.to_bytes() == before


def test_docbin_round_trip_and_scoring(trained):
    docs = list(trained.pipe(text for text, _ in TEXTS))
    back = list(DocBin().from_bytes(DocBin(docs=docs).to_bytes()).get_docs(spacy.blank("en").vocab))
    assert [found(doc) for doc in back] == [ents for _, ents in TEXTS]
    examples = [Example.from_dict(trained.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    scores = trained.evaluate(examples)
    assert scores["ents_f"] == 1.0 and set(scores["ents_per_type"]) == {"DIS", "CHEM"}


def test_component_class_is_what_the_factory_makes(trained):
    assert isinstance(trained.get_pipe("bio_ner"), BioEntityRecognizer)
    assigns = trained.analyze_pipes()["summary"]["bio_ner"]["assigns"]
    assert {"doc.ents", "doc.spans", "span._.confidence"} <= set(assigns)
