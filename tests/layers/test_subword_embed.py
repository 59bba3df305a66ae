import numpy
import pytest
import spacy
from spacy.tokens import Doc

from spacy_bio_ner.layers.subword_embed import SubwordEmbed


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
        from spacy_bio_ner.layers.subword_embed import _distinct_words

        ids[word] = numpy.split(features.predict(_distinct_words(model, [doc])[0])[0], len(tables))
    shared = lambda a, b: [numpy.allclose(x, y) for x, y in zip(ids[a], ids[b])]  # noqa: E731
    #                                         norm   shape prefix suffix
    assert shared("aspirin", "heparin") == [False, True, False, True]
    assert shared("aspirin", "asthma") == [False, True, True, False]


def test_a_prefix_is_not_a_suffix_and_marks_the_edge(nlp, embed):
    from spacy_bio_ner.layers.subword_embed import _affixes

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
