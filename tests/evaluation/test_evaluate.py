import re
from collections import Counter, defaultdict

import numpy
import pytest
import spacy
import srsly
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2
from spacy.cli import app
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from typer.testing import CliRunner

import spacy_bio_ner.cli.evaluate  # noqa: F401  (adds the command)
from spacy_bio_ner.corpora.source_mentions import SourceMention, set_source
from spacy_bio_ner.evaluation.bootstrap import interval, resample
from spacy_bio_ner.evaluation.counts import TextSpan, count, prf
from spacy_bio_ner.evaluation.scores import evaluate
from spacy_bio_ner.util import InputError

from ..conftest import TEXTS

PREDICTIONS = {}


@Language.component("test_fake_ner", assigns=["doc.ents"])
def fake_ner(doc):
    """Predicts what a test has laid down for a text: start token, end token and label."""
    doc.ents = [Span(doc, start, end, label=label) for start, end, label in PREDICTIONS.get(doc.text.strip(), [])]
    return doc


@pytest.fixture(autouse=True)
def no_predictions():
    PREDICTIONS.clear()


NLP = spacy.blank("en")
NLP.add_pipe("test_fake_ner")


def gold_doc(words, ents, missing=(), source=None, document=None, as_text=False):
    """A Doc as `convert` writes it. Mentions of the source are its entities, or given in characters."""
    spaces = [True] * (len(words) - 1) + [False] if as_text else None
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    doc.set_ents([Span(doc, *ent[:2], label=ent[2]) for ent in ents], missing=[doc[i : i + 1] for i in missing])
    if source is None:
        source = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    set_source(doc, document, [SourceMention(*mention, "") for mention in source])
    return doc


def predict(doc, *spans):
    PREDICTIONS[doc.text.strip()] = spans
    return doc


def counts_of(scores):
    return scores["tp"], scores["fp"], scores["fn"]


def total_of(result):
    return result["ents_tp"], result["ents_fp"], result["ents_fn"]


LABELS = ["DIS", "CHEM", "SOCIAL-MEDIA"]


@st.composite
def spans(draw, length):
    parts = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(LABELS)), max_size=4))
    found, position = [], 0
    for gap, size, label in parts:
        if position + gap + size <= length:
            found.append((position + gap, position + gap + size, label))
            position += gap + size
    return found


@st.composite
def corpora_and_predictions(draw, with_missing):
    """Words, gold spans, tokens without annotation and predictions of some sentences. Half of the predictions are
    gold, so that scores are not all 0."""
    corpus = []
    for i in range(draw(st.integers(1, 5))):
        length = draw(st.integers(1, 8))
        gold = draw(spans(length))
        inside = {t for start, end, _ in gold for t in range(start, end)}
        missing = draw(st.sets(st.integers(0, length - 1))) - inside if with_missing else set()
        predicted = gold if draw(st.booleans()) else draw(spans(length))
        corpus.append(([f"w{i}x{j}" for j in range(length)], gold, sorted(missing), predicted))
    assume(any(gold for _, gold, _, _ in corpus))
    return corpus


def lay_down(corpus, as_text):
    PREDICTIONS.clear()
    docs = []
    for words, gold, missing, predicted in corpus:
        docs.append(predict(gold_doc(words, gold, missing, as_text=as_text), *predicted))
    return docs


def tags(found, length):
    tags = ["O"] * length
    for start, end, label in found:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


@given(corpora_and_predictions(with_missing=False), st.booleans())
def test_agrees_with_seqeval_where_nothing_is_lost(corpus, as_text):
    result = evaluate(NLP, lay_down(corpus, as_text))
    sides = [[tags(sentence[side], len(sentence[0])) for sentence in corpus] for side in (1, 3)]
    options = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    p, r, f, _ = precision_recall_fscore_support(*sides, average="micro", **options)
    assert_allclose([result["ents_p"], result["ents_r"], result["ents_f"]], [p, r, f])
    labels = sorted({label for sentence in corpus for side in (1, 3) for _, _, label in sentence[side]})
    assert list(result["ents_per_type"]) == labels
    per_type = precision_recall_fscore_support(*sides, average=None, **options)
    ours = [[scores[key] for scores in result["ents_per_type"].values()] for key in ("p", "r", "f", "support")]
    assert_allclose(ours, per_type)
    assert result["ents_support"] == sum(per_type[3])
    assert result["lost"] == result["duplicates"] == result["ignored"] == 0


