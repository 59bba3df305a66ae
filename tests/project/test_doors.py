"""What the project refuses before it does anything, and where it ends instead of going on with nothing."""

import importlib
import shutil

import check
import distill
import numpy
import pytest
import spacy
import steps
import vectors
from spacy.cli._util import parse_config_overrides
from spacy.util import load_config
from spacy.vectors import Mode
from thinc.api import has_cupy
from train import check_learned
from typer import Exit, Typer
from typer.testing import CliRunner
from weasel.util.config import load_project_config

from ..conftest import ROOT, SMALL_MODEL, learn_by_heart
from .test_project import copy_of_the_repository, run

try_text = importlib.import_module("try").main


@pytest.fixture
def refused(capsys):
    """Call a function that ends the script, and return what it prints, on one line."""

    def call(function, *args, **settings):
        with pytest.raises(SystemExit) as err:
            function(*args, **settings)
        assert err.value.code == 1
        return " ".join(capsys.readouterr().out.split())

    return call


def check_variables(*options):
    app = Typer()
    app.command()(check.main)
    result = CliRunner().invoke(app, options)
    assert result.exit_code in (0, 1), result.exception
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_of_the_repository(tmp_path_factory.mktemp("doors") / "project")


def run_all(python, project, *variables, env=None):
    command = (python, "-m", "spacy", "project", "run", "all", project, *variables)
    result = run(*command, cwd=project.parent, check=False, env=env)
    assert result.returncode == 1 and not list((project / "corpus").glob("*/"))
    return result.stdout


def test_a_misspelt_variable_is_refused_and_its_meaning_guessed(project, light_python):
    env = {"WEASEL_CONFIG_OVERRIDES": "--vars.nope 3"}
    output = run_all(light_python, project, "--vars.corpsu", "assistant", env=env)
    assert "--vars.corpsu: the project has no such variable: was --vars.corpus meant?" in output
    assert "--vars.nope: the project has no such variable, only corpus, " in output


def test_a_corpus_without_dev_is_refused(project, light_python):
    (project / "assets" / "mine").mkdir()
    for split in ("train", "test"):
        shutil.copy(project / "assets" / "medical" / f"{split}.iob", project / "assets" / "mine")
    assert "assets/mine: found test, train, but no dev" in run_all(light_python, project, "--vars.corpus", "mine")


@pytest.mark.parametrize("value", ["../x", "", "/tmp", "a/b", "a b", ".", "..", "a\\b", "-x", "a\n"])
@pytest.mark.parametrize("variable", ["corpus", "config", "name"])
def test_what_would_lead_out_of_the_project_is_refused(variable, value):
    [message] = check.wrong_names(**{variable: value})
    assert message.startswith(f"--vars.{variable}: found {value!r}, expected the name of a ")
    assert not list(check.wrong_names(**{variable: "bc5cdr-pubtator_2"}))


def test_each_step_that_writes_checks_the_variables_it_writes_by():
    names = {"corpus": "../x", "config": "../y", "name": "../z"}
    config = load_project_config(ROOT, overrides={f"vars.{name}": value for name, value in names.items()})
    for command in config["commands"]:
        for name, value in names.items():
            if any(value in out for out in command.get("outputs", [])):
                first = command["script"][0]
                assert first.startswith("python scripts/check.py") and f'--{name} "{value}"' in first, command["name"]
        if any(value in line for line in command["script"] for value in names.values()):
            assert command["name"] in ("install", "try", "pictures") or "check.py" in command["script"][0]


def test_what_is_missing_is_said_before_anything_runs():
    found = check_variables("--corpus", "medicl", "--config", "lstn", "--lang", "qq", "--inputs")
    assert (
        "--vars.config: found 'lstn', expected one of configs/: assistant, assistant_transformer, distilled, lstm, "
        in found
    )
    assert "--vars.corpus: found 'medicl', expected a folder in assets/" in found and "--vars.lang: found 'qq'" in found
    settings = ("--corpus", "medical", "--lang", "en", "--inputs", "--encoder", "assets/nope", "--config")
    found = check_variables(*settings, "transformer")
    assert "--vars.encoder: found 'assets/nope', no folder: python -m spacy project run encoder . fetches" in found
    assert "assets/medical and configs/lstm.cfg can be used" in check_variables(*settings, "lstm")
    assert "found '1.1', expected three numbers, such as 0.1.0" in check_variables("--version", "1.1")
    assert check_variables("--version", "0.1.0", "--set", "training.dropout=0.2") == ""


def test_a_teacher_that_cannot_teach_is_refused(tmp_path):
    settings = ("--corpus", "medical", "--lang", "en", "--inputs", "--config")
    spacy.blank("en").to_disk(tmp_path / "blank")
    (tmp_path / "texts.txt").write_text("Fever\n")
    model, texts = ("--teacher", str(tmp_path / "blank")), ("--texts", str(tmp_path / "texts.txt"))
    found = check_variables(*settings, "distilled")
    assert (
        "--vars.config distilled: learns from a teacher, expected --vars.teacher (a pipeline) and --vars.texts" in found
    )
    assert "configs/lstm.cfg learns from none, expected --vars.config distilled" in check_variables(
        *settings, "lstm", *model
    )
    found = check_variables(*settings, "distilled", "--teacher", "nowhere/model", *texts)
    assert "--vars.teacher: cannot load 'nowhere/model'" in found and "Nothing was run" in found
    found = check_variables(*settings, "distilled", *model, "--texts", "nowhere.txt")
    assert "--vars.texts: nowhere.txt: no such file or folder" in found
    assert "can be used" in check_variables(*settings, "distilled", *model, *texts)


