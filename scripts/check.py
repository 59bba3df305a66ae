"""Refuse variables of the project that its steps could not use, before one of them begins."""

import re
import shlex
from difflib import get_close_matches
from pathlib import Path
from typing import Iterator, List, Optional

import psutil
import srsly
import typer
from steps import overrides
from wasabi import msg
from weasel.util.config import parse_config_overrides

ROOT = Path(__file__).parent.parent
SPLITS = ("train", "dev", "test")


def unknown_variables() -> Iterator[str]:
    """The project takes variables it does not have and says nothing; they are only seen in its command line and in the
    environment.

    YIELDS (str): What is wrong with each.
    """
    known = srsly.read_yaml(ROOT / "project.yml")["vars"]
    given = list(parse_config_overrides([]))
    for process in psutil.Process().parents():
        try:
            words = process.cmdline()
        except psutil.Error:  # a process of someone else's
            continue
        if "run" in words:
            given += [word[2:].partition("=")[0] for word in words if word.startswith("--vars.")]
    for name in given:
        section, _, variable = name.replace("-", "_").partition(".")
        if section == "vars" and variable not in known:
            [close, *_] = [*get_close_matches(variable, known, 1), ""]
            meant = f": was --vars.{close} meant?" if close else f", only {', '.join(known)}"
            yield f"--vars.{variable}: the project has no such variable{meant}"


def wrong_names(**names: Optional[str]) -> Iterator[str]:
    """YIELDS (str): What is wrong with variables that become names of files and of the package."""
    for variable, name in names.items():
        if name is not None and not re.fullmatch(r"\w[\w-]*", name, re.ASCII if variable == "name" else 0):
            what = "the name of a package" if variable == "name" else "the name of a folder or file, and no path"
            yield f"--vars.{variable}: found {name!r}, expected {what}: letters, digits, _ and -"


def missing_inputs(corpus: str, config: str, lang: str, encoder: str) -> Iterator[str]:
    """YIELDS (str): What a run of all steps would miss."""
    import spacy

    from spacy_bio_ner.corpora.sources import find_sources
    from spacy_bio_ner.util import InputError

    configs = sorted(path.stem for path in (ROOT / "configs").glob("*.cfg"))
    if config not in configs:
        yield f"--vars.config: found {config!r}, expected one of configs/: {', '.join(configs)}"
    elif "${paths.encoder}" in (ROOT / "configs" / f"{config}.cfg").read_text(encoding="utf8"):
        if encoder.startswith("assets/") and not (ROOT / encoder).is_dir():
            yield f"--vars.encoder: found {encoder!r}, no folder: python -m spacy project run encoder . fetches MiniLM"
    source = ROOT / "assets" / corpus
    if not source.is_dir():
        folders = sorted(path.name for path in source.parent.iterdir() if path.is_dir())
        yield f"--vars.corpus: found {corpus!r}, expected a folder in assets/, such as {', '.join(folders)}"
    else:
        try:
            found = find_sources(source)
        except InputError as err:
            yield str(err)
        else:
            for split in SPLITS:
                if split not in found:
                    yield (
                        f"assets/{corpus}: found {', '.join(found)}, but no {split}: add a file of that name, "
                        "or leave a single file, not named for a split, which is then split 80/10/10"
                    )
    try:
        spacy.blank(lang)
    except ImportError as err:
        yield f"--vars.lang: found {lang!r}, for which spaCy has no tokenizer here: {err}"


def wrong_teaching(config: str, teacher: str, texts: str, vectors: str) -> Iterator[str]:
    """YIELDS (str): Why a config cannot learn from a teacher, texts or vectors."""
    import spacy

    from spacy_bio_ner.util import InputError

    settings = (ROOT / "configs" / f"{config}.cfg").read_text(encoding="utf8")
    learns = "${paths.taught}" in settings
    if learns and not (teacher and texts):
        yield f"--vars.config {config}: learns from a teacher, expected --vars.teacher (a pipeline) and --vars.texts"
    elif teacher and not learns:
        yield f"--vars.teacher: configs/{config}.cfg learns from none, expected --vars.config distilled"
    for path in shlex.split(teacher):
        try:
            spacy.load(path)
        except Exception as err:  # a folder that is no pipeline can raise anything
            yield f"--vars.teacher: cannot load {path!r}: {err}"
    if texts:
        try:
            from spacy_bio_ner.annotate.inputs.discovery import find_sources

            find_sources(map(Path, shlex.split(texts)))
        except ModuleNotFoundError as err:
            yield f"--vars.texts: {err.name} is not installed: pip install -c constraints.txt -e '.[scale]'"
        except InputError as err:
            yield f"--vars.texts: {err}"
    if vectors and "include_static_vectors" not in settings:
        yield f"--vars.vectors: nothing in configs/{config}.cfg reads vectors, expected another config, such as lstm"
    elif vectors:
        try:
            if not spacy.load(vectors).vocab.vectors.shape[1]:
                yield f"--vars.vectors: {vectors!r} has none, expected what 'spacy init vectors' writes"
        except Exception as err:
            yield f"--vars.vectors: cannot load {vectors!r}: {err}"


def wrong_gpu(gpu_id: int) -> Iterator[str]:
    """YIELDS (str): Why a GPU cannot be used."""
    from thinc.api import require_gpu

    try:
        require_gpu(gpu_id)
    except Exception as err:  # CuPy has errors of its own
        yield (
            f"--vars.gpu_id {gpu_id}: {err}. A GPU needs CuPy, also with a transformer: pip install -e '.[cuda12x]', "
            "or '.[cuda13x]'; -1 is the CPU"
        )


def main(
    corpus: Optional[str] = None,
    config: Optional[str] = None,
    name: Optional[str] = None,
    version: Optional[str] = None,
    lang: Optional[str] = None,
    encoder: str = "",
    teacher: str = "",
    texts: str = "",
    vectors: str = "",
    gpu_id: int = -1,
    settings: str = typer.Option("", "--set"),
    inputs: bool = typer.Option(False, help="Whether the corpus, the config and all they need have to be there"),
):
    """Refuse variables of the project that its steps could not use. Those that are not given are not looked at."""
    wrong: List[str] = [*unknown_variables(), *wrong_names(corpus=corpus, config=config, name=name, lang=lang)]
    if version is not None and not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc|\.post|\.dev)\d+)?", version):
        wrong.append(f"--vars.version: found {version!r}, expected three numbers, such as 0.1.0")
    overrides(settings)
    if inputs and not wrong:
        wrong += missing_inputs(corpus, config, lang, encoder)
    if inputs and not wrong:
        wrong += wrong_teaching(config, teacher, texts, vectors)
    if gpu_id >= 0:
        wrong += wrong_gpu(gpu_id)
    if wrong:
        typer.echo("\n".join(wrong))
        msg.fail("Nothing was run", exits=1)
    if inputs:
        msg.good(f"assets/{corpus} and configs/{config}.cfg can be used")


if __name__ == "__main__":
    typer.run(main)
