"""What a teacher says of texts: exact to the precision it is stored with, the same after a kill, and enough to learn
from."""

import subprocess
import sys

import numpy
import pytest
import spacy
from spacy.cli import app
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Corpus, Example
from thinc.api import fix_random_seed
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.util import InputError

pytest.importorskip("pyarrow")

from spacy_bio_ner.annotate.engines import processes  # noqa: E402
from spacy_bio_ner.annotate.inputs.discovery import find_sources  # noqa: E402
from spacy_bio_ner.annotate.manifest import read_manifest  # noqa: E402
from spacy_bio_ner.annotate.results import open_results  # noqa: E402
from spacy_bio_ner.annotate.runner import annotate  # noqa: E402
from spacy_bio_ner.annotate.taught import Teaching, describe_teachers  # noqa: E402
from spacy_bio_ner.crf.potentials import Potentials  # noqa: E402
from spacy_bio_ner.distillation import has_posterior, read_posteriors, taught_labels  # noqa: E402

from ..conftest import SMALL_MODEL, TEXTS  # noqa: E402
from ..crf.enumeration import enumerate_probabilities  # noqa: E402
from .conftest import Serial, errors, texts, write_texts  # noqa: E402
from .test_runs import wait_for  # noqa: E402

SHARD = 5


def distill(output, *sources, teachers, engine=Serial(), entities=False, shard_size=SHARD, **settings):
    models, has_posterior = describe_teachers([str(path) for path in teachers], entities, -1)
    settings = {"temperature": 1.0 if has_posterior else None, **settings}
    job = Teaching(models[0], output, others=tuple(models[1:]), **settings)
    return annotate(job, find_sources(sources)[0], engine, shard_size=shard_size)


def read(output, nlp=None):
    """The taught Docs, as a training reads them."""
    return [eg.reference for eg in Corpus(output)(nlp or spacy.blank("en"))]


def files(output):
    return {path.name: path.read_bytes() for path in (output / "documents").iterdir()}


