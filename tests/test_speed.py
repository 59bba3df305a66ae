"""What was made fast finds what the formulas say: the whole pipeline against a plain computation with its weights, doc
by doc and token by token, that shares with it only the hashes of affixes."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.training import Example

from spacy_bio_ner.crf.bio import allowed_starts, allowed_transitions
from spacy_bio_ner.layers import packing as packing_module
from spacy_bio_ner.layers import word_cache
from spacy_bio_ner.layers.packing import Packing, pack

from .crf.enumeration import OPS
from .layers.plain import plain_vectors
from .layers.test_bilstm import make_batch, make_layer, textbook_lstm

bilstm = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)
TEXTS = [
    "Fever after penicillin",
    "",
    "Amiodarone can cause pulmonary fibrosis .",
    "Asthma",
    "Aspirin and warfarin . " * 5,
]


def plain_scores(pipe, doc):
    """Emissions, transitions and starts in float64: each token embedded by itself, the LSTM by its formula."""
    model = pipe.model
    [embed] = [node for node in model.walk() if node.name == "subword_embed"]
    words = [Doc(doc.vocab, words=[token.text]) for token in doc]
    X = numpy.concatenate([plain_vectors(embed, [word]) for word in words])
    for layer in [node for node in model.walk() if node.name == "bilstm"]:
        W, U, b = (layer.get_param(name).astype("float64") for name in "WUb")
        backward = textbook_lstm(X[::-1], W[1], U[1], b[1])[::-1]
        X = numpy.hstack([textbook_lstm(X, W[0], U[0], b[0]), backward])
    emission, crf = model.get_ref("emission"), model.get_ref("crf")
    emissions = X @ emission.get_param("W").T + emission.get_param("b")
    n_tags = emissions.shape[1]
    transitions = numpy.where(allowed_transitions(n_tags), crf.get_param("transitions"), -numpy.inf)
    return emissions, transitions, numpy.where(allowed_starts(n_tags), crf.get_param("starts"), -numpy.inf)


def log_partition(emissions, transitions, starts):
    scores = starts + emissions[0]
    for emission in emissions[1:]:
        scores = numpy.logaddexp.reduce(scores[:, None] + transitions, axis=0) + emission
    return numpy.logaddexp.reduce(scores)


def plain_entities(pipe, doc):
    """The entities of the best tag sequence, by dynamic programming over a table, and the probability of each: how much
    of the partition is left if only sequences with it are counted."""
    if not len(doc):
        return []
    emissions, transitions, starts = plain_scores(pipe, doc)
    scores, came_from = starts + emissions[0], []
    for emission in emissions[1:]:
        extended = scores[:, None] + transitions
        came_from.append(extended.argmax(axis=0))
        scores = extended.max(axis=0) + emission
    tags = [int(scores.argmax())]
    for previous in reversed(came_from):
        tags.insert(0, int(previous[tags[0]]))
    found = []
    for start, tag in enumerate(tags):
        if tag % 2 == 1:
            end = start + 1
            while end < len(tags) and tags[end] == tag + 1:
                end += 1
            with_it = numpy.full_like(emissions, -numpy.inf)
            with_it[:start], with_it[end:] = emissions[:start], emissions[end:]
            with_it[start, tag] = emissions[start, tag]
            with_it[start + 1 : end, tag + 1] = emissions[start + 1 : end, tag + 1]
            if end < len(tags):
                with_it[end, tag + 1] = -numpy.inf
            with numpy.errstate(invalid="ignore"):
                log_share = log_partition(with_it, transitions, starts) - log_partition(emissions, transitions, starts)
            found.append((start, end, pipe.labels[tag // 2], numpy.exp(log_share)))
    return found


@bilstm
@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_pipeline_equals_the_plain_computation(trained, batch_size):
    pipe = trained.get_pipe("bio_ner")
    for _ in range(2):  # with words never seen, and with all of them in the cache
        for doc in trained.pipe(TEXTS, batch_size=batch_size):
            expected = plain_entities(pipe, doc)
            assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [row[:3] for row in expected]
            confidences = [ent._.confidence for ent in doc.ents]
            numpy.testing.assert_allclose(confidences, [row[3] for row in expected], atol=1e-4)


@bilstm
def test_what_is_kept_of_weights_is_not_outdated(trained, monkeypatch):
    """The weights change in place, are others for a while, and the table of words starts again."""
    pipe = trained.get_pipe("bio_ner")

    def check():
        for doc in trained.pipe(TEXTS):
            expected = plain_entities(pipe, doc)
            assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [row[:3] for row in expected]
            numpy.testing.assert_allclose([e._.confidence for e in doc.ents], [row[3] for row in expected], atol=1e-4)

    [*_, layer] = [node for node in pipe.model.walk() if node.name == "bilstm"]
    optimizer = trained.resume_training()
    optimizer.learn_rate = 0.05
    examples = [Example.from_dict(trained.make_doc(TEXTS[0]), {"entities": [(12, 22, "CHEM")]})]
    check()
    trained.update(examples, sgd=optimizer)
    check()
    trained.update(examples, sgd=False)
    check()  # between the gradient and the step
    pipe.finish_update(optimizer)
    check()
    for name in "WUb":
        layer.get_param(name)[...] *= 0.8
    check()
    with pipe.model.use_params({(layer.id, name): 0.5 * layer.get_param(name) for name in "WUb"}):
        check()
    check()
    monkeypatch.setattr(word_cache, "CAPACITY", 4)
    pipe.model.get_ref("tok2vec").layers[0].attrs["cache"].clear()
    for _ in range(2):
        check()


@pytest.mark.parametrize("rows", [1, 7, 10**6])
def test_blocks_change_nothing(rows, monkeypatch):
    lengths = [5, 0, 9, 1, 9, 3]
    model, batch = make_layer(), make_batch(lengths)
    expected, backprop = model.begin_update(batch)
    gradient = backprop(expected).data
    monkeypatch.setattr(packing_module, "BLOCK_ROWS", rows)
    packing_module._pack.cache_clear()
    numpy.testing.assert_allclose(model.predict(batch).data, expected.data, atol=1e-12)
    found, backprop = model.begin_update(batch)
    numpy.testing.assert_allclose(backprop(found).data, gradient, atol=1e-12)
    packing_module._pack.cache_clear()


@given(st.lists(st.integers(0, 400), max_size=8))
def test_blocks_are_all_steps_in_order(lengths):
    packing = Packing(OPS, numpy.array(lengths, dtype="int32"))
    assert [step for block in packing.blocks for step in range(block.start, block.stop)] == list(
        range(len(packing.sizes))
    )
    n_rows = [sum(packing.sizes[block]) for block in packing.blocks]
    assert packing.block_size == max(n_rows, default=0)
    for block, n in zip(packing.blocks, n_rows):
        assert n <= packing_module.BLOCK_ROWS or block.stop - block.start == 1


def test_layers_of_a_batch_share_a_packing():
    lengths = numpy.array([3, 1], dtype="int32")
    packing = pack(OPS, lengths)
    assert pack(OPS, lengths.copy()) is packing
    other = pack(OPS, numpy.array([1, 3], dtype="int32"))
    assert other is not packing and other.owners.tolist() == [1, 0, 1, 1]


@bilstm
def test_prediction_keeps_no_history(trained):
    """What one layer allocates for a long doc is its output and a block, and not the gates of all tokens."""
    import tracemalloc

    layer = next(node for node in trained.get_pipe("bio_ner").model.walk() if node.name == "bilstm")
    batch = make_batch([20_000], nI=layer.get_dim("nI"), dtype="float32")
    layer.predict(make_batch([20], nI=layer.get_dim("nI"), dtype="float32"))
    tracemalloc.start()
    layer.predict(batch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gates = 20_000 * 4 * layer.get_dim("nO") * 4
    assert peak < gates
