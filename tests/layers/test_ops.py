"""The array path of the model, without a GPU: arrays that refuse to be handled by NumPy's own functions.

A CuPy array refuses numpy.* calls and conversion to a NumPy array. These arrays do the same, and the ops'
`xp` is the one module that may handle them, as cupy is for CuPy's.
"""

import numpy
import pytest
import spacy
from spacy.training import Example
from thinc.api import NumpyOps, get_current_ops
from thinc.types import Ragged

from spacy_bio_ner.crf.linear_chain import LinearChain
from spacy_bio_ner.crf.losses import negative_log_likelihood
from spacy_bio_ner.crf.potentials import CRF
from spacy_bio_ner.layers.bilstm import BiLSTM

from ..conftest import NOISY, SMALL_MODEL, gold_docs, learn_by_heart

# What Python's operators call; any other ufunc has been called by its name.
OPERATORS = {numpy.add, numpy.subtract, numpy.multiply, numpy.divide, numpy.matmul, numpy.negative, numpy.invert}
OPERATORS |= {
    numpy.less,
    numpy.less_equal,
    numpy.greater,
    numpy.greater_equal,
    numpy.equal,
    numpy.not_equal,
    numpy.remainder,
    numpy.bitwise_and,
    numpy.power,
    numpy.square,
}


class DeviceArray(numpy.ndarray):
    def __array_function__(self, func, types, args, kwargs):
        raise TypeError(f"numpy.{func.__name__} called on a device array")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if ufunc not in OPERATORS and method != "reduce":  # arrays have sum, max, ... of their own
            raise TypeError(f"numpy.{ufunc.__name__} called on a device array")
        if any(type(x) is numpy.ndarray and x.ndim for x in inputs):
            raise TypeError(f"{ufunc.__name__} mixes device and host arrays")
        host = [x.view(numpy.ndarray) if isinstance(x, DeviceArray) else x for x in inputs]
        out = kwargs.get("out")
        if out:
            if not all(isinstance(x, DeviceArray) for x in out):
                raise TypeError(f"{ufunc.__name__} writes to a host array")
            kwargs["out"] = tuple(x.view(numpy.ndarray) for x in out)
        result = getattr(ufunc, method)(*host, **kwargs)
        return out[0] if out else to_device(result)

    # CuPy's have no other arguments than these.
    def max(self, axis=None, out=None, keepdims=False):
        return to_device(self.view(numpy.ndarray).max(axis=axis, out=out, keepdims=keepdims))

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return to_device(self.view(numpy.ndarray).sum(axis=axis, dtype=dtype, out=out, keepdims=keepdims))

    def __getitem__(self, index):
        return to_device(self.view(numpy.ndarray)[to_host(index)])

    def __setitem__(self, index, value):
        if type(value) is numpy.ndarray and value.ndim:
            raise TypeError("host array written to a device array")
        self.view(numpy.ndarray)[to_host(index)] = to_host(value)


class DeviceModule:
    """Passes calls on to NumPy, and what comes back to the device."""

    def __getattr__(self, name):
        function = getattr(numpy, name)
        if not callable(function) or isinstance(function, type):
            return function

        def call(*args, **kwargs):
            arrays = [x for x in (*args, *kwargs.values()) if isinstance(x, numpy.ndarray) and x.ndim]
            if name not in ("asarray", "array") and any(type(x) is numpy.ndarray for x in arrays):
                raise TypeError(f"xp.{name} called on a host array")
            out = kwargs.get("out")
            result = function(*map(to_host, args), **{k: to_host(v) for k, v in kwargs.items()})
            return to_device(result) if out is None else out

        return call


def to_host(x):
    if isinstance(x, DeviceArray):
        return x.view(numpy.ndarray)
    if isinstance(x, (tuple, list)):
        return type(x)(to_host(y) for y in x)
    return x


def to_device(x):
    return x.view(DeviceArray) if type(x) is numpy.ndarray else x


class DeviceOps(NumpyOps):
    name = "device"
    xp = DeviceModule()

    def to_numpy(self, data, *, byte_order=None):
        return to_host(data)

    def asarray(self, data, dtype=None):
        return to_device(numpy.asarray(to_host(data), dtype=dtype))

    def alloc(self, shape, *, dtype="float32", zeros=True):
        return to_device(numpy.zeros(shape, dtype=dtype))


def on_host(name):
    """One of thinc's own kernels, which CuPy's ops have too."""

    def kernel(self, *args, **kwargs):
        found = getattr(HOST, name)(*map(to_host, args), **{key: to_host(value) for key, value in kwargs.items()})
        return type(found)(map(to_device, found)) if isinstance(found, (tuple, list)) else to_device(found)

    return kernel


HOST = NumpyOps()
for name in (
    "gemm",
    "affine",
    "maxout",
    "backprop_maxout",
    "gather_add",
    "hash",
    "scatter_add",
    "as_contig",
    "flatten",
    "unflatten",
):
    setattr(DeviceOps, name, on_host(name))


def test_the_guard_guards():
    x = to_device(numpy.ones(3))
    with pytest.raises(TypeError, match="numpy.concatenate"):
        numpy.concatenate([x, x])
    with pytest.raises(TypeError, match="numpy.exp"):
        numpy.exp(x)
    with pytest.raises(TypeError, match="mixes"):
        x + numpy.ones(3)
    with pytest.raises(TypeError, match="host array"):
        DeviceOps.xp.matmul(x, numpy.ones(3))
    assert type(DeviceOps.xp.exp(x)) is DeviceArray


