"""The page to try pipelines on, as a script and in a real Chromium."""

import json
import re
import sys

import pytest
import spacy
from browser import select_row, served_demo
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example

from spacy_bio_ner.confidence import write_confidences

from ..conftest import ROOT, SMALL_MODEL, TEXTS

pytest.importorskip("streamlit", reason="needs the extra [demo]")
import demo  # noqa: E402
from streamlit.testing.v1 import AppTest  # noqa: E402

SCRIPT = ROOT / "examples" / "demo.py"
# What is on the page does not depend on the encoder.
BILSTM = pytest.mark.parametrize("trained_pipeline", ["bilstm"], indirect=True)


@pytest.fixture
def model(trained, tmp_path):
    trained.get_pipe("bio_ner").cfg["threshold"] = 0.25
    trained.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def page(monkeypatch):
    def run(*models):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, models)])
        return AppTest.from_file(str(SCRIPT), default_timeout=60).run()

    return run


def shown(app):
    """The text as it stands on the page, without markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", app.get("html")[0].proto.body).split())


def rows(app):
    return app.dataframe[0].value.to_dict("records")


@BILSTM
def test_threshold_redraws_without_running_the_model(page, model, monkeypatch):
    calls = []
    call = Language.__call__
    monkeypatch.setattr(Language, "__call__", lambda nlp, text: calls.append(text) or call(nlp, text))
    app = page(model)
    text, _ = TEXTS[0]
    app.text_area[0].set_value(text).run()
    assert not app.exception and not app.error and calls[-1] == text
    assert app.slider[0].value == 0.25  # the pipeline's own
    doc = spacy.load(model)(text)
    n_calls = len(calls)
    for ent in doc.ents:
        assert f"{ent.text} {ent.label_} {ent._.confidence:.2f}" in shown(app)
    app.slider[0].set_value(1.0).run()
    assert shown(app) == text
    assert {row["state"] for row in rows(app)} <= {"too low", "candidate"}
    app.slider[0].set_value(0.0).run()
    assert len(calls) == n_calls
    kept = {(row["text"], row["label"]) for row in rows(app) if row["state"] == "entity"}
    assert kept == {(ent.text, ent.label_) for ent in doc.ents}
    for ent in doc.ents:
        [row] = [row for row in rows(app) if (row["text"], row["label"]) == (ent.text, ent.label_)]
        assert row["probability"] == pytest.approx(ent._.confidence, abs=1e-4)


@BILSTM
def test_examples_and_texts_of_all_kinds(page, model):
    app = page(model)
    for example in ("Abstract", "Case report"):
        app.button_group[0].set_value(example).run()
        assert not app.exception and app.text_area[0].value == demo.EXAMPLES[example][1]
    for text in ("", " \n "):
        app.text_area[0].set_value(text).run()
        assert not app.exception and "There is no text yet" in app.info[0].value and not app.get("html")
    for text in ("<script>alert(1)</script> {0} & Asthma", "Fever\nafter\n\npenicillin"):
        app.text_area[0].set_value(text).run()
        assert not app.exception, text
        assert "<script>" not in app.get("html")[0].proto.body
    app.text_area[0].set_value("long " * 300_000).run()
    assert not app.exception and "exceeds maximum" in app.error[0].value


@BILSTM
def test_pipelines_that_cannot_be_used_are_refused_on_the_page(page, model, nlp, tmp_path):
    nlp.to_disk(tmp_path / "blank")
    (tmp_path / "broken").mkdir()
    app = page(tmp_path / "broken", model, tmp_path / "blank", "en_nowhere")
    assert "broken: cannot load the pipeline" in app.error[0].value
    app.sidebar.selectbox[0].select_index(2).run()
    assert "the pipeline has no bio_ner (it has none)" in app.error[0].value
    app.sidebar.selectbox[0].select_index(3).run()
    assert "en_nowhere" in app.error[0].value
    app.sidebar.selectbox[0].select_index(1).run()
    assert not app.error and not app.exception and rows(app)


@BILSTM
def test_a_slider_for_each_label_if_the_pipeline_has_such_thresholds(page, trained, tmp_path):
    trained.get_pipe("bio_ner").cfg["threshold"] = {"CHEM": 1.0}
    trained.to_disk(tmp_path / "strict")
    app = page(tmp_path / "strict")
    app.text_area[0].set_value("Fever after penicillin").run()
    assert [(slider.label, slider.value) for slider in app.slider] == [
        ("Threshold of CHEM", 1.0),
        ("Threshold of DIS", 0.0),
    ]

    def states():
        return {row["text"]: row["state"] for row in rows(app) if row["state"] != "candidate"}

    assert states() == {"Fever": "entity", "penicillin": "too low"} and "penicillin CHEM" not in shown(app)
    app.slider[0].set_value(0.0).run()
    app.slider[1].set_value(1.0).run()
    assert states() == {"Fever": "too low", "penicillin": "entity"}


@BILSTM
def test_selected_row_shows_alternatives_and_download_holds_them(page, model):
    app = page(model)
    app.text_area[0].set_value("Fever after penicillin").run()
    spans = demo.find_spans(demo.analyse(str(model), "Fever after penicillin"), 0.25)
    assert [(span.text, state) for span, state in spans] == [(row["text"], row["state"]) for row in rows(app)]
    data = json.loads(json.dumps(demo.to_json(demo.analyse(str(model), "Fever after penicillin"))))
    assert [ent["label"] for ent in data["ents"]] == ["DIS", "CHEM"]
    assert all(ent["alternatives"][-1]["label"] is None or len(ent["alternatives"]) > 1 for ent in data["ents"])


@BILSTM
def test_examples_follow_the_labels_and_the_pipeline(page, trained, model, tmp_path):
    nlp = spacy.blank("en")
    other = nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Oslo"), {"entities": [(0, 4, "City")]})])
    assert other.labels == ("City",)
    nlp.to_disk(tmp_path / "city")
    alone = spacy.blank("en")
    alone.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    alone.initialize(lambda: [Example.from_dict(alone.make_doc("Oslo"), {"entities": [(0, 4, "SKU")]})])
    alone.to_disk(tmp_path / "sku")
    app = page(model, tmp_path / "city", tmp_path / "sku")
    assert "Tricuspid" in app.text_area[0].value
    app.sidebar.selectbox[0].select_index(1).run()
    assert "Lisbon" in app.text_area[0].value and demo.examples_for(["City"]).keys() == {"Request"}
    app.sidebar.selectbox[0].select_index(2).run()
    assert app.text_area[0].value == "" and app.info[0].value == "There is no text yet: write one."
    # A text of one's own stays.
    app.text_area[0].set_value("SKU 12").run()
    app.sidebar.selectbox[0].select_index(0).run()
    assert app.text_area[0].value == "SKU 12"


def test_labels_are_text_too(nlp):
    doc = nlp.make_doc("a <b>")
    doc.ents = [Span(doc, 0, 1, label="<script>")]
    write_confidences(doc, "bio_ner", [(doc.ents[0], 0.5, 0.1, True)])
    html = demo.highlight(doc, doc.ents, ["<script>"])
    assert "&lt;script&gt; 0.50" in html and "<script>" not in html and "<b>" not in html


@BILSTM
def test_pipelines_with_a_bio_ner_are_offered(model, nlp, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "TRAINING", tmp_path)
    monkeypatch.setattr(demo, "get_installed_models", lambda: [])
    assert demo.find_pipelines([]) == []
    for name, pipeline in (("mine-lstm", spacy.load(model)), ("mine-blank", nlp)):
        (tmp_path / name).mkdir()
        pipeline.to_disk(tmp_path / name / "model-calibrated")
    (tmp_path / "damaged" / "model-calibrated").mkdir(parents=True)
    (tmp_path / "damaged" / "model-calibrated" / "config.cfg").write_text("[")
    found = demo.find_pipelines([])
    assert found == [str(tmp_path / name / "model-calibrated") for name in ("damaged", "mine-lstm")]
    assert demo.find_pipelines(["given"]) == ["given"]


@pytest.fixture
def address(model, light_children):
    with served_demo(model) as address:
        yield address


@BILSTM
def test_in_a_browser(browser, address, tmp_path):
    from selenium.webdriver import ActionChains, Keys
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def until(condition):
        return WebDriverWait(browser, 60).until(lambda _: condition())

    def body():
        return browser.find_element(By.TAG_NAME, "body").text

    def marked():
        return browser.execute_script("return [...document.querySelectorAll('mark')].map(m => m.innerText.trim())")

    def is_idle():
        return browser.find_elements(By.CSS_SELECTOR, "[data-testid=stApp][data-test-script-state=notRunning]")

    def type_in(text):
        area = browser.find_element(By.TAG_NAME, "textarea")
        area.send_keys(Keys.CONTROL, "a")
        area.send_keys(text)
        area.send_keys(Keys.CONTROL, Keys.ENTER)

    browser.get(address)
    until(lambda: "Download as JSON" in body() or "no candidate" in body())
    type_in("Fever after penicillin <b>x</b>")
    until(lambda: any(m.startswith("penicillin") for m in marked()) and is_idle())
    assert any(re.match(r"penicillin\s+CHEM\s+[01]\.\d\d$", m) for m in marked()), marked()
    assert "<b>x</b>" in body()

    # A row of the table, which is drawn on a canvas, and its alternatives.
    select_row(browser, 1)
    until(lambda: "Instead of" in body())
    browser.save_screenshot(str(tmp_path / "demo.png"))

    # The threshold, to its end: nothing is that sure. Its input is not to be seen, but takes keys.
    slider = browser.find_element(By.CSS_SELECTOR, "[data-testid=stSlider] input[type=range]")
    browser.execute_script("arguments[0].focus()", slider)
    ActionChains(browser).send_keys(Keys.END).perform()
    until(lambda: "1.00" in browser.find_element(By.CSS_SELECTOR, "[data-testid=stSlider]").text and not marked())
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
