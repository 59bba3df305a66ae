"""One thread of BLAS while our layers multiply, and as many as before afterwards."""

import multiprocessing
import os
import threading

import numpy
import pytest
from thinc.api import Linear, Ragged
from threadpoolctl import ThreadpoolController

from spacy_bio_ner.layers.bilstm import BiLSTM
from spacy_bio_ner.layers.blas import OneThread, _openblas, one_thread, use_numpy_blas


def n_threads():
    """The numbers of threads of the OpenBLAS libraries that were there from the beginning."""
    paths = {library.filepath for library in _openblas()}
    return [info["num_threads"] for info in ThreadpoolController().info() if info["filepath"] in paths]


@pytest.fixture(autouse=True)
def two_threads():
    """More than one to begin with, whatever the environment says."""
    with ThreadpoolController().select(internal_api="openblas").limit(limits=2):
        if not n_threads() or max(n_threads()) < 2:
            pytest.skip("NumPy's BLAS here is no OpenBLAS, or has one thread")
        yield


def test_one_thread_inside_and_as_many_as_before_afterwards():
    before = n_threads()
    with one_thread:
        assert set(n_threads()) == {1}
        with one_thread:
            pass
        assert set(n_threads()) == {1}
    assert n_threads() == before
    with pytest.raises(ZeroDivisionError), one_thread:
        1 / 0
    assert n_threads() == before


def test_the_last_thread_to_leave_restores():
    before, inside, leave = n_threads(), threading.Event(), threading.Event()

    def stay():
        with one_thread:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=stay, daemon=True)
    thread.start()
    inside.wait()
    with one_thread:
        pass
    assert set(n_threads()) == {1}
    leave.set()
    thread.join()
    assert n_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_wait_for_its_parent():
    with one_thread._lock:
        child = multiprocessing.get_context("fork").Process(target=one_thread.__enter__)
        child.start()
        child.join(30)
        assert child.exitcode == 0


@pytest.mark.parametrize("layer", [Linear, BiLSTM])
def test_layers_multiply_with_one_thread(layer, monkeypatch):
    X = Ragged(numpy.ones((4, 6), dtype="f"), numpy.array([4])) if layer is BiLSTM else numpy.ones((4, 6), dtype="f")
    model = use_numpy_blas(layer(nO=4, nI=6))
    model.initialize()
    n_entered, enter = [], OneThread.__enter__
    monkeypatch.setattr(OneThread, "__enter__", lambda self: n_entered.append(enter(self)))
    Y, backprop = model.begin_update(X)
    assert len(n_entered) == 1
    backprop(Y)
    assert len(n_entered) > 1
