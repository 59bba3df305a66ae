"""The recipes of docs/in-company.md, run as they stand there where the library in question is installed."""

import re
import subprocess
import sys
import textwrap

import numpy
import pytest
import spacy
import srsly

from ..conftest import ROOT, SMALL_MODEL, learn_by_heart

DOCUMENT = (ROOT / "docs" / "in-company.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipelines") / "model"
    learn_by_heart(SMALL_MODEL).to_disk(path)
    return path


@pytest.fixture
def run(saved, tmp_path, monkeypatch):
    """Run the example that has some text in it, and return its variables."""
    monkeypatch.chdir(tmp_path)

    def run(contains, module=None):
        if module is not None:
            pytest.importorskip(module)
        [code] = [code for code in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL) if contains in code]
        code = code.replace('"MODEL"', repr(str(saved))).replace('"RENAMED"', repr(str(tmp_path / "renamed")))
        variables = {"__name__": "recipe"}
        exec(code, variables)
        return variables

    return run


@pytest.fixture
def run_in_a_process(saved, tmp_path):
    """The same for what starts processes: as a script, and one of its variables."""

    def run(contains, module, variable):
        pytest.importorskip(module)
        [code] = [code for code in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL) if contains in code]
        code = code.replace('"MODEL"', repr(str(saved))) + f"\nimport srsly\nsrsly.write_json('found.json', {variable})"
        script = tmp_path / "recipe.py"
        script.write_text('if __name__ == "__main__":\n' + textwrap.indent(code, "    "), encoding="utf-8")
        subprocess.run([sys.executable, str(script)], cwd=tmp_path, check=True)
        return srsly.read_json(tmp_path / "found.json")

    return run


def test_sourcing_with_the_tokenizer(run, saved):
    nlp, source = run('nlp.add_pipe("bio_ner", source=source)')["nlp"], spacy.load(saved)
    text = "Aspirin/warfarin (5-FU)"
    assert [token.text for token in nlp(text)] == [token.text for token in source(text)]
    assert [(ent.text, ent._.confidence) for ent in nlp(text).ents] == [
        (ent.text, pytest.approx(ent._.confidence)) for ent in source(text).ents
    ]


def test_docs_from_the_components_before(run):
    [[(ents, probability), *_]] = run("k_best(docs, k=3)")["analyses"]
    assert [ent.text for ent in ents] == ["Fever", "penicillin"] and probability > 0.5


def test_entities_of_a_later_component(run):
    variables = run("statins")
    assert variables["sure"] == ["Fever", "statins"] and variables["doc"].ents[1]._.confidence is None


def test_an_entity_linker(run):
    linked = run("entity_linker")["linked"]
    assert [(text, kb_id) for text, kb_id, _ in linked] == [("Aspirin", "D001241"), ("warfarin", "NIL")]
    assert all(0.5 < confidence < 1 for _, _, confidence in linked)


def test_a_component_named_ner(run, tmp_path):
    run("rename_pipe")
    nlp = spacy.load(tmp_path / "renamed")
    assert nlp.pipe_names == ["ner"] and 0.5 < nlp("Asthma").ents[0]._.confidence < 1


@pytest.mark.slow
def test_presidio(run):
    results = run("presidio_analyzer", "presidio_analyzer")["results"]
    assert {(r.start, r.end, r.entity_type) for r in results} == {(0, 5, "DIS"), (12, 22, "CHEM")}
    assert all(0.5 < r.score < 1 and r.score != 0.85 for r in results)


@pytest.mark.slow
def test_negspacy(run):
    assert dict(run("negex", "negspacy")["negated"]) == {"Fever": True, "Asthma": False}


@pytest.mark.slow
def test_textacy(run):
    variables = run("textacy", "textacy")
    assert variables["diseases"] == ["Fever", "Asthma"] and variables["n_sentences"] == 2


@pytest.mark.slow
def test_abbreviations(run):
    assert run("scispacy", "scispacy")["short"] == [("PF", "DIS")] * 2


@pytest.mark.slow
def test_edsnlp(run):
    found = run("edsnlp.blank", "edsnlp")["found"]
    assert [text for text, _ in found] == ["Fever", "penicillin"] and all(0.5 < p < 1 for _, p in found)


