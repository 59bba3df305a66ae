"""The whole way, as a newcomer goes it: from the bundled corpus to a wheel in an environment of its own."""

import os
import subprocess
import sys
import venv
import zipfile

import pytest
import srsly
from spacy.cli.init_config import fill_config
from spacy.util import load_config
from weasel.util.config import load_project_config

from ..conftest import ROOT, spacy_command

# That of `make run`, and an easier one for a short training
TEXT = "Tricuspid valve regurgitation and lithium carbonate toxicity in a newborn infant."
ENTITIES = "Tricuspid valve regurgitation/DIS, lithium carbonate/CHEM, toxicity/DIS"
EASY_TEXT = "She was treated with lithium carbonate for bipolar disorder."
EASY_ENTITIES = "lithium carbonate/CHEM, bipolar disorder/DIS"
MODEL = "en_medical_lstm"


def run(*command, cwd, check=True, env=None):
    env = {**os.environ, **(env or {})}
    result = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=env)
    if check:
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result


def copy_of_the_repository(target):
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    return target


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.cfg")), ids=lambda path: path.name)
def test_configs_are_complete(path, tmp_path):
    if "TransformerEncoder" in path.read_text():
        pytest.importorskip("spacy_transformers", reason="needs the extra 'transformers'")
    filled = tmp_path / path.name
    fill_config(filled, path, silent=True)
    assert filled.read_text() == path.read_text()
    assert load_config(filled) == load_config(path)


def test_the_student_is_the_lstm_with_another_train_corpus():
    lstm, student = (load_config(ROOT / "configs" / f"{name}.cfg") for name in ("lstm", "distilled"))
    assert student["corpora"]["train"].pop("@readers") == "spacy_bio_ner.MixedCorpus.v1"
    for name, path in (("first", "${paths.train}"), ("second", "${paths.taught}")):
        assert student["corpora"]["train"][name] == {**lstm["corpora"]["train"], "path": path}
    student["corpora"]["train"] = lstm["corpora"]["train"]
    assert student["training"].pop("max_epochs") == -1 and lstm["training"].pop("max_epochs") == 0
    assert student["paths"].pop("taught") is None
    assert student == lstm


def test_project_file_names_what_exists():
    config = load_project_config(ROOT)
    names = [command["name"] for command in config["commands"]]
    own = ["encoder", "vectors", "distill"]
    assert [*own, *config["workflows"]["all"], "benchmark", "report", "demo", "pictures"] == names
    assert set(config["workflows"]["distilled"]) == {*config["workflows"]["all"], "distill"}
    for folder in config["directories"]:
        assert (ROOT / folder).is_dir()
    for command in config["commands"]:
        made = {out for other in config["commands"] for out in other.get("outputs", [])}
        for dep in command.get("deps", []):
            assert dep in made or (ROOT / dep).exists(), dep


