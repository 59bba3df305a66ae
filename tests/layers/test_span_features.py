"""What an earlier component has found, as a feature of the tokens."""

import numpy
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import fix_random_seed, set_dropout_rate

from spacy_bio_ner.layers.span_features import SpanFeatures
from spacy_bio_ner.layers.words import TokenVectors

from ..conftest import SMALL_MODEL, TEXTS, small_transformer

LABELS = ["CHEM", "DIS"]
# For each token the spans that say something of it.
SPANS = [(0, 1, "CHEM"), (1, 4, "DIS"), (3, 5, "CHEM"), (2, 3, "UNKNOWN"), (1, 4, "DIS")]
EXPECTED = [["CHEM single"], ["DIS first"], ["DIS inside"], ["DIS last", "CHEM first"], ["CHEM last"], []]
PLACES = ["single", "first", "last", "inside"]


def embedding(name="subword"):
    from spacy import registry

    return registry.resolve({"embed": SMALL_MODEL["tok2vec"]["embed"]})["embed"]


def with_spans(vocab, words, spans, key="rules"):
    doc = Doc(vocab, words=words)
    doc.spans[key] = [Span(doc, start, end, label=label) for start, end, label in spans]
    return doc


@pytest.fixture
def docs(nlp):
    words = "a b a b a b".split()
    return [with_spans(nlp.vocab, words, SPANS), with_spans(nlp.vocab, words[:2], []), Doc(nlp.vocab)]


@pytest.fixture
def layer(docs):
    fix_random_seed(0)
    layer = SpanFeatures(embedding(), "rules", LABELS)
    layer.initialize(X=docs[:1])
    return layer


@pytest.mark.parametrize("is_train", [False, True])
def test_what_is_added_to_each_token(layer, docs, is_train):
    E = layer.get_param("E")
    row = {f"{label} {place}": E[4 * i + j] for i, label in enumerate(LABELS) for j, place in enumerate(PLACES)}
    plain, _ = layer.layers[0](docs, is_train)
    added, _ = layer(docs, is_train)
    assert [array.shape for array in added] == [(6, 32), (2, 32), (0, 32)]
    for i, names in enumerate(EXPECTED):
        expected = plain[0][i] + sum((row[name] for name in names), numpy.zeros(32))
        numpy.testing.assert_allclose(added[0][i], expected, atol=1e-6)
    numpy.testing.assert_array_equal(added[1], plain[1])


def test_words_without_spans_stay_words(layer, docs, nlp):
    """What encoders compute once for each word is not computed for each token."""
    added = layer.predict(docs)
    assert isinstance(added, TokenVectors) and len(added.words) == 2 + 5
    assert len(layer.predict([with_spans(nlp.vocab, ["a", "b"] * 50, [])]).words) == 2


def test_gradients(layer, docs):
    rng = numpy.random.default_rng(0)
    weights = [rng.normal(size=(len(doc), 32)).astype("float32") for doc in docs]
    E = layer.get_param("E")
    _, backprop = layer(docs, True)
    backprop(weights)
    gradient = layer.get_grad("E")

    def value():
        return sum(float((array * weight).sum()) for array, weight in zip(layer(docs, True)[0], weights))

    for index in [(0, 3), (5, 7), (7, 0), (6, 31), (1, 2)]:
        before = E[index]
        E[index] = before + 0.5  # the layer is linear in E
        above = value()
        E[index] = before - 0.5
        assert gradient[index] == pytest.approx(above - value(), abs=1e-3)
        E[index] = before
    of_embedding = [node.get_grad("b") for node in layer.walk() if node.has_grad("b")]
    layer.layers[0].finish_update(lambda key, weights, gradient: (weights, 0 * gradient))
    _, backprop = layer.layers[0](docs, True)
    backprop(weights)
    for one, other in zip(of_embedding, (node.get_grad("b") for node in layer.walk() if node.has_grad("b"))):
        numpy.testing.assert_allclose(one, other, atol=1e-5)


def test_whole_spans_are_dropped_out_in_training(layer, nlp):
    docs = [with_spans(nlp.vocab, ["a", "b"], [(0, 2, "DIS")]) for _ in range(400)]
    set_dropout_rate(layer, 0.3)
    set_dropout_rate(layer.layers[0], 0.0)
    with_rule, without = layer.predict(docs[:1])[0], layer.layers[0].predict(docs[:1])[0]
    n_dropped = 0
    for array in layer(docs, True)[0]:
        dropped = numpy.allclose(array, without, atol=1e-5)
        assert dropped or numpy.allclose(array, with_rule, atol=1e-5)
        n_dropped += dropped
    assert 80 < n_dropped < 160