@given(corpora_and_predictions(with_missing=True), st.booleans())
@example([(["a", "b", "c"], [(0, 1, "DIS")], [2], [(0, 1, "DIS"), (1, 3, "DIS")])], False)
def test_agrees_with_spacy_where_nothing_is_lost_but_annotation_is_missing(corpus, as_text):
    docs = lay_down(corpus, as_text)
    result = evaluate(NLP, docs)
    examples = [Example(fake_ner(Doc(NLP.vocab, words=[t.text for t in doc])), doc) for doc in docs]
    spacys = Scorer().score(examples)
    for key in ("ents_p", "ents_r", "ents_f"):
        assert_allclose(result[key], spacys[key])
        assert_allclose(result["spacy"][key], spacys[key])
    ignored_throughout = {"p": 0, "r": 0, "f": 0}  # spaCy leaves such a label out if nothing in its Doc is annotated
    for label, scores in result["ents_per_type"].items():
        spacys_scores = spacys["ents_per_type"].get(label, ignored_throughout)
        assert_allclose([scores[key] for key in "prf"], [spacys_scores[key] for key in "prf"])
    missing = [set(sentence[2]) for sentence in corpus]
    touching = sum(bool(t & set(range(*p[:2]))) for t, sentence in zip(missing, corpus) for p in sentence[3])
    assert result["ignored"] == touching


@given(corpora_and_predictions(with_missing=False))
def test_counts_equal_naive_counting(corpus):
    naive = defaultdict(Counter)
    counts = numpy.zeros((3, 3), dtype="int64")
    for words, gold, _, predicted in corpus:
        for span in set(gold + predicted):
            column = 0 if span in gold and span in predicted else 1 if span in predicted else 2
            naive[span[2]][column] += 1
        counts += count({TextSpan(*s, "") for s in gold}, {TextSpan(*s, "") for s in predicted}, LABELS)
    assert counts.tolist() == [[naive[label][column] for column in range(3)] for label in LABELS]


def test_scores_are_0_where_there_is_nothing_to_divide_by():
    assert prf(numpy.array([[0, 0, 0], [0, 2, 0], [0, 0, 2], [1, 0, 0]])).tolist() == [[0.0] * 3] * 3 + [[1.0] * 3]
    assert_allclose(prf(numpy.array([2, 1, 3])), [2 / 3, 2 / 5, 4 / 8])


def test_lost_mention_is_missed_here_and_unseen_by_spacy():
    # "left and right lung": two mentions, of which the discontinuous one could not be an entity.
    doc = gold_doc(["left", "and", "right", "lung"], [(2, 4, "SITE")], source=[(0, 19, "SITE"), (9, 19, "SITE")])
    result = evaluate(NLP, [predict(doc, (2, 4, "SITE"))])
    assert total_of(result) == (1, 0, 1) and result["ents_r"] == 0.5
    assert result["spacy"]["ents_r"] == 1.0
    assert result["lost"] == 1
    result = evaluate(NLP, [predict(doc, (0, 4, "SITE"))])
    assert total_of(result) == (1, 0, 1)  # its whole extent, as the source gives it
    assert result["spacy"]["ents_f"] == 0.0


def test_moved_mention_is_scored_where_the_source_has_it():
    doc = gold_doc(["non-Hodgkin"], [(0, 1, "DIS")], source=[(4, 11, "DIS")], as_text=True)
    result = evaluate(NLP, [gold_doc(["x"], [(0, 1, "DIS")]), predict(doc, (0, 1, "DIS"))])
    assert total_of(result) == (0, 1, 2) and result["lost"] == 1


def test_part_of_a_gold_token_is_not_the_token():
    doc = predict(gold_doc(["don't"], [(0, 1, "X")], as_text=True), (0, 1, "X"))  # "do", as spaCy's tokenizer has it
    result = evaluate(NLP, [doc])
    assert total_of(result) == (0, 1, 1) and result["spacy"]["ents_f"] == 1.0