def test_wheel_holds_all_files_of_the_library():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    [patterns] = settings["package-data"].values()
    library = ROOT / "spacy_bio_ner"
    held = {path for pattern in patterns for path in library.glob(pattern)}
    files = {path for path in library.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert files == held and library / "report" / "templates" / "report.html" in held


def test_project_document_leaves_the_readme_as_it_is(tmp_path):
    project = copy_of_the_repository(tmp_path)
    before = (project / "README.md").read_text()
    spacy_command("project", "document", project, "--output", "README.md")
    assert (project / "README.md").read_text() == before


@pytest.mark.e2e
def test_the_corpus_and_config_of_the_bot_pass_the_same_steps(tmp_path, light_children, monkeypatch):
    project = copy_of_the_repository(tmp_path / "project")
    monkeypatch.setenv("PYTHONPATH", str(project))
    for step in ("convert", "audit"):
        variables = ("--vars.corpus", "assistant", "--vars.config", "assistant")
        spacy_command("project", "run", step, project, *variables)
    ledger = srsly.read_json(project / "corpus" / "assistant" / "ledger.json")
    assert all(ledger[split]["mentions"]["read"] == ledger[split]["mentions"]["kept"] > 100 for split in ledger)


@pytest.mark.e2e
def test_forty_sentences_are_enough_to_get_to_the_training(tmp_path, light_children, monkeypatch):
    project = copy_of_the_repository(tmp_path / "project")
    monkeypatch.setenv("PYTHONPATH", str(project))
    sentences = (project / "assets" / "medical" / "train.iob").read_text(encoding="utf8").split("\n\n")
    (project / "assets" / "mine").mkdir()
    (project / "assets" / "mine" / "mine.iob").write_text("\n\n".join(sentences[:40]) + "\n", encoding="utf8")
    for step in ("convert", "audit"):
        spacy_command("project", "run", step, project, "--vars.corpus", "mine")
    ledger = srsly.read_json(project / "corpus" / "mine" / "ledger.json")
    assert sum(part["documents"] for part in ledger.values()) == 40


@pytest.mark.e2e
@pytest.mark.slow
def test_a_newcomer_s_single_file_of_150_sentences(tmp_path, light_python):
    """It trains as it is, its scores and its calibration come from all of it, and the wheel has its language."""
    project = copy_of_the_repository(tmp_path / "project")
    sentences = (project / "assets" / "medical" / "train.iob").read_text(encoding="utf8").split("\n\n")
    (project / "assets" / "tickets").mkdir()
    text = "\n\n".join(sentences[:150]) + "\n"
    (project / "assets" / "tickets" / "tickets.iob").write_text(text, encoding="utf8")
    variables = ("--vars.corpus", "tickets", "--vars.lang", "xx", "--vars.folds", "3")
    for step in ("check", "convert", "audit", "train", "calibrate", "evaluate", "package"):
        run(light_python, "-m", "spacy", "project", "run", step, project, *variables, cwd=tmp_path)
    folds = srsly.read_json(project / "metrics" / "tickets-lstm-folds.json")
    calibration = srsly.read_json(project / "metrics" / "tickets-lstm-calibration.json")
    assert folds["ents_support"] == calibration["after"]["mentions"] > 300
    low, high = folds["interval"]["ents_f"]
    assert 0.4 < low < folds["ents_f"] < high < 0.9
    assert calibration["after"]["temperature"] > 1.2
    assert list((project / "packages").glob("xx_tickets_lstm-0.1.0-*.whl"))


@pytest.mark.e2e
@pytest.mark.parametrize(
    "settings, text, entities",
    [
        ("training.max_steps=200", EASY_TEXT, EASY_ENTITIES),
        pytest.param("", TEXT, ENTITIES, marks=pytest.mark.slow),  # trained to its end
    ],
    ids=["short", "whole"],
)
def test_from_the_bundled_corpus_to_an_installed_wheel(settings, text, entities, tmp_path, light_python):
    """All steps, as `make run` runs them, but that the pipeline is installed into folders of this test's."""
    project = copy_of_the_repository(tmp_path / "project")
    installed = tmp_path / "installed"
    env = {"PIP_TARGET": str(installed), "PYTHONPATH": f"{project}{os.pathsep}{installed}"}
    run_all = ("project", "run", "all", project, "--vars.set", settings, "--vars.text", text)
    output = run(light_python, "-m", "spacy", *run_all, cwd=tmp_path, env=env).stdout
    assert output.strip().endswith(f"\n{entities}") and (installed / MODEL).is_dir()
    assert srsly.read_json(project / "metrics" / "medical-lstm.json")["ents_f"] >= 0.75

    # Unchanged, the steps that write something are skipped; a changed library runs them again.
    steps = ("convert", "train", "calibrate", "evaluate", "package")
    again = spacy_command(*run_all, "--dry")
    assert [step for step in steps if f"Skipping '{step}': nothing changed" in again] == [*steps]
    with (project / "spacy_bio_ner" / "util.py").open("a") as file:
        file.write("# changed\n")
    assert "nothing changed" not in spacy_command(*run_all, "--dry")

    wheels = sorted((project / "packages").glob("*.whl"))
    assert [wheel.name.split("-")[0] for wheel in wheels] == [MODEL, "spacy_bio_ner"]
    with zipfile.ZipFile(wheels[0]) as wheel:
        [metadata] = [wheel.read(n).decode() for n in wheel.namelist() if n.endswith("METADATA")]
    assert "Requires-Dist: spacy-bio-ner" in metadata

    # An environment that has seen neither the repository nor the library.
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile",
        "--constraint", project / "constraints.txt", "--find-links", project / "packages", MODEL,
        cwd=elsewhere, env={"PYTHONPATH": ""},
    )  # fmt: skip
    code = (
        f"import spacy, sys; doc = spacy.load({MODEL!r})({text!r});"
        "print(', '.join(e.text + '/' + e.label_ for e in doc.ents));"
        "assert 'torch' not in sys.modules"
    )
    found = run(python, "-c", code, cwd=elsewhere, env={"PYTHONPATH": ""})
    assert found.stdout.strip() == entities
