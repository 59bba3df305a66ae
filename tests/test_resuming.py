"""Going on from a trained pipeline: new labels, resumed training, rehearsal and distillation."""

import numpy
import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from thinc.api import Adam, fix_random_seed

from spacy_bio_ner.crf.linear_chain import LinearChain
from spacy_bio_ner.distillation import compute_posteriors, read_posteriors, write_posterior

from .conftest import SMALL_MODEL, TEXTS
from .crf.enumeration import enumerate_probabilities

bilstm = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)
DRUG_TEXTS = [
    ("Statins after penicillin", [(0, 7, "DRUGCLASS"), (14, 24, "CHEM")]),
    ("Opioids and fever .", [(0, 7, "DRUGCLASS"), (12, 17, "DIS")]),
]


def found(doc):
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def examples_of(nlp, texts):
    return [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in texts]


def test_initialize_save_load_and_grow_again(trained, tmp_path):
    """Every order in which a model can get labels and be initialized, saved and loaded."""
    component = trained.get_pipe("bio_ner")
    component.add_label("DEVICE")
    fix_random_seed(0)
    optimizer = trained.initialize(lambda: examples_of(trained, TEXTS))
    for _ in range(60):
        trained.update(examples_of(trained, TEXTS), sgd=optimizer)
    assert [found(trained(text)) for text, _ in TEXTS] == [ents for _, ents in TEXTS]
    trained.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")
    assert nlp.get_pipe("bio_ner").labels == ("CHEM", "DIS", "DEVICE")
    nlp.get_pipe("bio_ner").add_label("DOSE")
    nlp.to_disk(tmp_path / "again")
    again = spacy.load(tmp_path / "again")
    assert again.get_pipe("bio_ner").labels == ("CHEM", "DIS", "DEVICE", "DOSE")
    assert [found(again(text)) for text, _ in TEXTS] == [ents for _, ents in TEXTS]
    again.get_pipe("bio_ner").add_label("MORE")
    again.initialize(lambda: examples_of(again, TEXTS))
    again(TEXTS[0][0])


def test_a_label_first_seen_in_update_is_learned(trained):
    optimizer = trained.resume_training(sgd=Adam(0.002))
    examples = examples_of(trained, [*TEXTS, *DRUG_TEXTS])
    with pytest.warns(UserWarning, match="was not initialized with the label 'DRUGCLASS'"):
        trained.update(examples, sgd=optimizer)
    assert trained.get_pipe("bio_ner").labels == ("CHEM", "DIS", "DRUGCLASS")
    for _ in range(150):
        trained.update(examples, sgd=optimizer)
    for text, ents in [*TEXTS, *DRUG_TEXTS]:
        assert found(trained(text)) == ents


def test_a_sourced_component_learns_new_labels(trained):
    target = spacy.blank("en")
    target.add_pipe("bio_ner", source=trained)
    optimizer = target.resume_training(sgd=Adam(0.002))
    with pytest.warns(UserWarning, match="DRUGCLASS"):
        for _ in range(150):
            target.update(examples_of(target, [*TEXTS, *DRUG_TEXTS]), sgd=optimizer)
    assert found(target(DRUG_TEXTS[0][0])) == DRUG_TEXTS[0][1]


def test_labels_are_given_and_docs_are_empty(nlp):
    component = nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    examples = [Example.from_dict(nlp.make_doc(""), {"entities": []})]
    component.initialize(lambda: examples, nlp=nlp, labels=["DIS"])
    assert nlp("Fever").ents is not None and component.model.get_dim("nO") == 3


def test_rehearsal_needs_to_be_prepared(trained):
    with pytest.raises(ValueError, match="nothing to rehearse: call nlp.resume_training"):
        trained.rehearse(examples_of(trained, TEXTS))


