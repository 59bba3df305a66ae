"""Settings: what each door accepts, which of them counts, and that they go wherever a pipeline goes."""

import pickle

import pytest
import spacy
from spacy.util import load_config
from thinc.api import Config

from spacy_bio_ner.serialization import save_settings
from spacy_bio_ner.settings import CHECKS, Settings

from .conftest import TEXTS

TEXT = TEXTS[1][0]
MEANINGLESS = [
    ("threshold", 2),
    ("threshold", "0.5"),
    ("threshold", -0.1),
    ("threshold", True),
    ("threshold", float("nan")),
    ("threshold", {"CHEM": 2}),
    ("threshold", None),
    ("candidate_threshold", 0.0),
    ("temperature", 1e300),
    ("temperature", 0),
    ("temperature", -1.0),
    ("temperature", None),
    ("spans_key", ""),
    ("spans_key", 3),
    ("incorrect_spans_key", 3),
]


def settings_of(nlp):
    return nlp.get_pipe("bio_ner").cfg


@pytest.mark.parametrize("name, value", MEANINGLESS)
def test_what_has_no_meaning_is_refused_where_it_is_set(nlp, name, value):
    component = nlp.add_pipe("bio_ner")
    before = dict(component.cfg)
    for set_it in (lambda: component.cfg.__setitem__(name, value), lambda: component.cfg.update({name: value})):
        with pytest.raises(ValueError, match=f"setting {name} of bio_ner is .* should be"):
            set_it()
    assert component.cfg == before
    if value is not None:
        with pytest.raises(ValueError):
            spacy.blank("en").add_pipe("bio_ner", config={name: value})


def test_unknown_settings_are_refused(nlp):
    component = nlp.add_pipe("bio_ner")
    with pytest.raises(ValueError, match="no setting 'treshold' of bio_ner"):
        component.cfg["treshold"] = 0.5
    with pytest.raises(ValueError, match="no setting 'labels' of bio_ner"):
        component.cfg["labels"] = ["A"]


def test_settings_survive_copies():
    settings = Settings(
        threshold={"A": 0.25}, candidate_threshold=None, temperature=2.0, spans_key="x", incorrect_spans_key=None
    )
    settings["temperature"] = 1.5
    copy = pickle.loads(pickle.dumps(settings))
    assert copy == settings and type(copy) is Settings
    with pytest.raises(ValueError):
        copy["temperature"] = 0


@pytest.mark.parametrize("value", [0.3, {"CHEM": 0.3}])
def test_door_of_the_config(nlp, value):
    component = nlp.add_pipe("bio_ner", config={"threshold": value})
    assert component.cfg["threshold"] == value


def test_door_of_run_time(trained, tmp_path):
    """What is set at run time is saved, to disk and as bytes, and counts when the pipeline is loaded."""
    settings_of(trained)["temperature"] = 1 / 3
    settings_of(trained)["threshold"] = {"DIS": 0.5}
    trained.to_disk(tmp_path / "model")
    for nlp in (spacy.load(tmp_path / "model"), pickle.loads(pickle.dumps(trained))):
        assert settings_of(nlp)["temperature"] == pytest.approx(1 / 3, abs=1e-8)
        assert settings_of(nlp)["threshold"] == {"DIS": 0.5}
        again = tmp_path / "again"
        nlp.to_disk(again)
        assert settings_of(spacy.load(again)) == settings_of(nlp)


def test_door_of_an_override(trained, tmp_path):
    settings_of(trained)["temperature"] = 2.0
    settings_of(trained)["threshold"] = 0.25
    trained.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model", config={"components": {"bio_ner": {"threshold": 0.9}}})
    # The override counts, and what it does not name stays as it was saved.
    assert settings_of(nlp)["threshold"] == 0.9 and settings_of(nlp)["temperature"] == 2.0
    nlp.to_disk(tmp_path / "again")
    again = settings_of(spacy.load(tmp_path / "again"))
    assert again["threshold"] == 0.9 and again["temperature"] == 2.0