def test_mention_given_twice_counts_once():
    doc = gold_doc(["fever"], [(0, 1, "DIS")], source=[(0, 5, "DIS"), (0, 5, "DIS"), (0, 5, "SIGN")])
    result = evaluate(NLP, [predict(doc, (0, 1, "DIS"))])
    assert total_of(result) == (1, 0, 1)
    assert result["duplicates"] == 1 and result["lost"] == 1


def test_docs_that_were_not_written_here_are_scored_by_their_entities():
    doc = Doc(NLP.vocab, words=["mild", "fever"], ents=["O", "B-DIS"])
    result = evaluate(NLP, [predict(doc, (0, 2, "DIS"))])
    assert total_of(result) == (0, 1, 1) and result["lost"] == 0


def test_predictions_on_missing_annotation_are_neither_right_nor_wrong():
    doc = gold_doc(["a", "b", "c", "d"], [(0, 1, "X")], missing=[2, 3])
    result = evaluate(NLP, [predict(doc, (0, 1, "X"), (1, 2, "X"), (2, 4, "X"))])
    assert total_of(result) == (1, 1, 0) and result["ignored"] == 1
    # Unless the source has just that mention: then its annotation is not missing but lost.
    doc = gold_doc(["a", "b", "c", "d"], [(0, 1, "X")], missing=[2, 3], source=[(0, 1, "X"), (4, 7, "X")])
    assert total_of(evaluate(NLP, [predict(doc, (2, 4, "X"))])) == (1, 0, 1)
    assert total_of(evaluate(NLP, [predict(doc, (2, 3, "X"))])) == (0, 0, 2)


def test_text_is_tokenized_by_the_pipeline_and_words_are_kept():
    words = ["don't", "panic"]  # spaCy's tokenizer makes three tokens of it
    for as_text, spans in ((False, [(0, 1, "X"), (1, 2, "X")]), (True, [(0, 2, "X"), (2, 3, "X")])):
        doc = predict(gold_doc(words, [(0, 1, "X"), (1, 2, "X")], as_text=as_text), *spans)
        result = evaluate(NLP, [doc])
        assert total_of(result) == (2, 0, 0)
        assert result["spacy"]["ents_f"] == 1.0


def test_empty_docs_and_the_batch_size_make_no_difference():
    docs = [predict(gold_doc([f"w{i}", "x"], [(0, 1, "X")]), (i % 2, 1 + i % 2, "X")) for i in range(7)]
    docs += [Doc(NLP.vocab), NLP.make_doc("")]
    results = [evaluate(NLP, iter(docs), batch_size=size) for size in (None, 1, 3)]
    assert results[0] == results[1] == results[2]
    assert total_of(results[0]) == (4, 3, 3)


def random_counts(n_units, n_labels=2, seed=1):
    return numpy.random.default_rng(seed).poisson([4, 1, 1], size=(n_units, n_labels, 3))


def test_interval_equals_naive_resampling():
    counts = random_counts(11)
    rng = numpy.random.default_rng(5)
    micro, per_type = [], []
    for _ in range(200):
        drawn = [counts[i].tolist() for i in rng.integers(11, size=11)]
        sums = [[sum(unit[label][column] for unit in drawn) for column in range(3)] for label in range(2)]
        tp, fp, fn = (sums[0][column] + sums[1][column] for column in range(3))
        p, r = tp / (tp + fp), tp / (tp + fn)
        micro.append((p, r, 2 * p * r / (p + r)))
        per_type.append([2 * tp / (2 * tp + fp + fn) for tp, fp, fn in sums])
    samples = resample(counts, n_resamples=200, seed=5)
    assert_allclose(prf(samples.sum(axis=1)), micro)
    assert_allclose(prf(samples)[..., 2], per_type)
    # Linear interpolation between the samples on either side of the percentile.
    for found, values in zip(interval(prf(samples.sum(axis=1))).T, numpy.sort(micro, axis=0).T):
        for end, place in zip(found, (0.025 * 199, 0.975 * 199)):
            below = int(place)
            assert_allclose(end, values[below] + (place - below) * (values[below + 1] - values[below]))