@bilstm
def test_rehearsal_keeps_what_was_learned(trained):
    """Trained on new texts alone it forgets; with rehearsal on old ones, without their annotation, it does not."""
    copies = [spacy.blank("en"), spacy.blank("en")]
    kept = {}
    for nlp, rehearses in zip(copies, (False, True)):
        nlp.add_pipe("bio_ner", config={"model": trained.config["components"]["bio_ner"]["model"]})
        nlp.from_bytes(trained.to_bytes())
        optimizer = nlp.resume_training(sgd=Adam(0.003))
        new = examples_of(nlp, [("Statins and fever", [(0, 7, "DRUGCLASS")]), ("Aspirin and opioids", [])])
        old = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text, _ in TEXTS]
        before = nlp.get_pipe("bio_ner")._rehearsal_model.predict([nlp.make_doc(TEXTS[0][0])])
        with pytest.warns(UserWarning, match="DRUGCLASS"):
            for _ in range(60):
                nlp.update(new, sgd=optimizer)
                if rehearses:
                    losses = nlp.rehearse(old, sgd=optimizer)
        assert rehearses is False or losses["bio_ner"] >= 0
        after = nlp.get_pipe("bio_ner")._rehearsal_model.predict([nlp.make_doc(TEXTS[0][0])])
        numpy.testing.assert_array_equal(before.emissions.data, after.emissions.data)
        kept[rehearses] = sum(found(nlp(text)) == ents for text, ents in TEXTS)
        assert ("Statins", "DRUGCLASS") in [(ent.text, ent.label_) for ent in nlp("Statins and fever").ents]
    assert kept[True] > kept[False] and kept[True] >= len(TEXTS) - 1


def student_of(labels):
    fix_random_seed(1)
    nlp = spacy.blank("en")
    component = nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    for label in labels:
        component.add_label(label)
    component.model.initialize(X=[nlp.make_doc("word")])
    return nlp


def test_distillation_teaches_what_the_teacher_knows(trained):
    """From texts alone, and with the labels in another order."""
    student = student_of(["DIS", "CHEM"])
    docs = [Doc(student.vocab, words=[t.text for t in trained.make_doc(text)]) for text, _ in TEXTS]
    examples = [Example(doc, doc.copy()) for doc in docs]
    optimizer, losses = Adam(0.005), []
    for _ in range(60):
        losses.append(student.get_pipe("bio_ner").distill(trained.get_pipe("bio_ner"), examples, sgd=optimizer))
    values = [loss["bio_ner"] for loss in losses]
    assert values[-1] < 0.02 * values[0] and min(values) > -1e-4
    for text, ents in TEXTS:
        doc, expected = student(text), trained(text)
        assert found(doc) == ents
        for ent, other in zip(doc.ents, expected.ents):
            assert ent._.confidence == pytest.approx(other._.confidence, abs=0.1)


def test_divergence_from_a_pipeline_equals_enumeration(trained):
    teacher = trained.get_pipe("bio_ner")
    teacher.cfg["temperature"] = 2.0
    student = student_of(teacher.labels).get_pipe("bio_ner")
    doc = trained.make_doc("Fever after penicillin")
    scores = [component.model.predict([doc]) for component in (teacher, student)]
    loss, _ = student.get_teacher_student_loss(*scores, temperature=2.0)
    scores[0].emissions.data /= 2.0
    flat = type(scores[0])(scores[0].emissions, scores[0].transitions / 2.0, scores[0].starts / 2.0)
    [(_, of_teacher)], [(_, of_student)] = enumerate_probabilities(flat), enumerate_probabilities(scores[1])
    q = dict(of_student)
    expected = sum(p * numpy.log(p / q[tags]) for tags, p in of_teacher if p > 0)
    assert loss == pytest.approx(expected, abs=1e-4)


def test_a_copy_has_nothing_to_learn_from_its_original(trained):
    component = trained.get_pipe("bio_ner")
    doc = trained.make_doc("Fever after penicillin")
    scores = component.model.predict([doc])
    loss, gradient = component.get_teacher_student_loss(scores, scores)
    assert loss == pytest.approx(0, abs=1e-6)
    assert abs(gradient.emissions.data).max() < 1e-6 and abs(gradient.transitions).max() < 1e-6


@pytest.mark.parametrize("labels", [["CHEM"], ["CHEM", "DIS", "NEW"]])
def test_a_teacher_with_other_labels(trained, labels):
    student = student_of(labels)
    doc = student.make_doc("Fever after penicillin")
    for _ in range(60):
        student.get_pipe("bio_ner").distill(trained.get_pipe("bio_ner"), [Example(doc, doc.copy())], sgd=Adam(0.005))
    names = [(ent.text, ent.label_) for ent in student("Fever after penicillin").ents if ent.label_ != "NEW"]
    assert ("penicillin", "CHEM") in names
    assert ("Fever", "DIS") in names or "DIS" not in labels


def test_a_teacher_without_a_common_label_is_refused(trained):
    student = student_of(["OTHER"])
    doc = student.make_doc("Fever")
    with pytest.raises(ValueError, match="teacher's labels are CHEM, DIS.*it can learn nothing"):
        student.get_pipe("bio_ner").distill(trained.get_pipe("bio_ner"), [Example(doc, doc.copy())])


