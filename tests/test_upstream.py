"""Docs that the component before has not seen: nothing is computed on them, since it would be nonsense."""

import pytest
import spacy
from spacy.training import Example
from thinc.api import fix_random_seed

from spacy_bio_ner.evaluation.calibration import score_corpus

from .conftest import SMALL_MODEL, TEXTS, add_spacy_transformer, gold_docs, small_transformer

TEXT = TEXTS[0][0]


def learn_by_heart(nlp):
    fix_random_seed(0)
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(60):
        nlp.update(examples, sgd=optimizer)
    assert [[(e.start_char, e.end_char, e.label_) for e in nlp(text).ents] for text, _ in TEXTS] == [
        e for _, e in TEXTS
    ]
    return nlp


@pytest.fixture(scope="module", params=["bilstm", "transformer"])
def shared(request):
    """A pipeline whose encoder is a component of its own."""
    encoder = SMALL_MODEL["tok2vec"]
    if request.param == "transformer":
        encoder = small_transformer(str(request.getfixturevalue("tiny_bert")))["tok2vec"]
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", name="encoder", config={"model": encoder})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}
    nlp.add_pipe("bio_ner", config={"model": {**SMALL_MODEL, "tok2vec": listener}})
    return learn_by_heart(nlp)


@pytest.mark.parametrize(
    "use",
    [
        lambda component, doc: component(doc),
        lambda component, doc: list(component.pipe([doc])),
        lambda component, doc: component.k_best([doc], 2),
        lambda component, doc: component.distill(component, [Example(doc, doc)]),
        lambda component, doc: component.rehearse([Example(doc, doc)]),
    ],
)
def test_a_doc_that_the_encoder_has_not_seen_is_refused(shared, use):
    component = shared.get_pipe("bio_ner")
    shared.resume_training()
    with pytest.raises(ValueError, match=r"'bio_ner' reads vectors.*'Amiodarone.*has none.*select_pipes"):
        use(component, shared.make_doc(TEXT))


def test_what_the_message_says_to_do(shared):
    with shared.select_pipes(enable="encoder"):
        doc = shared(TEXT)
    component = shared.get_pipe("bio_ner")
    [[(ents, probability)]] = component.k_best([doc], 1)
    assert [(ent.text, ent.label_) for ent in ents] == [("Amiodarone", "CHEM"), ("pulmonary fibrosis", "DIS")]
    assert probability > 0.5
    assert len(component(doc).ents) == 2


def test_a_doc_without_tokens_needs_no_vectors(shared):
    component = shared.get_pipe("bio_ner")
    assert component.k_best([shared.make_doc("")], 1) == [[([], 1.0)]]
    assert [len(doc.ents) for doc in shared.pipe(["", TEXT, ""])] == [0, 2, 0]


def test_calibration_runs_what_comes_before(shared):
    [(scores, _)] = score_corpus(shared, gold_docs(shared))
    with shared.select_pipes(enable="encoder"):
        docs = [shared(text) for text, _ in TEXTS]
    alone = shared.get_pipe("bio_ner").model.predict(docs)
    assert abs(scores.emissions.dataXd - alone.emissions.dataXd).max() < 1e-4


def test_data_of_a_transformer_that_were_cleared(nlp, tiny_bert):
    pytest.importorskip("spacy_transformers")
    listener = add_spacy_transformer(nlp, tiny_bert)
    nlp.add_pipe("bio_ner", config={"model": {**SMALL_MODEL, "tok2vec": listener}})
    learn_by_heart(nlp)
    component = nlp.get_pipe("bio_ner")
    with pytest.raises(ValueError, match="reads vectors that the component 'transformer'|a component before it"):
        component(nlp.make_doc(TEXT))
    doc = nlp(TEXT)
    assert component.k_best([doc], 1)[0][0][1] > 0.5
    doc._.trf_data = None  # as the doc_cleaner does
    with pytest.raises(ValueError, match="doc_cleaner"):
        component(doc)
    assert len(nlp(doc).ents) == 2  # the whole pipeline sees to it