def test_interval_holds_the_point_and_narrows_with_more_units():
    widths = []
    for n_units in (10, 100, 1000):
        counts = random_counts(n_units)
        low, high = interval(prf(resample(counts).sum(axis=1)))
        point = prf(counts.sum(axis=(0, 1)))
        assert (low < point).all() and (point < high).all()
        widths.append(high - low)
    assert (widths[0] > 2 * widths[1]).all() and (widths[1] > 2 * widths[2]).all()


def test_interval_covers_the_truth_as_often_as_it_says():
    truth = prf(numpy.array([4, 1, 1]))
    covered = []
    for seed in range(200):
        low, high = interval(prf(resample(random_counts(60, seed=seed), n_resamples=300).sum(axis=1)))
        covered.append((low <= truth) & (truth <= high))
    assert (numpy.mean(covered, axis=0) > 0.88).all() and (numpy.mean(covered, axis=0) < 0.995).all()


def test_single_unit_has_no_width():
    counts = random_counts(1)
    low, high = interval(prf(resample(counts)))
    assert (low == high).all()
    assert_allclose(low, prf(counts[0]))


def test_documents_are_drawn_whole_and_docs_without_one_alone():
    docs = [gold_doc([f"w{i}"], [(0, 1, "X")], document=name) for i, name in enumerate(["a", "b", "a", None, None])]
    for doc in docs[:2]:
        predict(doc, (0, 1, "X"))
    result = evaluate(NLP, docs)
    assert (result["unit"], result["n_units"]) == ("documents", 4)
    # Units: a with one of two found, b with all, two more with none.
    counts = numpy.array([[[1, 0, 1]], [[1, 0, 0]], [[0, 0, 1]], [[0, 0, 1]]])
    assert_allclose(result["interval"]["ents_r"], interval(prf(resample(counts)[:, 0]))[:, 1])
    for doc in docs:
        set_source(doc, None, [SourceMention(0, 2, "X", "")])
    result = evaluate(NLP, docs)
    assert (result["unit"], result["n_units"]) == ("sentences", 5)
    for label in [{}, result["interval"]["ents_per_type"]["X"]]:
        low, high = label.get("f", result["interval"]["ents_f"])
        assert low < result["ents_f"] < high
    assert evaluate(NLP, docs) == result


def test_seen_and_unseen_by_hand():
    train = [gold_doc(["Fever", "aspirin"], [(0, 1, "DIS"), (1, 2, "CHEM")])]
    docs = [
        predict(gold_doc(["fever", "here"], [(0, 1, "DIS")]), (0, 1, "DIS")),  # seen, found
        predict(gold_doc(["FEVER"], [(0, 1, "DIS")])),  # seen, missed
        predict(gold_doc(["aspirin"], [(0, 1, "DIS")]), (0, 1, "CHEM")),  # unseen as DIS, and CHEM predicted as seen
        predict(gold_doc(["mild", "asthma"], [(0, 2, "DIS")]), (1, 2, "DIS")),  # unseen, wrong edge
        predict(gold_doc(["gout"], [(0, 1, "DIS")]), (0, 1, "DIS")),  # unseen, found
    ]
    result = evaluate(NLP, docs, train)
    assert counts_of(result["seen"]) == (1, 1, 1) and counts_of(result["unseen"]) == (1, 1, 2)
    assert result["seen"]["support"] == 2 and result["unseen"]["support"] == 3
    assert_allclose([result["seen"][key] for key in "prf"], [1 / 2, 1 / 2, 1 / 2])
    assert_allclose([result["unseen"][key] for key in "prf"], [1 / 2, 1 / 3, 2 / 5])
    nothing_seen = evaluate(NLP, docs, [])
    assert counts_of(nothing_seen["unseen"]) == total_of(result)
    assert [nothing_seen["seen"][key] for key in "prf"] == [None] * 3
    without = evaluate(NLP, docs)
    assert without["seen"] is None and without["unseen"] is None


def test_lost_mentions_of_train_are_seen_too():
    train = [gold_doc(["acute", "renal", "failure"], [(0, 3, "DIS")], source=[(0, 19, "DIS"), (6, 19, "DIS")])]
    result = evaluate(NLP, [gold_doc(["renal", "failure"], [(0, 2, "DIS")])], train)
    assert counts_of(result["seen"]) == (0, 0, 1)