@pytest.mark.slow
def test_fastapi(run):
    pytest.importorskip("httpx")
    app = run("FastAPI", "fastapi")["app"]
    from fastapi.testclient import TestClient

    client, texts = TestClient(app), ["Fever after penicillin", ""]
    [ents, none] = client.post("/entities", json=texts).json()
    assert [ent["label"] for ent in ents] == ["DIS", "CHEM"] and none == []
    between = sum(ent["probability"] for ent in ents) / 2
    [ents, _] = client.post("/entities", params={"threshold": between}, json=texts).json()
    assert len(ents) == 1 and ents[0]["probability"] >= between


@pytest.mark.slow
def test_joblib(run_in_a_process):
    batches = run_in_a_process("joblib", "joblib", "batches")
    assert len(batches) == 4
    for doc, other in zip(batches[0], batches[0][2:]):
        assert doc[0][1] == "DIS" and [ent[:2] for ent in doc] == [ent[:2] for ent in other]
        # The place in a batch changes the last digits.
        assert [ent[2] for ent in doc] == pytest.approx([ent[2] for ent in other], abs=1e-6)


@pytest.mark.slow
def test_dask(run_in_a_process):
    found = run_in_a_process("dask.bag", "dask.bag", "found")
    assert found == [[["Fever", "DIS"], ["penicillin", "CHEM"]], [["Asthma", "DIS"]]]


@pytest.mark.slow
def test_spacy_streamlit(saved, monkeypatch):
    pytest.importorskip("spacy_streamlit")
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("MODEL", str(saved))

    def page():
        import os

        import spacy
        import spacy_streamlit

        nlp = spacy.load(os.environ["MODEL"])
        spacy_streamlit.visualize_ner(
            nlp("Fever after penicillin"), labels=nlp.get_pipe("bio_ner").labels, attrs=["text", "label_"]
        )

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert app.dataframe[0].value["text"].tolist() == ["Fever", "penicillin"]


@pytest.mark.slow
def test_spacy_curated_transformers(nlp):
    curated = pytest.importorskip("spacy_curated_transformers")
    tokenizers = pytest.importorskip("curated_tokenizers")
    if tuple(map(int, numpy.__version__.split(".")[:2])) >= (2, 4) and curated:
        pytest.skip("spacy-curated-transformers cannot train with NumPy 2.4")
    from spacy.training import Example

    from ..conftest import TEXTS

    letters = "abcdefghijklmnopqrstuvwxyz."
    pieces = ["[CLS]", "[SEP]", "[UNK]", "[PAD]", *letters, *("##" + letter for letter in letters)]
    name = "spacy-curated-transformers"
    encoder = {
        "@architectures": f"{name}.BertTransformer.v1", "vocab_size": len(pieces), "hidden_width": 32,
        "num_attention_heads": 2, "intermediate_width": 64, "num_hidden_layers": 2,
        "piece_encoder": {"@architectures": f"{name}.BertWordpieceEncoder.v1"},
        "with_spans": {"@architectures": f"{name}.WithStridedSpans.v1"},
    }  # fmt: skip
    transformer = nlp.add_pipe("curated_transformer", config={"model": encoder})
    listener = {
        "@architectures": f"{name}.LastTransformerLayerListener.v1", "width": 32,
        "pooling": {"@layers": "reduce_mean.v1"}, "upstream": "curated_transformer", "grad_factor": 1.0,
    }  # fmt: skip
    component = nlp.add_pipe("bio_ner", config={"model": {**SMALL_MODEL, "tok2vec": listener}})
    transformer.model.get_ref("piece_encoder").attrs["wordpiece_processor"] = tokenizers.WordPieceProcessor(pieces)
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in TEXTS]
    optimizer, losses = nlp.initialize(lambda: examples), []
    for _ in range(30):
        losses.append(nlp.update(examples, sgd=optimizer, losses={})["bio_ner"])
    assert losses[-1] < 0.5 * losses[0]
    with pytest.raises(ValueError, match="'curated_transformer' computes"):
        component(nlp.make_doc("Fever"))
