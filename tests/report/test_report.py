"""The report: its numbers against nervaluate, hand-made cases and naive counting, its page against hostile input."""

import json
from html.parser import HTMLParser

import numpy
import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from spacy.cli import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)
from spacy_bio_ner.confidence import write_confidences
from spacy_bio_ner.corpora.source_mentions import SourceMention, set_source
from spacy_bio_ner.evaluation.comparison import compare, gained
from spacy_bio_ner.evaluation.counts import TextSpan
from spacy_bio_ner.evaluation.doc_results import predict_corpus
from spacy_bio_ner.evaluation.outcomes import OUTCOMES, pair
from spacy_bio_ner.evaluation.scores import evaluate
from spacy_bio_ner.report.card import read_ledger, train_size
from spacy_bio_ner.report.content import confusion_matrix, find_trust, most_frequent, outcome_counts
from spacy_bio_ner.report.contexts import WIDTH, context

from ..conftest import NOISY, TEXTS, gold_docs

BILSTM = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)
LABELS = ["A", "B"]


def span(start, end, label="A", text=None):
    return TextSpan(start, end, label, text or "x" * (end - start))


@st.composite
def spans(draw):
    found, position = set(), 0
    for gap, size, label in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.sampled_from(LABELS)))):
        found.add(span(position + gap, position + gap + size, label))
        position += gap + size
    return found


def kinds(gold, predicted):
    found = [outcome.kind for outcome in pair(gold, predicted)]
    return {kind: found.count(kind) for kind in OUTCOMES}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=3))
def test_outcomes_agree_with_nervaluate(texts):
    nervaluate = pytest.importorskip("nervaluate", reason="needs the extra [test]")
    # nervaluate's ends are inclusive, and it wants a first text with an entity to tell the format by.
    sides = [
        [[{"start": s.start_char, "end": s.end_char - 1, "label": s.label} for s in sorted(text[i])] for text in texts]
        for i in (0, 1)
    ]
    found = nervaluate.Evaluator(*sides, tags=LABELS, loader="dict").evaluate()["overall"]
    ours = {kind: sum(kinds(*text)[kind] for text in texts) for kind in OUTCOMES}
    assert ours["right"] == found["strict"].correct
    assert ours["right"] + ours["type"] == found["exact"].correct
    assert ours["right"] + ours["boundary"] == found["ent_type"].correct
    assert ours["type"] + ours["boundary and type"] == found["ent_type"].incorrect
    assert (ours["missed"], ours["spurious"]) == (found["ent_type"].missed, found["ent_type"].spurious)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(spans(), spans())
def test_outcomes_hold_every_span_once(gold, predicted):
    outcomes = pair(gold, predicted)
    assert sorted(o.gold for o in outcomes if o.gold) == sorted(gold)
    assert sorted(o.predicted for o in outcomes if o.predicted) == sorted(predicted)


def test_outcomes_by_hand():
    gold = {span(0, 5), span(10, 15), span(20, 25), span(30, 35), span(40, 45), span(40, 60)}
    predicted = {span(0, 5), span(9, 15), span(20, 25, "B"), span(31, 35, "B"), span(40, 59), span(70, 71)}
    assert kinds(gold, predicted) == dict(zip(OUTCOMES, (1, 2, 1, 1, 1, 1)))
    outcomes = [pair(gold, predicted), pair({span(0, 3, text="Gout")}, set()), pair({span(0, 3, text="gout")}, set())]
    assert outcome_counts(outcomes) == {
        None: dict(zip(OUTCOMES, (1, 2, 1, 1, 3, 1))),
        "A": dict(zip(OUTCOMES, (1, 2, 1, 1, 3, 1))),
    }
    assert confusion_matrix(outcomes) == (["A", "B", None], [[3, 2, 3], [0, 0, 0], [1, 0, 0]])
    assert most_frequent(outcomes, "missed")[0] == ("gout", "A", 2)