def test_taught_docs_without_a_common_label_are_refused(trained):
    doc = teach(trained.get_pipe("bio_ner"), trained.make_doc("Fever"))
    with pytest.raises(ValueError, match="teacher's labels are CHEM, DIS.*it can learn nothing"):
        student_of(["OTHER"]).update([Example(doc.copy(), doc)])


def test_distillation_of_other_tokens_is_refused(trained):
    doc = trained.make_doc("Fever after penicillin")
    with pytest.raises(ValueError, match="only docs that have the same tokens"):
        trained.get_pipe("bio_ner").distill(trained.get_pipe("bio_ner"), [Example(doc, doc[:2].as_doc())])


def test_distillation_of_nothing(trained):
    doc = trained.make_doc("")
    component = trained.get_pipe("bio_ner")
    assert component.distill(component, [Example(doc, doc.copy())]) == {"bio_ner": 0.0}


def teach(teacher, doc):
    """Keep the teacher's posterior with a doc."""
    write_posterior(doc, teacher.labels, *compute_posteriors(teacher.model, [doc], teacher.cfg["temperature"]))
    return doc


def test_posteriors_survive_docbin(trained):
    teacher = trained.get_pipe("bio_ner")
    docs = [teach(teacher, trained.make_doc(text)) for text, _ in TEXTS]
    docbin = DocBin(docs=docs, store_user_data=True).to_bytes()
    copies = list(DocBin(store_user_data=True).from_bytes(docbin).get_docs(spacy.blank("en").vocab))
    found, expected = (read_posteriors(teacher.model.ops, some) for some in (copies, docs))
    exact = LinearChain.from_potentials(teacher.model.ops, teacher.model.predict(docs)).expected_counts()
    for a, b, c in zip(arrays(found), arrays(expected), arrays(exact)):
        numpy.testing.assert_array_equal(a, b)
        numpy.testing.assert_allclose(a, c, atol=0.03)
    assert len(read_posteriors(teacher.model.ops, [teach(teacher, trained.make_doc(""))]).emissions.dataXd) == 0


def arrays(counts):
    return counts.emissions.dataXd, counts.transitions, counts.starts


def test_gold_and_taught_docs_in_one_batch(trained):
    """The loss and its gradient are the sums of those of the parts."""
    teacher = trained.get_pipe("bio_ner")
    student = student_of(["DIS", "CHEM", "NEW"]).get_pipe("bio_ner")
    gold = examples_of(trained, TEXTS[:2])
    taught = [Example(trained.make_doc(text), teach(teacher, trained.make_doc(text))) for text, _ in TEXTS[2:]]
    mixed = [gold[0], taught[0], gold[1], taught[1], taught[2]]
    results = []
    for batch in (mixed, gold, taught):
        scores = student.model.predict([eg.predicted for eg in batch])
        results.append(student.get_loss(batch, scores))
    (loss, gradient), (loss_gold, of_gold), (loss_taught, of_taught) = results
    assert loss == pytest.approx(loss_gold + loss_taught, rel=1e-5)
    numpy.testing.assert_allclose(gradient.transitions, of_gold.transitions + of_taught.transitions, atol=1e-4)
    numpy.testing.assert_allclose(gradient.starts, of_gold.starts + of_taught.starts, atol=1e-5)
    rows = numpy.split(gradient.emissions.dataXd, numpy.cumsum([len(eg.predicted) for eg in mixed])[:-1])
    numpy.testing.assert_allclose(numpy.concatenate([rows[0], rows[2]]), of_gold.emissions.dataXd, atol=1e-5)
    numpy.testing.assert_allclose(numpy.concatenate([rows[1], *rows[3:]]), of_taught.emissions.dataXd, atol=1e-5)
    # It is the gradient towards the teacher.
    scores = [pipe.model.predict([eg.predicted for eg in taught]) for pipe in (teacher, student)]
    _, expected = student.get_teacher_student_loss(*scores, teacher_labels=teacher.labels)
    numpy.testing.assert_allclose(of_taught.emissions.dataXd, expected.emissions.dataXd, atol=2e-3)


def test_taught_docs_with_other_tokens_are_refused(trained):
    component = trained.get_pipe("bio_ner")
    taught = teach(component, trained.make_doc("Fever after penicillin"))
    eg = Example(Doc(trained.vocab, words=["Fever", "after", "peni", "cillin"]), taught)
    with pytest.raises(ValueError, match="only with the tokens that they were taught with"):
        component.get_loss([eg], component.model.predict([eg.predicted]))