def test_label_map_renames_the_gold_and_leaves_out_what_it_cannot_have():
    lost = [(0, 5, "Disease"), (6, 13, "Disease"), (0, 13, "Disease")]
    doc = gold_doc(["fever", "malaria", "aspirin", "x"], [(0, 1, "Disease"), (1, 2, "Disease")], [3], source=lost)
    predict(doc, (0, 1, "DIS"), (1, 2, "DIS"), (2, 3, "CHEM"))
    train = [gold_doc(["fever"], [(0, 1, "Disease")])]
    plain = evaluate(NLP, [doc], train)
    assert total_of(plain) == (0, 3, 3) and plain["labels_left_out"] == {}
    result = evaluate(NLP, [doc], train, label_map={"Disease": "DIS"})
    assert total_of(result) == (2, 0, 1)
    assert list(result["ents_per_type"]) == list(result["spacy"]["ents_per_type"]) == ["DIS"]
    assert result["spacy"]["ents_f"] == 1.0
    assert result["labels_left_out"] == {"CHEM": 1} and result["lost"] == 1 and result["ignored"] == 0
    assert counts_of(result["seen"]) == (1, 0, 0)
    # The caller's Docs stay as they are.
    assert [ent.label_ for ent in doc.ents] == ["Disease"] * 2 and doc[3].ent_iob == 0


def test_labels_are_renamed_at_once_and_can_be_swapped_or_joined():
    doc = predict(gold_doc(["a", "b"], [(0, 1, "A"), (1, 2, "B")]), (0, 1, "B"), (1, 2, "A"))
    assert evaluate(NLP, [doc], label_map={"A": "B", "B": "A"})["ents_f"] == 1.0
    result = evaluate(NLP, [doc], label_map={"A": "B"})
    assert total_of(result) == (1, 0, 1) and result["labels_left_out"] == {"A": 1}


def test_missing_annotation_survives_the_label_map():
    doc = predict(gold_doc(["a", "b"], [(0, 1, "A")], missing=[1]), (0, 1, "X"), (1, 2, "X"))
    result = evaluate(NLP, [doc], label_map={"A": "X"})
    assert total_of(result) == (1, 0, 0) and result["ignored"] == 1
    assert result["spacy"]["ents_f"] == 1.0


def test_labels_that_are_scored_can_be_chosen():
    doc = gold_doc(["fever", "aspirin", "gout"], [(0, 1, "DIS"), (1, 2, "CHEM")], [2])
    predict(doc, (0, 1, "DIS"), (1, 2, "DIS"), (2, 3, "CHEM"))
    assert total_of(evaluate(NLP, [doc])) == (1, 1, 1)
    result = evaluate(NLP, [doc], [doc], labels=["DIS"])
    assert total_of(result) == (1, 1, 0) and result["labels_left_out"] == {"CHEM": 1} and result["ignored"] == 0
    assert list(result["ents_per_type"]) == list(result["spacy"]["ents_per_type"]) == ["DIS"]
    assert counts_of(result["seen"]) == (1, 0, 0)
    # By the names after renaming.
    result = evaluate(NLP, [doc], label_map={"CHEM": "DRUG"}, labels=["DRUG"])
    assert total_of(result) == (0, 0, 1) and result["labels_left_out"] == {"CHEM": 1, "DIS": 2}
    with pytest.raises(InputError, match="cannot score 'DRUG', which the gold never has .it has CHEM, DIS"):
        evaluate(NLP, [doc], labels=["DRUG", "DIS"])
    assert [ent.label_ for ent in doc.ents] == ["DIS", "CHEM"]  # the caller's Docs stay as they are


def test_command_says_which_labels_the_gold_never_has_and_scores_the_others(files):
    write(files / "test.spacy", [predict(gold_doc(["a", "b", "c"], [(0, 1, "DIS")]), (0, 1, "DIS"), (1, 2, "CHEM"))])
    result = run(files / "model", files / "test.spacy")
    assert "The gold never has CHEM (1 predicted)" in printed(result) and "--labels DIS" in printed(result)
    result = run(files / "model", files / "test.spacy", "--labels", "DIS", "-o", files / "out.json")
    assert result.exit_code == 0 and "The gold never has" not in printed(result), result.output
    data = srsly.read_json(files / "out.json")
    assert total_of(data) == (1, 0, 0) and data["labels_left_out"] == {"CHEM": 1}