def run_layers(ops, is_device):
    """Loss, gradients and decoding of a BiLSTM and a CRF on given ops, as host arrays."""
    rng = numpy.random.default_rng(0)
    lengths = ops.asarray1i([3, 0, 5, 1])
    lstm, crf = BiLSTM(6, 4), CRF(5)
    for layer in (lstm, crf):
        layer.initialize()
        layer.ops = ops
    W = rng.normal(0, 0.5, (6, 5)).astype("float32")
    for layer in (lstm, crf):
        for name in layer.param_names:
            shape = layer.get_param(name).shape
            layer.set_param(name, ops.asarray(rng.normal(0, 0.5, shape).astype("float32")))
    X = Ragged(ops.asarray(rng.normal(0, 1, (9, 4)).astype("float32")), lengths)
    allowed = numpy.ones((9, 5), dtype=bool)
    allowed[[0, 4, 8]] = numpy.eye(5, dtype=bool)[[1, 3, 0]]
    hidden, backprop_lstm = lstm.begin_update(X)
    W = ops.asarray(W)
    scores, backprop_crf = crf.begin_update(Ragged(hidden.data @ W, lengths))
    loss, gradient = negative_log_likelihood(ops, scores, allowed)
    d_emissions = backprop_crf(gradient)
    dX = backprop_lstm(Ragged(d_emissions.data @ W.T, lengths))
    chain = LinearChain.from_potentials(ops, scores).given(allowed, [(0, 2, 1), (5, 7, 0), (5, 6, 0)])
    spans = chain.candidates(0.01)
    found = [dX.data, chain.viterbi(), chain.marginals, chain.expected_entities(), spans]
    found += [chain.span_probabilities(spans), chain.outside_probabilities(spans)]
    found += [layer.get_grad(name) for layer in (lstm, crf) for name in layer.param_names]
    if is_device:
        assert all(isinstance(x, is_device) for x in found)
    return loss, [ops.to_numpy(x) for x in found]


def compare(ops, array_type):
    loss, found = run_layers(ops, array_type)
    expected_loss, expected = run_layers(NumpyOps(), None)
    assert loss == pytest.approx(expected_loss, abs=1e-4)
    for a, b in zip(found, expected):
        numpy.testing.assert_allclose(a, b, atol=1e-4)


def test_layers_stay_on_the_device():
    compare(DeviceOps(), DeviceArray)


@pytest.mark.gpu
def test_cupy_agrees_with_numpy():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if not cupy.cuda.is_available():
        pytest.skip("no CUDA GPU")
    from thinc.api import CupyOps

    compare(CupyOps(), cupy.ndarray)


def test_default_ops_are_untouched():
    assert isinstance(get_current_ops(), NumpyOps)


def run_tagger(trained, ops):
    """Predictions, analyses, loss and gradients of a whole tagger on given ops, as host arrays."""
    pipe = trained.get_pipe("bio_ner")
    for node in pipe.model.walk():
        node.ops = ops
        for name in node.param_names:
            node.set_param(name, ops.asarray(node.get_param(name)))
    pipe.cfg["candidate_threshold"] = 0.01
    predictions = [array for docs in (gold_docs(trained), gold_docs(trained)[1:2]) for array in pipe.predict(docs)]
    analyses = pipe.k_best([trained.make_doc("Aspirin after fever")], 3)
    examples = [Example(trained.make_doc(gold.text), gold) for gold in gold_docs(trained, NOISY)]
    scores, backprop = pipe.model.begin_update([example.predicted for example in examples])
    loss, gradient = pipe.get_loss(examples, scores)
    backprop(gradient)
    gradients = [node.get_grad(name) for node in pipe.model.walk() for name in node.param_names if node.has_grad(name)]
    return loss, analyses, [ops.to_numpy(array) for array in (*predictions, *gradients)]


def compare_taggers(trained, other, ops):
    loss, analyses, arrays = run_tagger(trained, ops)
    expected_loss, expected_analyses, expected = run_tagger(other, NumpyOps())
    assert loss == pytest.approx(expected_loss, abs=1e-3) and len(arrays) == len(expected) > 20
    for a, b in zip(arrays, expected):
        numpy.testing.assert_allclose(a, b, atol=1e-4)
    for a, b in zip(analyses, expected_analyses):
        assert [[(e.start, e.end, e.label_) for e in ents] for ents, _ in a] == [
            [(e.start, e.end, e.label_) for e in ents] for ents, _ in b
        ]
        assert [p for _, p in a] == pytest.approx([p for _, p in b], abs=1e-4)


@pytest.fixture
def two_taggers():
    """The same pipeline twice, without gradients."""
    saved = learn_by_heart(SMALL_MODEL).to_bytes()
    taggers = [spacy.blank("en"), spacy.blank("en")]
    for nlp in taggers:
        nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
        nlp.from_bytes(saved)
    return taggers


def test_the_whole_tagger_stays_on_the_device(two_taggers):
    compare_taggers(*two_taggers, DeviceOps())


@pytest.mark.gpu
def test_the_whole_tagger_on_cupy_agrees_with_numpy(two_taggers):
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if not cupy.cuda.is_available():
        pytest.skip("no CUDA GPU")
    from thinc.api import CupyOps

    compare_taggers(*two_taggers, CupyOps())