def test_comparison_equals_naive_resampling():
    rng = numpy.random.default_rng(3)
    sides = []
    for _ in range(12):
        gold, *predicted = ({span(3 * i, 3 * i + 2) for i in rng.integers(0, 8, 5)} for _ in range(3))
        sides.append((gold, *predicted))
    units = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9]
    result = compare(sides, units)

    def f(model, drawn):
        tp = sum(len(gold & predicted[model]) for gold, *predicted in drawn)
        return 2 * tp / sum(len(gold) + len(predicted[model]) for gold, *predicted in drawn)

    rng = numpy.random.default_rng(0)
    differences = []
    for _ in range(result["resamples"]):
        drawn = [side for unit in rng.integers(10, size=10) for side, own in zip(sides, units) if own == unit]
        differences.append(f(0, drawn) - f(1, drawn))
    assert result["difference"]["f"]["value"] == pytest.approx(f(0, sides) - f(1, sides))
    assert_allclose(result["difference"]["f"]["interval"], numpy.percentile(differences, [2.5, 97.5]))
    assert result["difference"]["f"]["more"] == pytest.approx(numpy.mean(numpy.array(differences) > 0))


def test_comparison_by_hand():
    a, b, c, d, wrong = (span(i, i + 1) for i in range(5))
    sides = [({a, b, c}, {a, b, wrong}, {a, c}), ({d}, {wrong}, {wrong})]
    result = compare(sides, [0, 1])
    assert result["found"] == {"both": 1, "first": 1, "second": 1, "neither": 1}
    assert result["wrong"] == {"both": 1, "first": 1, "second": 0}
    assert gained(sides, 0) == [(0, b)] and gained(sides, 1) == [(0, c)]
    itself = compare([(gold, first, first) for gold, first, _ in sides], [0, 1])
    assert itself["difference"]["f"] == {"value": 0, "interval": [0, 0], "more": 0}


def test_context_is_cut_to_the_sentence_and_the_window(nlp):
    doc = Doc(nlp.vocab, words=["no", ".", "mild", "fever", "came", ".", "end"], sent_starts=[1, 0, 1, 0, 0, 0, 1])
    found = context(doc, 4, [span(6, 15), span(10, 15)])  # from inside a word
    assert (found.before, found.tokens, found.after) == ("… ", ["mild ", "fever"], " came . …")
    assert found.spans == [(0, 2), (0, 2)] or found.spans == [(0, 2), (1, 2)]
    assert found.place == "Doc 5"
    doc = Doc(nlp.vocab, words=[f"w{i:03}" for i in range(200)])
    set_source(doc, "PMID1", [])
    found = context(doc, 0, [span(500, 504)])
    assert found.tokens == ["w100"] and found.place == "PMID1"
    assert found.before.split() == ["…", *(f"w{i:03}" for i in range(100 - WIDTH, 100))]
    assert found.after.split() == [*(f"w{i:03}" for i in range(101, 101 + WIDTH)), "…"]


@BILSTM
def test_mistakes_and_doubts_are_in_order_and_thresholds_are_those_of_evaluate(trained):
    golds = gold_docs(trained, NOISY)
    results = predict_corpus(trained, golds)
    scores = evaluate(trained, golds)
    trust = find_trust(results, [pair(result.mentions, result.entities) for result in results])
    assert [example.outcome.kind for example in trust.mistakes].count("right") == 0 and len(trust.mistakes) == 3
    sure = [example.probability for example in trust.mistakes]
    assert sure == sorted(sure, reverse=True)
    doubts = [example.probability for example in trust.doubtful]
    assert doubts == sorted(doubts) and len(doubts) == scores["ents_tp"]
    for row in trust.thresholds:
        trained.get_pipe("bio_ner").cfg["threshold"] = row["threshold"]
        scores = evaluate(trained, golds)
        assert [row[name] for name in "prf"] == pytest.approx([scores[f"ents_{name}"] for name in "prf"])


def report(*args):
    return CliRunner().invoke(app, ["bio-ner", "report", *map(str, args)])