def test_what_cannot_be_scored():
    doc = gold_doc(["a"], [(0, 1, "A")])
    with pytest.raises(InputError, match="no mention in the corpus's 2 Docs"):
        evaluate(NLP, [gold_doc(["a"], []), gold_doc(["b"], [])])
    with pytest.raises(InputError, match="'B', which the gold never has .it has A"):
        evaluate(NLP, [doc], label_map={"B": "X"})
    with pytest.raises(InputError, match="no component of the pipeline sets doc.ents .it has sentencizer"):
        nlp = spacy.blank("en")
        nlp.add_pipe("sentencizer")
        evaluate(nlp, [doc])
    with pytest.raises(InputError, match="found a text of 9 characters .'long text'....*, more than the 5"):
        nlp = spacy.blank("en")
        nlp.max_length = 5
        evaluate(nlp, [gold_doc(["long", "text"], [(0, 1, "A")], as_text=True)])
    with pytest.raises(InputError, match="tokenizer changes the text"):
        nlp.tokenizer = lambda text: Doc(nlp.vocab, words=["b"])
        evaluate(nlp, [gold_doc(["a"], [(0, 1, "A")], as_text=True)])


@Language.component("test_undeclared_ner")
def undeclared_ner(doc):
    doc.ents = [Span(doc, 0, 1, label="A")]
    return doc


def test_a_component_need_not_declare_what_it_sets():
    nlp = spacy.blank("en")
    nlp.add_pipe("test_undeclared_ner")
    assert evaluate(nlp, [gold_doc(["a"], [(0, 1, "A")])])["ents_f"] == 1.0


@Language.component("test_fake_textcat", assigns=["doc.cats"])
def fake_textcat(doc):
    doc.cats = {"ask": 0.75, "tell": 0.25} if doc[0].text == "is" else {"ask": 0.25, "tell": 0.75}
    return doc


@pytest.fixture
def categorized():
    """A pipeline with a stub for intents, and gold Docs: three with an intent, of which it gets two right, and two
    without one: with no categories, and with two at a time."""
    nlp = spacy.blank("en", vocab=NLP.vocab)
    nlp.add_pipe("test_fake_ner")
    nlp.add_pipe("test_fake_textcat")
    cats = [
        {"ask": 1.0, "tell": 0.0},
        {"ask": 0.0, "tell": 1.0},
        {"ask": 1.0, "tell": 0.0},
        {},
        {"ask": 1.0, "tell": 1.0},
    ]
    docs = [gold_doc([word, "gout"], [(1, 2, "DIS")]) for word in ("is", "it", "gout", "is", "is")]
    for doc, of_doc in zip(docs, cats):
        doc.cats = of_doc
    return nlp, docs


def test_intents_are_scored_where_gold_and_pipeline_have_them(categorized):
    nlp, docs = categorized
    intents = evaluate(nlp, docs)["intents"]
    assert intents["accuracy"] == pytest.approx(2 / 3) and intents["support"] == 3
    assert intents["f_per_type"] == {
        "ask": pytest.approx({"p": 1.0, "r": 0.5, "f": 2 / 3}),
        "tell": pytest.approx({"p": 0.5, "r": 1.0, "f": 2 / 3}),
    }
    assert evaluate(nlp, docs[3:])["intents"] is None
    assert evaluate(NLP, docs)["intents"] is None


def run(*args):
    return CliRunner().invoke(app, ["bio-ner", "evaluate", *map(str, args)])


def printed(result):
    """What was printed, without the line breaks of the terminal's width."""
    return re.sub(r"\s+", " ", result.output)


def write(path, docs):
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


@pytest.fixture
def files(tmp_path):
    """A pipeline and a corpus on disk."""
    NLP.to_disk(tmp_path / "model")
    doc = gold_doc(["fever", "and", "gout"], [(0, 1, "DIS")], source=[(0, 5, "DIS"), (10, 14, "DIS")], document="1")
    write(tmp_path / "test.spacy", [predict(doc, (0, 1, "DIS"), (1, 2, "CHEM"))])
    return tmp_path