def test_vectors_that_cannot_be_used_are_refused(tmp_path):
    settings = ("--corpus", "medical", "--lang", "en", "--inputs", "--config")
    nlp = spacy.blank("en")
    nlp.to_disk(tmp_path)
    assert "has none, expected what 'spacy init vectors'" in check_variables(
        *settings, "lstm", "--vectors", str(tmp_path)
    )
    assert "--vars.vectors: cannot load 'nowhere'" in check_variables(*settings, "lstm", "--vectors", "nowhere")
    nlp.vocab.set_vector("fever", numpy.ones(3, dtype="float32"))
    nlp.to_disk(tmp_path)
    assert "can be used" in check_variables(*settings, "lstm", "--vectors", str(tmp_path))


def test_variables_become_settings_that_the_config_has():
    options = steps.training_options("de", "", "taught", "training/vectors", -1, "training.max_steps=7")
    found = options.index("--gpu-id")
    overrides = parse_config_overrides([*options[:found], *options[found + 2 :]])
    config = load_config(ROOT / "configs" / "distilled.cfg", overrides, interpolate=True)
    assert config["components"]["bio_ner"]["model"]["tok2vec"]["embed"]["include_static_vectors"] is True
    assert config["initialize"]["vectors"] == "training/vectors" and config["training"]["max_steps"] == 7
    assert config["corpora"]["train"]["second"]["path"] == "taught" and config["nlp"]["lang"] == "de"


def test_vectors_of_texts(tmp_path, monkeypatch, refused, light_children):
    pytest.importorskip("floret", reason="needs the extra 'vectors'")
    monkeypatch.setattr(vectors, "ROWS", 50)
    (tmp_path / "x.jsonl").write_text('{"text": "Fever after lithium-carbonate."}\n' * 20)
    vectors.main(str(tmp_path / "x.jsonl"), tmp_path / "vectors", lang="en", epochs=1)
    table = spacy.load(tmp_path / "vectors").vocab.vectors
    assert table.mode == Mode.floret and table.shape == (50, vectors.DIM)
    assert "none: no such file or folder" in refused(vectors.main, "none", tmp_path / "vectors", lang="en", epochs=1)


def test_no_teacher_no_distillation(capsys):
    distill.main("", "texts.txt", output=ROOT / "nowhere", gpu_id=-1)
    assert "No teacher: --vars.teacher is empty" in capsys.readouterr().out and not (ROOT / "nowhere").exists()


@pytest.mark.skipif(has_cupy, reason="CuPy is here")
def test_a_gpu_without_cupy_is_one_line():
    found = check_variables("--gpu-id", "0")
    assert found.startswith("--vars.gpu_id 0: Cannot use GPU, CuPy is not installed") and "Nothing was run" in found


def test_settings_of_training_come_with_hyphens_or_without(refused):
    assert steps.overrides("training.dropout=0.2 --system.seed=1") == ["--training.dropout=0.2", "--system.seed=1"]
    assert steps.overrides("") == []
    for wrong in ("training.dropout", "dropout=0.2", "training.dropout="):
        assert f"--vars.set: found '{wrong}', expected settings such" in refused(steps.overrides, wrong)


def test_a_text_has_its_apostrophes_and_comes_by_the_environment_else(tmp_path, capsys, monkeypatch):
    learn_by_heart(SMALL_MODEL).to_disk(tmp_path)
    config = load_project_config(ROOT, overrides={"vars.text": "Parkinson's disease"})
    [script] = next(command["script"] for command in config["commands"] if command["name"] == "try")
    assert steps.shlex.split(script)[3] == "Parkinson's disease"
    monkeypatch.setenv("BIO_NER_TEXT", 'Fever after penicillin "$5"')
    try_text(str(tmp_path), "", corpus=None, expect="Fever/DIS, penicillin/CHEM")
    try_text(str(tmp_path), "Asthma", corpus=None, expect="Asthma/DIS")
    assert capsys.readouterr().out == "Fever/DIS, penicillin/CHEM\nAsthma/DIS\n"


@pytest.mark.parametrize("cut", [True, False])
def test_a_pipeline_that_was_not_saved_whole_ends_the_project(cut, tmp_path, make_examples, refused):
    nlp = spacy.blank("en")
    nlp.add_pipe("bio_ner", config={"model": SMALL_MODEL})
    nlp.initialize(lambda: make_examples(nlp))
    for name in ("meta.json", "config.cfg", "bio_ner/model", "vocab/strings.json", "tokenizer"):
        nlp.to_disk(tmp_path / "model")
        path = tmp_path / "model" / name
        path.write_bytes(path.read_bytes()[:-7]) if cut else path.unlink()
        assert "The trained pipeline is not whole" in refused(check_learned, tmp_path / "model"), name
        shutil.rmtree(tmp_path / "model")
    assert "The trained pipeline is not whole" in refused(check_learned, tmp_path / "model")


def test_a_pipeline_that_has_learned_nothing_ends_the_project(tmp_path, refused):
    nlp = spacy.blank("en")
    for score in (0.0, 0.016, 0.5):
        nlp.meta["performance"] = {"ents_f": score}
        nlp.to_disk(tmp_path)
        if score == 0.5:
            check_learned(tmp_path)
        else:
            assert f"the best F-score on dev is {100 * score:.1f}" in refused(check_learned, tmp_path)


def test_a_step_that_fails_ends_the_script_with_its_code(capfd, light_children):
    with pytest.raises(Exit) as err:
        steps.run("spacy", "train", "nowhere.cfg")
    assert err.value.exit_code == 2