class Page(HTMLParser):
    """The elements of a page, and its text without the style sheet."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.words, self.inside = [], [], ""
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.inside != "style":
            self.words.append(data)


def read_page(folder):
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    return Page((folder / "index.html").read_text(encoding="utf8"))


@pytest.fixture
def corpus(nlp, tmp_path):
    path = tmp_path / "mine" / "test.spacy"
    path.parent.mkdir()
    DocBin(docs=gold_docs(nlp, NOISY)).to_disk(path)
    DocBin(docs=gold_docs(nlp, TEXTS[:1])).to_disk(path.parent / "train.spacy")
    return path


@BILSTM
def test_report_of_two_models_with_everything(trained, model, corpus, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    ledger = {"source": "s.iob", "documents": 5, "mentions": {"read": 9, "kept": 7, "lost": 2}, "lost": {"nested": 2},
              "examples": {"nested": ["renal failure"]}, "missing_tokens": 0}  # fmt: skip
    (corpus.parent / "ledger.json").write_text(json.dumps({"test": ledger}))
    other = tmp_path / "other"
    trained.get_pipe("bio_ner").cfg["threshold"] = 1.0  # finds nothing
    trained.to_disk(other)
    options = ("--compare", other, "--curve", f"{other}=2", "--curve", f"{model}=5", "--output", tmp_path / "out")
    result = report(model, corpus, *options, "--curve", other)
    assert result.exit_code == 1 and "cannot tell how many Docs" in result.output
    result = report(model, corpus, *options)
    assert result.exit_code == 0, result.output
    page = read_page(tmp_path / "out")
    golds = gold_docs(trained, NOISY)
    scores = evaluate(spacy.load(model), golds)
    for expected in (
        f"Of {scores['ents_support']} mentions in 5 Docs it finds {scores['ents_r'] * 100:.1f} %",
        f"mentions found 0 {scores['ents_tp']} 0 {scores['ents_fn']}",
        "boundary and type", "mine/test", "unseen in training", "Most confident mistakes", "Most doubtful hits",
        "This model is better", "lost: nested 2, such as renal failure", "bio_ner: temperature 1", spacy.__version__,
    ):  # fmt: skip
        assert expected in page.text, expected
    images = [attrs["src"] for tag, attrs in page.elements if tag == "img"]
    assert len(images) == 3 and all(src.startswith("data:image/svg+xml;base64,") for src in images)
    # Nothing is fetched, and links lead to a place on the page.
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    links = [attrs["href"] for _, attrs in page.elements if "href" in attrs]
    assert links and all(href[0] == "#" and href[1:] in ids for href in links)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.elements}


EVIL = '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'


@Language.component("test_evil_ner", assigns=["doc.ents"])
def evil_ner(doc):
    doc.ents = [Span(doc, 0, 1, label=f"P{EVIL}"), Span(doc, 2, 3, label="{0}"), Span(doc, 3, 4, label="</style>")]
    write_confidences(doc, "bio_ner", [(ent, 0.5, 0.1, True) for ent in doc.ents])
    return doc


@pytest.fixture
def evil_page(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    nlp = spacy.blank("en")
    nlp.meta["description"] = nlp.meta["author"] = EVIL
    nlp.add_pipe("test_evil_ner")
    nlp.to_disk(tmp_path / "model")
    doc = Doc(nlp.vocab, words=[EVIL, "{label}", f"fever{EVIL}", "$x_$", "</title>"])
    doc.ents = [Span(doc, 0, 2, label=f"G{EVIL}"), Span(doc, 2, 3, label="{0}")]
    lost = SourceMention(0, len(doc.text), EVIL, EVIL)
    set_source(doc, EVIL, [lost, *(SourceMention(e.start_char, e.end_char, e.label_, "") for e in doc.ents)])
    folder = tmp_path / "<b onclick=x>'\"&"
    folder.mkdir()
    DocBin(docs=[doc], store_user_data=True).to_disk(folder / "test.spacy")
    DocBin(docs=[doc], store_user_data=True).to_disk(folder / "train.spacy")
    part = {"source": EVIL, "documents": 1, "mentions": {EVIL: 1}, "lost": {EVIL: 1}, "examples": {EVIL: [EVIL]},
            "missing_tokens": 1}  # fmt: skip
    (folder / "ledger.json").write_text(json.dumps({"test": part}))
    result = report(
        tmp_path / "model", folder / "test.spacy", "--output", tmp_path / "out", "--compare", tmp_path / "model"
    )
    assert result.exit_code == 0, result.output
    return tmp_path / "out" / "index.html"


def test_corpus_with_markup_in_it_is_text(evil_page):
    page = Page(evil_page.read_text(encoding="utf8"))
    tags = {tag for tag, _ in page.elements}
    assert "script" not in tags
    assert all(attrs["src"].startswith("data:") for tag, attrs in page.elements if tag == "img")
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert page.text.count(EVIL) > 10  # it is there, to be read


def test_no_script_of_a_corpus_runs_in_a_browser(evil_page, browser):
    html = evil_page.read_text(encoding="utf8")
    # Without the page's own policy, which would stop a script that had got through.
    evil_page.write_text(html.replace("Content-Security-Policy", "x-none"), encoding="utf8")
    browser.get(evil_page.as_uri())
    assert "/model on " in browser.title
    assert "owned" in browser.find_element("tag name", "body").text
    count = "return document.querySelectorAll('script, [onerror], [onclick], img:not([src^=\"data:\"])').length"
    assert browser.execute_script(count) == 0
    broken = "return [...document.images].filter(image => !image.naturalWidth).length"
    assert browser.execute_script(broken) == 0


@BILSTM
def test_thresholds_by_label_and_a_narrow_screen(trained, corpus, tmp_path, browser):
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    trained.get_pipe("bio_ner").cfg["threshold"] = {"CHEM": 1.0}
    trained.meta["name"] = "strict"
    trained.to_disk(tmp_path / "strict")
    result = report(tmp_path / "strict", corpus, "--compare", tmp_path / "strict", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    page = read_page(tmp_path / "out")
    scores = evaluate(trained, gold_docs(trained, NOISY))
    own = " ".join(f"{scores[f'ents_{name}'] * 100:.1f}" for name in "prf")
    assert page.text.startswith("xx_strict on mine/test") and f"its own {own}" in page.text
    assert "bio_ner: threshold CHEM 1" in page.text and "95 % interval 100" in page.text
    browser.get((tmp_path / "out" / "index.html").as_uri())
    phone = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        width = browser.execute_script("return document.documentElement.scrollWidth")
        # Each name with the number of its lines: none is broken to a letter a line.
        names = browser.execute_script(
            """return [...document.querySelectorAll('tbody th')].map(cell => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                return [cell.innerText, range.getClientRects().length];
            })"""
        )
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    broken = [name for name in names if name[1] > 4]
    assert width <= 390 and names and not broken, (width, broken)


@Language.component("test_plain_ner", assigns=["doc.ents"])
def plain_ner(doc):
    doc.ents = [Span(doc, 0, 1, label="DIS")]
    return doc


def test_pipeline_without_probabilities_is_reported_without_them(corpus, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    nlp = spacy.blank("en")
    nlp.add_pipe("test_plain_ner")
    nlp.to_disk(tmp_path / "plain")
    result = report(tmp_path / "plain", corpus, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    page = read_page(tmp_path / "out")
    assert "has no bio_ner" in page.text and "Most confident mistakes" not in page.text
    assert "There is no ledger of this split" in page.text


@BILSTM
def test_report_refuses_what_it_cannot_use(nlp, model, corpus, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [report]")
    DocBin(docs=[]).to_disk(tmp_path / "empty.spacy")
    DocBin(docs=[nlp.make_doc("no labels")]).to_disk(tmp_path / "bare.spacy")
    nlp.to_disk(tmp_path / "blank")
    (tmp_path / "broken").mkdir()
    for args, message in (
        ((tmp_path / "nowhere", corpus), "cannot load the pipeline"),
        ((tmp_path / "broken", corpus), "cannot load the pipeline"),
        ((tmp_path / "blank", corpus), "no component of the pipeline sets doc.ents"),
        ((model, tmp_path / "empty.spacy"), "found no mention in the corpus's 0 Docs"),
        ((model, tmp_path / "bare.spacy"), "found no mention"),
        ((model, tmp_path / "missing.spacy"), "no such file or folder"),
        ((model, corpus.parent), "found a folder of splits"),
        ((model, corpus, "--curve", "a=0"), "expected MODEL or MODEL=DOCS"),
        ((model, corpus, "--curve", "=3"), "expected MODEL or MODEL=DOCS"),
        ((model, corpus, "--compare", tmp_path / "nowhere"), "cannot load the pipeline"),
    ):
        result = report(*args, "--output", tmp_path / "out")
        assert result.exit_code == 1 and message in result.output, (args, result.output)
        assert "Nothing was written" in result.output and not (tmp_path / "out").exists()


def test_size_of_what_was_trained_on(nlp, corpus):
    def size(**train):
        nlp.config["corpora"] = {"train": train}
        return train_size(nlp)

    assert size(path=str(corpus)) == 5 and size(path=str(corpus), limit=3) == 3
    assert size(path=str(corpus.parent)) == 6  # a folder of shards
    (corpus.parent / "bad.spacy").write_bytes(b"no DocBin")
    for path in (None, "", "/nowhere/train.spacy", str(corpus.parent / "bad.spacy")):
        assert size(path=path) is None, path


@pytest.mark.parametrize("text", ["", "[]", "{", '{"dev": {}}', '{"test": {"source": 1}}', '{"test": null}'])
def test_ledger_that_is_none_is_left_out(corpus, text):
    (corpus.parent / "ledger.json").write_text(text)
    assert read_ledger(corpus) is None