def test_command_prints_intents(categorized, tmp_path):
    nlp, docs = categorized
    nlp.to_disk(tmp_path / "model")
    write(tmp_path / "test.spacy", docs)
    result = run(tmp_path / "model", tmp_path / "test.spacy")
    assert result.exit_code == 0, result.output
    assert "Accuracy of intents: 66.67% of 3 Docs" in printed(result)
    assert "ask 100.00 50.00 66.67" in printed(result)


def test_command_prints_and_writes_everything(files):
    out = files / "metrics" / "test.json"
    result = run(files / "model", files / "test.spacy", "--output", out)
    assert result.exit_code == 0, result.output
    data = srsly.read_json(out)
    assert data["model"] == {"path": str(files / "model"), "name": f"{files.name}/model", "version": "0.0.0"}
    assert (data["corpus"], data["train"], data["label_map"]) == (str(files / "test.spacy"), None, {})
    expected = evaluate(NLP, DocBin().from_disk(files / "test.spacy").get_docs(NLP.vocab))
    assert set(data) == set(expected) | {"model", "corpus", "train", "label_map"}
    assert total_of(data) == (1, 1, 1) and (data["unit"], data["n_units"]) == ("documents", 1)
    assert (data["lost"], data["spacy"]["ents_r"], data["seen"]) == (1, 1.0, None)
    assert data["interval"]["ents_f"] == [0.5, 0.5]
    assert data["ents_per_type"]["DIS"]["support"] == 2
    text = printed(result)
    assert "all of the source 50.00 50.00 50.00 1 1 1 2" in text
    assert "spaCy's scorer 50.00 100.00 66.67" in text
    assert "1000 resamples of 1 documents" in text
    assert "1 of 2 gold mentions were lost" in text and "no train.spacy beside" in text
    assert sorted(path.name for path in out.parent.iterdir()) == ["test.json"]


def test_command_finds_train_beside_the_corpus(files):
    write(files / "train.spacy", [gold_doc(["Fever"], [(0, 1, "DIS")])])
    write(files / "other.spacy", [gold_doc(["gout"], [(0, 1, "DIS")])])
    for options, name, seen in ([], "train", (1, 0, 0)), (["--train", files / "other.spacy"], "other", (0, 0, 1)):
        result = run(files / "model", files / "test.spacy", "-o", files / "out.json", *options)
        assert result.exit_code == 0, result.output
        data = srsly.read_json(files / "out.json")
        assert counts_of(data["seen"]) == seen and data["train"] == str(files / f"{name}.spacy")
        assert "seen in training" in printed(result) and "unseen in training" in printed(result)


def test_command_reads_a_folder_of_shards(files):
    (files / "shards.spacy").mkdir()
    for i in range(2):
        write(files / "shards.spacy" / f"0000{i}.spacy", [gold_doc([f"w{i}"], [(0, 1, "DIS")])])
    assert run(files / "model", files / "shards.spacy", "-o", files / "out.json").exit_code == 0
    assert srsly.read_json(files / "out.json")["n_units"] == 2


@pytest.mark.parametrize(
    "options", [["--map", "DIS=CHEM", "--map", "SIGN=SIGN"], ["--map", "DIS=CHEM,SIGN=SIGN"], ["-m", "DIS = CHEM"]]
)
def test_command_renames_labels(files, options):
    docs = [gold_doc(["a", "b", "c"], [(0, 1, "DIS"), (1, 2, "SIGN")]), gold_doc(["d"], [])]
    write(files / "test.spacy", [predict(docs[0], (0, 1, "CHEM"), (2, 3, "DIS")), predict(docs[1], (0, 1, "DIS"))])
    result = run(files / "model", files / "test.spacy", "-o", files / "out.json", *options)
    assert result.exit_code == 0, result.output
    data = srsly.read_json(files / "out.json")
    assert total_of(data) == (1, 0, 1) and data["labels_left_out"] == {"DIS": 2}
    assert data["label_map"]["DIS"] == "CHEM"
    assert "not scored: DIS (2)" in printed(result)


