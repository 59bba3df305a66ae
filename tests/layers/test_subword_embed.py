import numpy
import pytest
import spacy
from spacy.tokens import Doc
from spacy.vectors import Vectors
from thinc.api import fix_random_seed, set_dropout_rate

from spacy_bio_ner.layers.subword_embed import SubwordEmbed, _affixes, _attributes, _join_input

from .plain import word_features


@pytest.fixture
def embed(nlp):
    model = SubwordEmbed(width=8, rows=500, table_width=4, prefixes=[1, 2], suffixes=[2])
    model.initialize(X=[nlp("some words to start with")])
    return model


def test_a_word_has_one_vector_wherever_it_stands(nlp, embed):
    a, empty, b = embed.predict([nlp("fever and Fever"), nlp(""), nlp("no fever")])
    assert a.shape == (3, 8) and empty.shape == (0, 8) and b.shape == (2, 8)
    numpy.testing.assert_array_equal(a[0], b[1])
    assert not numpy.allclose(a[0], a[2])  # the shape differs
    assert not numpy.allclose(a[0], b[0])


def test_words_share_only_the_features_they_have_in_common(nlp):
    """With the tables' rows set by hand: two words agree in exactly the affixes they share."""
    model = SubwordEmbed(width=8, rows=5000, table_width=4, prefixes=[2], suffixes=[3])
    model.initialize(X=[nlp("x")])
    tables = [node for node in model.walk() if node.name == "hashembed"]
    ids = {}
    for word in ("aspirin", "heparin", "asthma"):
        doc = Doc(nlp.vocab, words=[word])
        features = model.layers[0].layers[0]  # the concatenated tables
        ids[word] = numpy.split(features.predict(word_features(model, [doc])[0])[0], len(tables))
    shared = lambda a, b: [numpy.allclose(x, y) for x, y in zip(ids[a], ids[b])]  # noqa: E731
    #                                         norm   shape prefix suffix
    assert shared("aspirin", "heparin") == [False, True, False, True]
    assert shared("aspirin", "asthma") == [False, True, True, False]


def test_a_prefix_is_not_a_suffix_and_marks_the_edge(nlp, embed):
    assert _affixes("in", (2,), ())[0] != _affixes("in", (), (2,))[0]
    assert _affixes("ab", (2,), ()) != _affixes("abc", (3,), ())
    assert _affixes("aspirin", (3,), (3,)) == _affixes("ASPirIN", (3,), (3,))


def test_gradient_sums_over_occurrences(nlp, embed):
    """The gradient of a word that occurs twice is that of its two occurrences together."""
    once, twice = [nlp("fever after rest")], [nlp("fever after fever rest")]
    rng = numpy.random.default_rng(0)
    dY = rng.normal(0, 1, (4, 8)).astype("float32")
    grads = []
    for docs, d in ((once, [numpy.stack([dY[0] + dY[2], dY[1], dY[3]])]), (twice, [dY])):
        for node in embed.walk():
            for name in node.param_names:
                if node.has_grad(name):
                    node.set_grad(name, node.get_grad(name) * 0)
        _, backprop = embed.begin_update(docs)
        backprop(d)
        grads.append([n.get_grad(p).copy() for n in embed.walk() for p in n.param_names if n.has_grad(p)])
    for a, b in zip(*grads):
        numpy.testing.assert_allclose(a, b, atol=1e-5)


def test_norm_set_on_a_token_counts(embed):
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["ca", "ca"])
    doc[1].norm_ = "can"
    vectors = embed.predict([doc])[0]
    assert not numpy.allclose(vectors[0], vectors[1])


def test_docs_of_several_vocabularies(embed):
    """As spaCy's ner: the strings of a doc are its own."""
    docs = [Doc(spacy.blank("en").vocab, words=[word, "fever"]) for word in ("unheard", "unknown", "unheard")]
    together = embed.predict(docs)
    for doc, vectors in zip(docs, together):
        embed.attrs["cache"].clear()
        numpy.testing.assert_allclose(embed.predict([doc])[0], vectors, atol=1e-6)
    embed.begin_update(docs)


VECTORS = {"aspirin": 1.0, "Aspirin": 2.0, "fever": 3.0}