def run_cli(*args, stdin=None):
    result = CliRunner().invoke(app, ["bio-ner", "distill", *map(str, args)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    """A teacher that knows less, with its labels in another order."""
    path = tmp_path_factory.mktemp("other") / "model"
    fix_random_seed(3)
    nlp = spacy.blank("en")
    component = nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    for label in ("DIS", "CHEM"):
        component.add_label(label)
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(path)
    return path


@pytest.fixture
def pile(tmp_path):
    return write_texts(tmp_path / "x.jsonl", 23)


def enumerated(path, doc, temperature=1.0):
    """The marginals and the expected transitions of a Doc, summed over all tag sequences, its labels in order."""
    nlp = spacy.load(path)
    component = nlp.get_pipe("bio_ner")
    scores = component.model.predict([nlp.make_doc(doc.text)])
    scores.emissions.data = scores.emissions.data.astype("float64") / temperature
    scores = Potentials(scores.emissions, scores.transitions / temperature, scores.starts / temperature)
    size = 1 + 2 * len(component.labels)
    marginals, transitions = numpy.zeros((len(doc), size)), numpy.zeros((size, size))
    [(_, sequences)] = enumerate_probabilities(scores)
    for tags, probability in sequences:
        marginals[numpy.arange(len(doc)), list(tags)] += probability
        for pair in zip(tags, tags[1:]):
            transitions[pair] += probability
    tags = [0, *(1 + 2 * component.labels.index(label) + i for label in ("CHEM", "DIS") for i in (0, 1))]
    return marginals[:, tags], transitions[numpy.ix_(tags, tags)]


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_posterior_of_the_shards_equals_enumeration(model, other_model, tmp_path, temperature):
    (tmp_path / "x.txt").write_text("Aspirin after fever\nAsthma\npulmonary fibrosis and café .\n")
    for teachers in ([model], [other_model], [model, other_model]):
        output = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        distill(output, tmp_path / "x.txt", teachers=teachers, temperature=temperature)
        docs = read(output)
        assert [doc.text for doc in docs] == (tmp_path / "x.txt").read_text().splitlines()
        tags = [0, *(1 + 2 * taught_labels(docs[0]).index(label) + i for label in ("CHEM", "DIS") for i in (0, 1))]
        for doc in docs:
            found = read_posteriors(spacy.load(model).get_pipe("bio_ner").model.ops, [doc])
            expected = [enumerated(path, doc, temperature) for path in teachers]
            marginals, transitions = (numpy.mean(arrays, axis=0) for arrays in zip(*expected))
            numpy.testing.assert_allclose(found.emissions.dataXd[:, tags], marginals, atol=5e-3)
            numpy.testing.assert_allclose(found.transitions[numpy.ix_(tags, tags)], transitions, atol=2e-3)
            assert not doc.has_annotation("ENT_IOB") and has_posterior(doc)


def test_what_is_set_before_the_teacher_does_not_change_its_posterior(model, tmp_path, pile):
    nlp = spacy.load(model)
    nlp.add_pipe("entity_ruler", before="bio_ner").add_patterns([{"label": "CHEM", "pattern": "and"}])
    nlp.to_disk(tmp_path / "model")
    distill(tmp_path / "a", pile, teachers=[model])
    distill(tmp_path / "b", pile, teachers=[tmp_path / "model"])
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_texts_are_parted_where_the_teacher_parts_them(model, tmp_path):
    nlp = spacy.load(model)
    nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "x.txt").write_text("Fever. Asthma and Aspirin. \nAsthma\n")
    (tmp_path / "y.txt").write_text("Fever. \nAsthma and Aspirin. \nAsthma\n")
    assert distill(tmp_path / "x", tmp_path / "x.txt", teachers=[tmp_path / "model"])["documents"] == 2
    distill(tmp_path / "y", tmp_path / "y.txt", teachers=[model])
    one, other = read(tmp_path / "x"), read(tmp_path / "y")
    assert [doc.text for doc in one] == ["Fever. ", "Asthma and Aspirin. ", "Asthma"]
    for a, b in zip(one, other, strict=True):
        numpy.testing.assert_equal(a.user_data, b.user_data)


@Language.component("scored_entities")
def scored_entities(doc):
    """Every word is an entity, whose score is its length in tenths; that of café is not known."""
    doc.ents = [Span(doc, i, i + 1, "X") for i in range(len(doc)) if doc[i].is_alpha]
    known = [ent for ent in doc.ents if ent.text != "café"]
    doc.spans["scored"] = known
    doc.spans["scored"].attrs["scores"] = numpy.array([len(ent.text) / 10 for ent in known])
    return doc


def test_entities_of_another_pipeline(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DIS", "pattern": "Fever"}])
    nlp.to_disk(tmp_path / "rules")
    (tmp_path / "x.txt").write_text("Fever after fever\n")
    distill(tmp_path / "out", tmp_path / "x.txt", teachers=[tmp_path / "rules"])
    [doc] = read(tmp_path / "out")
    assert [token.ent_iob_ + token.ent_type_ for token in doc] == ["BDIS", "O", "O"] and not has_posterior(doc)


def test_a_student_of_spacy_s_ner_finds_what_that_finds(tmp_path):
    fix_random_seed(0)
    teacher, student = spacy.blank("en"), spacy.blank("en")
    teacher.add_pipe("ner")
    student.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    gold = [(text, {"entities": ents}) for text, ents in TEXTS]
    optimizer = teacher.initialize(lambda: [Example.from_dict(teacher.make_doc(t), known) for t, known in gold])
    for _ in range(30):
        teacher.update([Example.from_dict(teacher.make_doc(t), known) for t, known in gold], sgd=optimizer)
    teacher.to_disk(tmp_path / "ner")
    (tmp_path / "x.txt").write_text("\n".join(text for text, _ in TEXTS))
    distill(tmp_path / "out", tmp_path / "x.txt", teachers=[tmp_path / "ner"])
    corpus = Corpus(tmp_path / "out")
    optimizer = student.initialize(lambda: corpus(student))
    for _ in range(60):
        student.update(list(corpus(student)), sgd=optimizer)
    found = [[(ent.text, ent.label_) for ent in teacher(text).ents] for text, _ in TEXTS]
    assert sum(map(len, found)) >= 5
    assert [[(ent.text, ent.label_) for ent in student(text).ents] for text, _ in TEXTS] == found


def test_entities_with_a_low_score_are_missing(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("scored_entities")
    nlp.meta["name"] = "scored"
    nlp.to_disk(tmp_path / "scored")
    (tmp_path / "x.txt").write_text("a fever , café\n")
    distill(tmp_path / "out", tmp_path / "x.txt", teachers=[tmp_path / "scored"], min_score=0.5)
    [doc] = read(tmp_path / "out")
    assert [token.ent_iob_ for token in doc] == ["", "B", "O", "B"]


def test_entities_of_a_bio_ner(model, tmp_path):
    nlp = spacy.load(model)
    (tmp_path / "x.txt").write_text("\n".join(texts(23)))
    probabilities = numpy.sort([ent._.confidence for doc in nlp.pipe(texts(23)) for ent in doc.ents])
    gap = 9 + numpy.diff(probabilities[9:20]).argmax()
    least = float(probabilities[gap : gap + 2].mean())
    distill(tmp_path / "out", tmp_path / "x.txt", teachers=[model], entities=True, min_score=least)
    docs = read(tmp_path / "out")
    for doc, text in zip(docs, texts(23), strict=True):
        expected = nlp(text)
        assert [(ent.text, ent.label_) for ent in doc.ents] == [
            (ent.text, ent.label_) for ent in expected.ents if ent._.confidence >= least
        ]
        doubtful = {t.i for ent in expected.ents if ent._.confidence < least for t in ent}
        assert {t.i for t in doc if not t.ent_iob_} == doubtful
    assert sum(not t.ent_iob_ for doc in docs for t in doc) >= 9


@pytest.mark.parametrize("stop", [0, 2, 4])
def test_cut_off_and_resumed_it_writes_the_same_bytes(model, other_model, pile, tmp_path, stop):
    distill(tmp_path / "expected", pile, teachers=[model, other_model])
    with pytest.raises(KeyboardInterrupt):
        distill(tmp_path / "out", pile, teachers=[model, other_model], engine=Serial(stop))
    distill(tmp_path / "out", pile, teachers=[model, other_model])
    assert files(tmp_path / "out") == files(tmp_path / "expected") and len(files(tmp_path / "out")) == 5
    result = {"items": 23, "shards": 5, "documents": 23, "errors": 0}
    assert read_manifest(tmp_path / "out").result == read_manifest(tmp_path / "expected").result == result
    damaged = tmp_path / "out" / "documents" / "00001.spacy"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    distill(tmp_path / "out", pile, teachers=[model, other_model])
    assert files(tmp_path / "out") == files(tmp_path / "expected")
    for change, reason in (
        (dict(temperature=2.0), "temperature was 1.0 and is 2.0"),
        (dict(teachers=[model]), "other teachers was "),
    ):
        with pytest.raises(InputError, match=reason):
            distill(tmp_path / "out", pile, **{"teachers": [model, other_model], **change})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills a process")
def test_killed_and_resumed(model, tmp_path):
    pile, output = write_texts(tmp_path / "x.jsonl", 300), tmp_path / "out"
    command = [sys.executable, "-m", "spacy", "bio-ner", "distill", model, pile, output, "--shard-size", SHARD]
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(output.glob("shards/0*"))) >= 3)
    process.kill()
    process.wait()
    assert 3 <= len(list(output.glob("shards/0*"))) < 60
    wait_for(lambda: not _is_locked(output))
    distill(output, pile, teachers=[model])
    distill(tmp_path / "expected", pile, teachers=[model])
    assert files(output) == files(tmp_path / "expected")


def _is_locked(output):
    from spacy_bio_ner.annotate.runner import locked

    try:
        with locked(output):
            return False
    except InputError:
        return True


def test_a_student_of_shards_alone_gets_near_its_teacher(model, tmp_path):
    """Without a gold entity: its labels, too, are those of the teacher."""
    (tmp_path / "x.txt").write_text("\n".join(text for text, _ in TEXTS))
    distill(tmp_path / "out", tmp_path / "x.txt", teachers=[model], shard_size=1000)
    fix_random_seed(1)
    student, teacher = spacy.blank("en"), spacy.load(model)
    student.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    corpus = Corpus(tmp_path / "out")
    optimizer = student.initialize(lambda: corpus(student))
    assert set(student.get_pipe("bio_ner").labels) == {"CHEM", "DIS"}
    for _ in range(80):
        student.update(list(corpus(student)), sgd=optimizer)
    for text, ents in TEXTS:
        doc, expected = student(text), teacher(text)
        assert [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] == ents
        for ent, other in zip(doc.ents, expected.ents):
            assert ent._.confidence == pytest.approx(other._.confidence, abs=0.1)


def test_texts_that_cannot_be_used_cost_no_others(model, tmp_path):
    lines = [b"Fever", b"caf\xe9", "fever ".encode() * 200_000, b"Asthma"]
    (tmp_path / "x.txt").write_bytes(b"\n".join(lines))
    (tmp_path / "x.jsonl").write_text('{"text": ""}\n{"text": "  "}\n')
    result = distill(tmp_path / "out", tmp_path / "x.txt", tmp_path / "x.jsonl", teachers=[model])
    assert (result["documents"], result["errors"]) == (4, 2)
    assert [doc.text for doc in read(tmp_path / "out")] == ["Fever", "Asthma", "  "]  # spaCy passes over what is empty
    causes = [error["cause"] for error in errors(tmp_path / "out")]
    assert "not UTF-8" in causes[0] + causes[1] and "expected no more than nlp.max_length" in causes[0] + causes[1]


def test_a_shard_without_a_text_is_a_corpus_too(model, tmp_path):
    lines = ['{"text": "Fever"}', *["not JSON"] * 9]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    distill(tmp_path / "out", tmp_path / "x.jsonl", teachers=[model])
    assert [doc.text for doc in read(tmp_path / "out")] == ["Fever"] and len(files(tmp_path / "out")) == 2


def test_command(model, other_model, pile, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    result = run_cli(model, pile, tmp_path / "out", "--with", other_model, "-T", 2, "--shard-size", SHARD)
    assert result.exit_code == 0 and "Wrote the posterior of 23 texts" in result.output, result.output
    distill(tmp_path / "expected", pile, teachers=[model, other_model], temperature=2.0)
    assert files(tmp_path / "out") == files(tmp_path / "expected")
    with pytest.raises(InputError, match="found what 'bio-ner distill' writes"):
        open_results(tmp_path / "out")


def test_command_that_cannot_begin(model, pile, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "Processes", lambda n_process: Serial())
    nlp = spacy.load(model)
    nlp.get_pipe("bio_ner").add_label("DRUG")
    nlp.to_disk(tmp_path / "more")
    spacy.blank("en").to_disk(tmp_path / "blank")
    rules = spacy.blank("en")
    rules.add_pipe("entity_ruler")
    rules.to_disk(tmp_path / "rules")
    untrained = spacy.blank("en")
    untrained.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    untrained.to_disk(tmp_path / "untrained")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "file").write_text("")
    new = tmp_path / "new"
    for args, said in (
        ((tmp_path / "none", pile, new), "none: cannot load the pipeline"),
        ((tmp_path / "blank", pile, new), "blank: the pipeline has no component"),
        ((tmp_path / "untrained", pile, new), "has no labels: it was not trained"),
        ((model, tmp_path / "none", new), "none: no such file or folder"),
        ((model, tmp_path / "empty.txt", new), "found no text in the first 1000 items of each input"),
        (
            (model, tmp_path / "latin.txt", new),
            "latin.txt:1: byte 0xe9 at position 4 is not UTF-8: save",
        ),
        ((model, pile, tmp_path / "file"), "file: found a file, expected a folder to write to"),
        ((model, tmp_path, new), "would be read as a part of the input"),
        ((model, pile, new, "--with", tmp_path / "more"), "more: its labels are CHEM, DIS, DRUG, those of"),
        ((model, pile, new, "--with", tmp_path / "rules"), "rules: found 0 components of the factory bio_ner"),
        ((tmp_path / "rules", pile, new, "--with", model), "only posteriors have a mean"),
        ((tmp_path / "rules", pile, new, "-T", 2), "--temperature is for the posterior"),
        ((model, pile, new, "--min-score", 0.5), "--min-score is for entities"),
    ):
        result = run_cli(*args)
        assert result.exit_code == 1 and said in result.output, result.output
        assert not new.exists(), said
