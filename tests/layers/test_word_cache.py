"""The cache of word vectors changes nothing but time: against the embedding computed without it, after everything that
changes weights, and in everything that is made from a pipeline."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
import spacy
from spacy.tokens import Doc

from spacy_bio_ner.layers import word_cache
from spacy_bio_ner.layers.subword_embed import SubwordEmbed

from .plain import plain_vectors as plain

# The encoder that embeds words by their form alone.
bilstm = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)
TEXTS = ["fever after aspirin", "Fever and asthma", "no fever", "aspirin , warfarin and Heparin"]


@pytest.fixture
def embed(nlp):
    model = SubwordEmbed(width=8, rows=500, table_width=4, prefixes=[1, 2], suffixes=[2])
    model.initialize(X=[nlp("some words to start with")])
    return model


def assert_plain(model, docs):
    # BLAS sums in another order for another number of words.
    numpy.testing.assert_allclose(numpy.concatenate(model.predict(docs)), plain(model, docs), atol=1e-4)


def cache_of(model):
    return model.attrs["cache"]


def test_words_are_embedded_once(nlp, embed):
    docs = [nlp(text) for text in TEXTS]
    assert_plain(embed, docs)
    n_words = len({token.text for doc in docs for token in doc})
    assert len(cache_of(embed)) == n_words
    found = []
    embed.layers[0]._func = lambda model, X, is_train: found.append(len(X))
    embed.predict(docs)
    assert not found


def test_it_starts_again_when_full(nlp, embed, monkeypatch):
    monkeypatch.setattr(word_cache, "CAPACITY", 4)
    for text in [*TEXTS, " ".join(f"word{i}" for i in range(9)), *TEXTS]:
        assert_plain(embed, [nlp(text)])
        assert len(cache_of(embed)) <= max(4, len(set(text.split())))


def test_norms_and_shapes_of_tokens_count(embed):
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["ca", "ca"])
    assert_plain(embed, [doc])
    doc[1].norm_ = "can"
    assert_plain(embed, [doc])
    nlp.vocab["ca"].shape_ = "Xx"
    assert_plain(embed, [doc])


@bilstm
def test_it_notices_every_change_of_weights(trained, make_examples):
    """Training steps, averages in use, bytes of another model, an array changed in place."""
    docs = [trained.make_doc(text) for text in TEXTS]
    embed = trained.get_pipe("bio_ner").model.get_ref("tok2vec").layers[0]
    other = trained.to_bytes()
    optimizer = trained.resume_training()
    optimizer.averages = {}
    examples = make_examples(trained)
    before = plain(embed, docs)
    for _ in range(3):
        assert_plain(embed, docs)
        trained.update(examples, sgd=None)
        assert_plain(embed, docs)  # filled between the gradient and the step
        trained.get_pipe("bio_ner").finish_update(optimizer)
        assert_plain(embed, docs)
    assert not numpy.allclose(plain(embed, docs), before, atol=1e-4)
    averages = {key: value + 1 for key, value in optimizer.averages.items()}
    assert averages
    with trained.use_params(averages):
        assert_plain(embed, docs)
    assert_plain(embed, docs)
    trained.from_bytes(other)
    numpy.testing.assert_allclose(numpy.concatenate(embed.predict(docs)), before, atol=1e-6)
    for node in embed.walk():
        if "b" in node.param_names:
            node.get_param("b")[0] += 1
            assert_plain(embed, docs)


@bilstm
def test_it_is_neither_copied_nor_saved(trained):
    list(trained.pipe(TEXTS))
    model = trained.get_pipe("bio_ner").model
    embed = model.get_ref("tok2vec").layers[0]
    assert len(cache_of(embed))
    size = len(model.to_bytes())
    for made in (copy.deepcopy(embed), embed.copy(), pickle.loads(pickle.dumps(model)).get_ref("tok2vec").layers[0]):
        assert len(cache_of(made)) == 0
        assert_plain(made, [trained.make_doc(text) for text in TEXTS])
    cache_of(embed).clear()
    assert len(model.to_bytes()) == size


@bilstm
def test_it_outlives_a_memory_zone(trained):
    """Words that were freed with a zone are found by their hashes when they come again."""
    texts = [f"unheard{i} of word{i} fever" for i in range(20)]
    expected = [trained(text) for text in texts]
    scores = [[ent._.confidence for ent in doc.ents] for doc in expected]
    spans = [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in expected]
    fresh = spacy.blank("en")
    fresh.add_pipe("bio_ner", config={"model": trained.config["components"]["bio_ner"]["model"]})
    fresh.from_bytes(trained.to_bytes())
    for _ in range(3):
        with fresh.memory_zone():
            docs = list(fresh.pipe(texts))
            assert [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs] == spans
            for doc, score in zip(docs, scores):
                numpy.testing.assert_allclose([ent._.confidence for ent in doc.ents], score, atol=1e-4)
    assert len(cache_of(fresh.get_pipe("bio_ner").model.get_ref("tok2vec").layers[0])) >= 40


def test_threads_have_caches_of_their_own(nlp, embed):
    docs = [[nlp(f"{text} thread{i}")] for i in range(30) for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(embed.predict, docs))
    for doc, vectors in zip(docs, found):
        numpy.testing.assert_allclose(numpy.concatenate(vectors), plain(embed, doc), atol=1e-5)
    assert len(cache_of(embed)) == 0