def test_trained_pipeline_end_to_end(trained, tmp_path):
    trained.to_disk(tmp_path / "model")
    docs = []
    for text, ents in TEXTS:
        doc = trained.make_doc(text)
        doc.ents = [doc.char_span(*ent[:2], label=ent[2]) for ent in ents]
        set_source(doc, None, [SourceMention(*ent, "") for ent in ents])
        docs.append(doc)
    write(tmp_path / "train.spacy", docs)
    result = run(tmp_path / "model", tmp_path / "train.spacy", "-b", 2, "-o", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    data = srsly.read_json(tmp_path / "out.json")
    assert data["ents_f"] == data["spacy"]["ents_f"] == 1.0
    assert (data["unit"], data["n_units"]) == ("sentences", len(TEXTS))
    assert counts_of(data["unseen"]) == (0, 0, 0)


ERRORS = {
    "no model": (["absent"], ["absent: cannot load the pipeline", "E050"]),
    "no corpus": (["{model}", "absent.spacy"], ["absent.spacy: no such file"]),
    "no train": (["{model}", "{corpus}", "--train", "absent.spacy"], ["absent.spacy: no such file"]),
    "not a corpus": (["{model}", "{soup}"], ["soup.spacy: not a DocBin file"]),
    "no mention": (["{model}", "{empty}"], ["found no mention in the corpus's 1 Docs"]),
    "no ents": (["blank:en"], ["no component of the pipeline sets doc.ents (it has none)"]),
    "no gpu": (["{model}", "{corpus}", "--gpu-id", "99"], ["--gpu-id 99"]),
    "map without =": (["{model}", "{corpus}", "--map", "DIS"], ["--map: found 'DIS', expected GOLD=MODEL"]),
    "map without name": (["{model}", "{corpus}", "--map", "DIS="], ["--map: found 'DIS=', expected"]),
    "map without label": (["{model}", "{corpus}", "--map", "=X"], ["--map: found '=X', expected"]),
    "map with two =": (["{model}", "{corpus}", "--map", "A=B=C"], ["--map: found 'A=B=C', expected"]),
    "map with a gap": (["{model}", "{corpus}", "--map", "DIS=X,"], ["--map: found '', expected"]),
    "map to two names": (["{model}", "{corpus}", "--map", "DIS=X,DIS=Y"], ["'DIS' renamed to 'X' and to 'Y'"]),
    "no such label": (["{model}", "{corpus}", "--labels", "ORG"], ["cannot score 'ORG', which the gold never has"]),
    "labels with a gap": (["{model}", "{corpus}", "--labels", "DIS,"], ["--labels: found 'DIS,', expected labels"]),
    "map of no label": (["{model}", "{corpus}", "--map", "ORG=X"], ["'ORG', which the gold never has (it has DIS)"]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_clear_and_nothing_is_written(files, name):
    arguments, messages = ERRORS[name]
    (files / "soup.spacy").write_bytes(b"\x00\xffsoup")
    write(files / "empty.spacy", [gold_doc(["a"], [])])
    paths = {"model": files / "model", "corpus": files / "test.spacy"}
    paths.update({name: files / f"{name}.spacy" for name in ("soup", "empty")})
    arguments = [argument.format(**paths) for argument in arguments]
    if len(arguments) == 1:
        arguments.append(files / "test.spacy")
    before = sorted(files.iterdir())
    result = run(*arguments, "--output", files / "metrics" / "out.json")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.output
    for message in messages:
        assert message in printed(result)
    assert sorted(files.iterdir()) == before


def test_output_that_cannot_be_written(files):
    (files / "file").write_text("kept")
    result = run(files / "model", files / "test.spacy", "--output", files / "file" / "out.json")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert str(files / "file") in printed(result).replace(" ", "")
    assert (files / "file").read_text() == "kept"


def test_a_folder_of_splits_is_refused(tmp_path):
    (tmp_path / "test.spacy").write_bytes(b"")
    result = CliRunner().invoke(app, ["bio-ner", "evaluate", "blank:en", str(tmp_path)])
    assert result.exit_code == 1 and "found a folder of splits, expected one of them" in " ".join(result.output.split())