def test_labels_have_to_be_named():
    for labels in ([], ["DIS", "DIS"]):
        with pytest.raises(ValueError, match="labels of SpanFeatures"):
            SpanFeatures(embedding(), "rules", labels)


def made_up_texts(n=480):
    """Texts of words that say nothing: one of four is a chemical, and only the dictionary tells which."""
    rng = numpy.random.default_rng(0)
    texts = []
    for i in range(n):
        words = ["".join(rng.choice(list("bcdfghjk"), size=6)) for _ in range(4)]
        text = " ".join(words)
        start = text.index(words[i % 4])
        texts.append((text, [(start, start + 6, "CHEM")]))
    return texts


def pipeline(model):
    """One with a dictionary that knows some names, of which one is wrong: only the text tells."""
    made_up = made_up_texts()
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "rules"})
    names = {"Amiodarone": "CHEM", "Aspirin": "CHEM", "Fever": "DIS", "after": "DIS"}
    ruler.add_patterns([{"label": label, "pattern": name} for name, label in names.items()])
    ruler.add_patterns([{"label": "CHEM", "pattern": text[start:end]} for text, [(start, end, _)] in made_up])
    nlp.add_pipe("bio_ner", config={"model": model})
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    new = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in made_up]
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    for i in range(60):
        nlp.update([*examples, *new[8 * i : 8 * i + 8]], drop=0.1, sgd=optimizer, annotates=["span_ruler"])
    return nlp


@pytest.fixture(scope="module", params=["bilstm", "transformer"])
def trained_with_rules(request):
    features = {"@architectures": "spacy_bio_ner.SpanFeatures.v1", "spans_key": "rules", "labels": LABELS}
    if request.param == "transformer":
        encoder = small_transformer(str(request.getfixturevalue("tiny_bert")))["tok2vec"]
        model = {**SMALL_MODEL, "tok2vec": {**features, "embed": encoder}}
    else:
        tok2vec = SMALL_MODEL["tok2vec"]
        model = {**SMALL_MODEL, "tok2vec": {**tok2vec, "embed": {**features, "embed": tok2vec["embed"]}}}
    return pipeline(model)


def found(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def confidences(doc):
    return [ent._.confidence for ent in doc.ents]


def test_a_pipeline_learns_with_rules_and_is_saved(trained_with_rules, tmp_path):
    nlp = trained_with_rules
    assert [found(nlp(text)) for text, _ in TEXTS] == [ents for _, ents in TEXTS]  # "after" is no disease
    nlp.to_disk(tmp_path / "model")
    for other in (spacy.load(tmp_path / "model"), spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())):
        for text, _ in TEXTS:
            assert confidences(other(text)) == pytest.approx(confidences(nlp(text)), abs=1e-5)


def test_rules_are_evidence(trained_with_rules):
    """A word that nobody has seen is more probable an entity if a rule says so, and a preset of a person stays."""
    nlp, text = trained_with_rules, "fgbkch and warfarin ."
    component = nlp.get_pipe("bio_ner")
    component.cfg["candidate_threshold"] = 1e-6
    try:
        probabilities = []
        for spans in ([], [(0, 1, "CHEM")], [(0, 1, "UNKNOWN")]):
            doc = component(with_spans(nlp.vocab, text.split(), spans))
            probabilities.append(Span(doc, 0, 1, label="CHEM")._.confidence or 0.0)
    finally:
        component.cfg["candidate_threshold"] = None
    plain, with_rule, unknown_label = probabilities
    assert with_rule > 1.2 * plain and unknown_label == pytest.approx(plain, abs=1e-6)
    doc = with_spans(nlp.vocab, text.split(), [(0, 1, "CHEM")])
    doc.set_ents([Span(doc, 0, 1, label="DIS")], default="unmodified")
    assert component(doc).ents[0].label_ == "DIS"


def test_entities_do_not_depend_on_the_batch(trained_with_rules):
    texts = [*[text for text, _ in TEXTS], "", " ", "Fever " * 30, "Amiodarone after Fever"]
    alone = [trained_with_rules(text) for text in texts]
    for batch_size in (1, 3, 100):
        for one, other in zip(alone, trained_with_rules.pipe(texts, batch_size=batch_size)):
            assert found(one) == found(other)
            assert confidences(one) == pytest.approx(confidences(other), abs=1e-4)


def test_rules_that_have_not_run_are_missed(trained_with_rules):
    nlp = trained_with_rules
    component = nlp.get_pipe("bio_ner")
    with pytest.raises(ValueError, match="'Fever after.*no spans under the key 'rules'.*annotating_components"):
        component(nlp.make_doc("Fever after penicillin"))
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    with pytest.raises(ValueError, match="annotating_components"):
        nlp.update(examples)
    assert found(component(nlp.make_doc(""))) == []
