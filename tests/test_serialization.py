"""Saved components that are damaged are refused, with the name of what is wrong."""

import pickle
import warnings
from itertools import cycle

import numpy
import pytest
import spacy
import srsly
from thinc.api import Config

from spacy_bio_ner.checksums import CHECKSUMS

from .conftest import ROOT, TEXTS, learn_by_heart, small_transformer


@pytest.mark.parametrize("name", ["cfg", "model"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_damaged_files_are_named(trained, tmp_path, name, damage):
    trained.to_disk(tmp_path / "model")
    path = tmp_path / "model" / "bio_ner" / name
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    path.write_bytes(data[:-1] if damage == "cut" else b"" if damage == "empty" else data)
    if damage == "gone":
        path.unlink()
    with pytest.raises(ValueError, match=f"bio_ner.{name}: is not what was saved"):
        spacy.load(tmp_path / "model")


def test_damaged_checksums_are_named(trained, tmp_path):
    trained.to_disk(tmp_path / "model")
    path = tmp_path / "model" / "bio_ner" / CHECKSUMS
    for text in ("", "[", "3", '"x"', "null", "{}", '{"mpdel": "x"}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=CHECKSUMS):
            spacy.load(tmp_path / "model")


def parameters(model):
    return [(node, name) for node in model.walk() for name in node.param_names if node.has_param(name)]


def test_weights_that_are_no_numbers_are_refused_when_loaded(trained, tmp_path):
    component = trained.get_pipe("bio_ner")
    copy = pickle.loads(pickle.dumps(trained))
    for (node, name), value in zip(parameters(component.model), cycle([numpy.nan, numpy.inf])):
        kept = node.get_param(name).copy()
        broken = kept.copy()
        broken.flat[broken.size // 2] = value
        node.set_param(name, broken)
        data = trained.to_bytes()
        trained.to_disk(tmp_path / "model")  # saving is not refused: spaCy saves what a failed training has left
        node.set_param(name, kept)
        for load in (lambda: spacy.load(tmp_path / "model"), lambda: copy.from_bytes(data)):
            with pytest.raises(ValueError, match=f"'{name}' of its layer '.*' is not all numbers"):
                load()


def test_transformer_whose_weights_are_no_numbers(tiny_bert, nlp):
    torch = pytest.importorskip("torch")
    nlp = learn_by_heart(small_transformer(str(tiny_bert)), n_updates=1)
    [shim] = [shim for node in nlp.get_pipe("bio_ner").model.walk() for shim in node.shims]
    with torch.no_grad():
        next(iter(shim._model.parameters()))[0, 0] = float("nan")
    with pytest.raises(ValueError, match="the transformer's '.*' is not all numbers"):
        nlp.from_bytes(nlp.to_bytes())


def test_scores_that_are_no_numbers_are_an_error_at_prediction(trained):
    """Whichever component they come from."""
    component = trained.get_pipe("bio_ner")
    component.model.get_ref("emission").get_param("b")[0] = numpy.nan
    with pytest.raises(ValueError, match=r"no probabilities for the text 'Aspirin'"):
        trained("Aspirin")
    with pytest.raises(ValueError, match="no probabilities"):
        component.k_best([trained.make_doc("Aspirin")], 2)


def test_vectors_of_another_component_that_are_no_numbers(make_examples):
    """Its weights are not looked at when it is loaded here, but what comes of them is at prediction."""
    nlp = spacy.blank("en")
    shared = nlp.add_pipe("tok2vec")
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}
    nlp.add_pipe("bio_ner", config={"model": {"@architectures": "spacy_bio_ner.BioTagger.v1", "tok2vec": listener}})
    nlp.initialize(lambda: make_examples(nlp))
    for value in (numpy.nan, numpy.inf):
        [*_, (node, name)] = parameters(shared.model)
        node.get_param(name).flat[0] = value
        with pytest.raises(ValueError, match="'bio_ner' has no probabilities for the text 'Aspirin'"):
            nlp("Aspirin")


def test_a_config_edited_under_saved_weights_is_warned_of(trained, tmp_path):
    """What the weights were trained with counts: prefixes exchanged change nothing."""
    trained.to_disk(tmp_path / "model")
    component = Config().from_disk(tmp_path / "model" / "config.cfg")["components"]["bio_ner"]["model"]["tok2vec"]
    if "embed" in component:
        change, said = {"embed": {"prefixes": [2, 1]}}, r"prefixes = \[2, 1\] .* trained with \[1, 2\], which counts"
    else:
        change, said = {"stride": 8}, "stride = 8 .* trained with 16, which counts"
    with pytest.warns(UserWarning, match=said):
        nlp = spacy.load(tmp_path / "model", config={"components": {"bio_ner": {"model": {"tok2vec": change}}}})
    for text, _ in TEXTS:
        assert [(e.text, e._.confidence) for e in nlp(text).ents] == [
            (e.text, e._.confidence) for e in trained(text).ents
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        spacy.load(tmp_path / "model")


@pytest.mark.parametrize("labels", [["CHEM"], ["CHEM", "DIS", "X"], ["CHEM", "CHEM"], "CD", {"CHEM": 1, "DIS": 2}, []])
def test_labels_that_do_not_belong_to_the_weights(trained, labels):
    component = trained.get_pipe("bio_ner")
    component.model.attrs["labels"] = labels
    data = trained.to_bytes()
    with pytest.raises(ValueError, match="cannot be used: (its labels are|it has . labels)"):
        trained.from_bytes(data)


def test_a_pipeline_saved_by_the_first_version_predicts_the_same():
    """Saved by version 0.1.0, with what it found then."""
    data = ROOT / "tests" / "data"
    nlp = spacy.load(data / "pipeline_0_1_0")
    for expected in srsly.read_json(data / "pipeline_0_1_0.json"):
        ents = nlp(expected["text"]).ents
        assert [[ent.start_char, ent.end_char, ent.label_] for ent in ents] == [row[:3] for row in expected["ents"]]
        for ent, (*_, confidence) in zip(ents, expected["ents"]):
            assert ent._.confidence == pytest.approx(confidence, abs=1e-6)


def as_saved_by_version_1(folder):
    """Turn a saved pipeline into what version 1 had: the labels in cfg, no checksums, other settings."""
    component = folder / "bio_ner"
    (component / CHECKSUMS).unlink()
    saved = srsly.read_json(component / "cfg")
    cfg = {name: saved[name] for name in ("threshold", "candidate_threshold", "temperature")}
    cfg.update(labels=["CHEM", "DIS"], decoding="viterbi", beta=1.0)
    srsly.write_json(component / "cfg", cfg)
    model = srsly.msgpack_loads((component / "model").read_bytes())
    del model["attrs"][0]["labels"]
    (component / "model").write_bytes(srsly.msgpack_dumps(model))
    config = (folder / "config.cfg").read_text().splitlines()
    config = [line for line in config if not line.startswith(("spans_key", "incorrect_spans_key", "decoding", "beta"))]
    (folder / "config.cfg").write_text("\n".join(config).replace("[components.bio_ner]", "[components.bio_ner]\n"))


def test_pipelines_of_version_1_load(trained, tmp_path):
    trained.get_pipe("bio_ner").cfg["temperature"] = 2.0
    expected = [[(ent.text, ent.label_, ent._.confidence) for ent in trained(text).ents] for text, _ in TEXTS]
    trained.to_disk(tmp_path / "model")
    as_saved_by_version_1(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")
    assert nlp.get_pipe("bio_ner").labels == ("CHEM", "DIS")
    assert [[(ent.text, ent.label_, ent._.confidence) for ent in nlp(text).ents] for text, _ in TEXTS] == expected
    nlp.to_disk(tmp_path / "again")
    assert spacy.load(tmp_path / "again").get_pipe("bio_ner").cfg["temperature"] == 2.0
    cfg = srsly.read_json(tmp_path / "model" / "bio_ner" / "cfg")
    srsly.write_json(tmp_path / "model" / "bio_ner" / "cfg", {k: v for k, v in cfg.items() if k != "temperature"})
    with pytest.raises(ValueError, match="saved settings of bio_ner lack temperature"):
        spacy.load(tmp_path / "model")