def test_door_of_an_edited_config(trained, tmp_path):
    settings_of(trained)["temperature"] = 2.0
    trained.to_disk(tmp_path / "model")
    path = tmp_path / "model" / "config.cfg"
    config = load_config(path)
    config["components"]["bio_ner"].update(threshold={"CHEM": 0.75}, candidate_threshold=0.125)
    config.to_disk(path)
    settings = settings_of(spacy.load(tmp_path / "model"))
    assert settings["threshold"] == {"CHEM": 0.75} and settings["candidate_threshold"] == 0.125
    assert settings["temperature"] == 2.0


def test_door_of_the_commands(trained, tmp_path):
    """What calibrate and threshold save is in config.cfg, and is what counts, however often it is changed."""
    trained.to_disk(tmp_path / "model")
    for temperature in (1.7, 1.0, 2.5):
        nlp = spacy.load(tmp_path / "model")
        settings_of(nlp)["temperature"] = temperature
        save_settings(tmp_path / "model", "bio_ner", settings_of(nlp))
        assert settings_of(spacy.load(tmp_path / "model"))["temperature"] == temperature
    config = Config().from_disk(tmp_path / "model" / "config.cfg")
    assert config["components"]["bio_ner"]["temperature"] == 2.5
    # spaCy's own door on top of it.
    nlp = spacy.load(tmp_path / "model", config={"components": {"bio_ner": {"temperature": 1.0}}})
    assert settings_of(nlp)["temperature"] == 1.0


def test_a_pipeline_saved_twice_has_its_settings_both_times(trained, tmp_path):
    """What save_settings writes to one folder says nothing of the pipeline in memory."""
    settings_of(trained)["temperature"] = 2.0
    for name in ("first", "second"):
        trained.to_disk(tmp_path / name)
        save_settings(tmp_path / name, "bio_ner", settings_of(trained))
    trained.to_disk(tmp_path / "third")
    for name in ("first", "second", "third"):
        assert settings_of(spacy.load(tmp_path / name))["temperature"] == 2.0


def test_thresholds_by_label(trained):
    both = trained(TEXTS[2][0])
    assert {ent.label_ for ent in both.ents} == {"DIS", "CHEM"}
    settings_of(trained)["threshold"] = {"DIS": 1.0}
    assert {ent.label_ for ent in trained(TEXTS[2][0]).ents} == {"CHEM"}
    settings_of(trained)["threshold"] = {"CHEM": 1.0, "NONE": 0.5}
    assert {ent.label_ for ent in trained(TEXTS[2][0]).ents} == {"DIS"}


@pytest.mark.parametrize("damage", [lambda saved: saved.pop("temperature"), lambda saved: saved.pop("config")])
def test_saved_settings_with_something_missing_are_refused(damage):
    values = dict.fromkeys(CHECKS)
    values.update(threshold=0.0, temperature=2.0, spans_key="x")
    saved = {"version": 2, "config": {**values}, **values}
    Settings(**values).update(saved)
    damage(saved)
    with pytest.raises(ValueError, match="saved settings of bio_ner lack"):
        Settings(**values).update(saved)


def test_saved_settings_of_a_later_version_are_refused(nlp):
    with pytest.raises(ValueError, match="version 3: update spacy-bio-ner"):
        nlp.add_pipe("bio_ner").cfg.update({"version": 3})


def test_settings_that_are_gone(nlp):
    with pytest.warns(DeprecationWarning, match="setting decoding of bio_ner is gone"):
        nlp.add_pipe("bio_ner", config={"decoding": "viterbi"})
    with pytest.raises(ValueError, match="decoding='expected_f' of bio_ner is gone: set a threshold"):
        spacy.blank("en").add_pipe("bio_ner", config={"decoding": "expected_f"})
    with pytest.raises(ValueError, match="beta=2.0 of bio_ner is gone"):
        spacy.blank("en").add_pipe("bio_ner", config={"beta": 2.0})