@pytest.fixture
def with_vectors(nlp):
    """A pipeline with vectors of two numbers, and an embedding that includes them."""
    nlp.vocab.vectors = Vectors(shape=(0, 2), strings=nlp.vocab.strings)
    nlp.vocab.vectors.resize((len(VECTORS), 2))
    for word, value in VECTORS.items():
        nlp.vocab.strings.add(word)
        nlp.vocab.vectors.add(word, vector=numpy.array([value, -value], dtype="float32"))
    model = SubwordEmbed(8, 500, 4, prefixes=[1, 2], suffixes=[2], include_static_vectors=True)
    model.initialize(X=[nlp("some words to start with")])
    return nlp, model


def static_part(model, docs):
    attrs = _attributes(docs)
    tokens = numpy.arange(len(attrs))
    return _join_input(model, docs, attrs, tokens, numpy.zeros((len(attrs), 8), dtype="float32"))[:, 8:]


def test_static_vectors_are_looked_up_by_form_and_then_in_lower_case(with_vectors):
    nlp, model = with_vectors
    doc = Doc(nlp.vocab, words=["aspirin", "Aspirin", "ASPIRIN", "Fever", "unknown"])
    expected = [[1, -1], [2, -2], [1, -1], [3, -3], [0, 0]]
    numpy.testing.assert_array_equal(static_part(model, [doc]), expected)


def test_static_vectors_of_floret_have_every_word(nlp):
    nlp.vocab.vectors = Vectors(
        mode="floret", data=numpy.random.default_rng(0).normal(0, 1, (50, 3)).astype("float32"), minn=2, maxn=3,
        hash_count=2, bow="<", eow=">",
    )  # fmt: skip
    model = SubwordEmbed(8, 500, 4, prefixes=[1], suffixes=[2], include_static_vectors=True)
    doc = Doc(nlp.vocab, words=["aspirin", "unheard"])
    model.initialize(X=[doc])
    numpy.testing.assert_allclose(static_part(model, [doc]), nlp.vocab.vectors.get_batch(["aspirin", "unheard"]))


def test_static_vectors_reach_the_output_and_are_remembered(with_vectors):
    nlp, model = with_vectors
    docs = [Doc(nlp.vocab, words=["aspirin", "fever", "unknown"])]
    before = model.predict(docs)[0]
    numpy.testing.assert_array_equal(model.predict(docs)[0], before)
    nlp.vocab.vectors.add("aspirin", vector=numpy.array([5, 5], dtype="float32"))
    nlp.vocab.vectors.data = nlp.vocab.vectors.data.copy()  # another table, as loading gives
    after = model.predict(docs)[0]
    assert not numpy.allclose(before[0], after[0])
    numpy.testing.assert_allclose(before[1:], after[1:], atol=1e-6)


def test_static_vectors_are_dropped_with_the_word(with_vectors):
    nlp, model = with_vectors
    set_dropout_rate(model, 0.5)
    fix_random_seed(0)
    doc = Doc(nlp.vocab, words=["aspirin"] * 100)
    vectors = model.begin_update([doc])[0][0]
    is_dropped = (vectors == 0).all(axis=1)
    assert 20 < is_dropped.sum() < 80 and len(numpy.unique(vectors, axis=0)) == 2


def test_gradient_through_static_vectors_equals_a_directional_derivative(with_vectors):
    nlp, model = with_vectors
    docs = [Doc(nlp.vocab, words=["aspirin", "fever", "aspirin"]), Doc(nlp.vocab, words=["unknown"])]
    vectors, backprop = model.begin_update(docs)
    weights = [numpy.random.default_rng(0).normal(0, 1, array.shape).astype("float32") for array in vectors]
    backprop(weights)
    params = [(node, name) for node in model.walk() for name in node.param_names if node.has_grad(name)]
    gradients = [node.get_grad(name).copy() for node, name in params]
    norm = numpy.sqrt(sum((g.astype("float64") ** 2).sum() for g in gradients))
    values = [node.get_param(name).copy() for node, name in params]

    def at(step):
        for (node, name), value, g in zip(params, values, gradients):
            node.set_param(name, value + (step / norm * g).astype("float32"))
        return sum(float((a.astype("float64") * b).sum()) for a, b in zip(model.predict(docs), weights))

    # A small step, since the maxima of other pieces are near.
    assert (at(1e-4) - at(-1e-4)) / 2e-4 == pytest.approx(norm, rel=1e-2)


def test_missing_static_vectors_are_a_clear_error(nlp):
    model = SubwordEmbed(8, 500, 4, prefixes=[1], suffixes=[2], include_static_vectors=True)
    with pytest.raises(ValueError, match="include static vectors, but the pipeline has none: set initialize.vectors"):
        model.initialize(X=[nlp("word")])
