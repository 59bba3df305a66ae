import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.api import NumpyOps
from thinc.types import Ragged

from spacy_bio_ner.architectures import BiLSTMEncoder
from spacy_bio_ner.layers.bilstm import BiLSTM
from spacy_bio_ner.layers.packing import Packing


def make_layer(nO=6, nI=3, dtype="float64"):
    model = BiLSTM(nO, nI)
    model.initialize()
    for name in model.param_names:
        model.set_param(name, model.get_param(name).astype(dtype))
    return model


def make_batch(lengths, nI=3, seed=0, dtype="float64"):
    data = numpy.random.default_rng(seed).normal(0, 1, (sum(lengths), nI)).astype(dtype)
    return Ragged(data, numpy.array(lengths, dtype="int32"))


def textbook_lstm(X, W, U, b):
    """One direction of one sequence, token by token, straight from the formula."""
    sigmoid = lambda x: 1 / (1 + numpy.exp(-x))  # noqa: E731
    nH = len(U)
    h, c, outputs = numpy.zeros(nH), numpy.zeros(nH), []
    for x in X:
        o, i, f, g = numpy.split(x @ W + h @ U + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
        h = sigmoid(o) * numpy.tanh(c)
        outputs.append(h)
    return numpy.array(outputs).reshape(-1, nH)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 10**6))
def test_equals_the_formula_for_each_sequence_alone(lengths, seed):
    model = make_layer()
    batch = make_batch(lengths, seed=seed)
    Y = model.predict(batch)
    W, U, b = (model.get_param(name) for name in "WUb")
    start = 0
    for length in lengths:
        X = batch.dataXd[start : start + length]
        forward = textbook_lstm(X, W[0], U[0], b[0])
        backward = textbook_lstm(X[::-1], W[1], U[1], b[1])[::-1]
        numpy.testing.assert_allclose(Y.dataXd[start : start + length], numpy.hstack([forward, backward]), atol=1e-12)
        start += length


@pytest.mark.parametrize("lengths", [[1], [3], [2, 4, 0, 1, 4]])
def test_gradients_equal_finite_differences(lengths):
    model, batch, eps = make_layer(nO=4), make_batch(lengths), 1e-6
    Y, backprop = model.begin_update(batch)
    dY = numpy.random.default_rng(1).normal(0, 1, Y.data.shape)
    dX = backprop(Ragged(dY, batch.lengths))
    arrays = [(batch.data, dX.data)] + [(model.get_param(n), model.get_grad(n)) for n in model.param_names]
    for values, found in arrays:
        for index in numpy.ndindex(values.shape):
            original = values[index]
            values[index] = original + eps
            above = (model.predict(batch).data * dY).sum()
            values[index] = original - eps
            below = (model.predict(batch).data * dY).sum()
            values[index] = original
            assert found[index] == pytest.approx((above - below) / (2 * eps), abs=1e-7)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=10).filter(any), st.integers(0, 10**6))
def test_batch_invariant(lengths, seed):
    encoder = BiLSTMEncoder(width=8, depth=2)
    batch = make_batch(lengths, nI=5, seed=seed, dtype="float32")
    docs = numpy.split(batch.dataXd, numpy.cumsum(lengths)[:-1])
    encoder.initialize(X=docs)
    for alone, together in zip(docs, encoder.predict(docs)):
        numpy.testing.assert_allclose(encoder.predict([alone])[0], together, atol=1e-5)


def test_dropout_follows_the_training_rate():
    from thinc.api import set_dropout_rate

    encoder = BiLSTMEncoder(width=8, depth=2)
    docs = [numpy.ones((5, 4), dtype="float32")]
    encoder.initialize(X=docs)
    set_dropout_rate(encoder, 0.0)
    numpy.testing.assert_array_equal(encoder.begin_update(docs)[0][0], encoder.predict(docs)[0])
    set_dropout_rate(encoder, 0.5)
    assert not numpy.allclose(encoder.begin_update(docs)[0][0], encoder.predict(docs)[0])


def test_odd_width_is_refused():
    with pytest.raises(ValueError, match="even, but it is 7"):
        BiLSTM(7)


@given(st.lists(st.integers(0, 5), max_size=6))
def test_packing_orders_every_token_once(lengths):
    packing = Packing(NumpyOps(), numpy.array(lengths, dtype="int32"))
    starts = numpy.cumsum([0] + lengths)
    sequence_of = numpy.repeat(numpy.arange(len(lengths)), lengths)
    forward, backward = packing.orders
    is_last = numpy.isin(numpy.arange(sum(lengths)), packing.last)
    assert sorted(forward.tolist()) == sorted(backward.tolist()) == list(range(sum(lengths)))
    assert (packing.forward == forward).all()
    for order, places in zip(packing.orders, packing.places.T):
        assert (order[places] == numpy.arange(len(order))).all()
    assert packing.sizes == [sum(n > t for n in lengths) for t in range(max(lengths, default=0))]
    for t, (n, rows) in enumerate(zip(packing.sizes, packing.steps)):
        sequences = sequence_of[forward[rows]]
        assert sequences.tolist() == sequence_of[forward[:n]].tolist() == packing.owners[rows].tolist()
        for sequence, f, b, last in zip(sequences, forward[rows], backward[rows], is_last[rows]):
            assert f == starts[sequence] + t and b == starts[sequence + 1] - 1 - t
            assert last == (f + 1 == starts[sequence + 1])
    if lengths and max(lengths):
        later = numpy.arange(packing.sizes[0], sum(lengths))
        assert (packing.forward[packing.previous] == packing.forward[later] - 1).all()
