"""Make docs/reference.md: what can be set, called and named, from the code itself and its docstrings."""

import importlib
import inspect
import re
from enum import EnumMeta
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Sequence, get_args, get_type_hints

import srsly
from spacy.language import Language
from spacy.tokens import Span
from typer.models import ArgumentInfo, ParameterInfo

from spacy_bio_ner import component, thresholds, views
from spacy_bio_ner.cli import bio_ner_cli

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference.md"
ITEM = re.compile(r"^(\*{0,2}\w+|RETURNS|YIELDS|RAISES) \((.+?)\): (.*)", re.DOTALL)
# Of what is registered, where each kind is named in a config
PLACES = {
    "spacy_architectures": "`@architectures`",
    "spacy_tokenizers": "`@tokenizers`, in `[nlp.tokenizer]`",
    "spacy_batchers": "`@batchers`, in `[training.batcher]`",
    "spacy_callbacks": "`@callbacks`, in `[initialize.before_init]` or `[initialize.after_init]`",
    "spacy_readers": "`@readers`, in `[corpora.train]`",
}
INTRO = """# Reference

Made from the code by `python docs/make/reference.py`; a test compares the two.
"""
ATTRIBUTES = """
## What it writes to a Doc

| where | what |
|---|---|
| `doc.ents` | the entities, with those that were set before |
| `span._.confidence` | {confidence} |
| `span._.alternatives` | {alternatives} |
| `doc.spans[spans_key]` | a span group, by default under the name of the component. With `candidate_threshold` it holds the entities and the candidates, else no span |
| its `attrs["confidences"]` | `"start:end:LABEL"`, in characters, and for each `[probability, outside, is_entity]` |
| its `attrs["left_out"]` | the same keys, and the probability: entities that a threshold has left out |
| its `attrs["expected"]` | with `candidate_threshold`: for each label the expected number of entities |

What it reads: entities, blocked tokens and missing annotation of `doc.set_ents`, the span group `incorrect_spans_key`, and in
training `doc.user_data["bio_ner"]`, where `convert --annotated-labels` and a teacher write.
"""  # noqa: E501


class Docstring(NamedTuple):
    """A docstring in spaCy's form. items holds a name, a type and a text for each of its lines `name (Type): text`."""

    text: str
    items: List[Sequence[str]]


def read_docstring(obj: object) -> Docstring:
    """RETURNS (Docstring): That of a function, a method or a class, each paragraph on one line."""
    paragraphs: List[str] = []
    for line in inspect.getdoc(obj).splitlines():
        if not line.strip() or ITEM.match(line) or not paragraphs:
            paragraphs.append(line.strip())
        else:
            paragraphs[-1] = f"{paragraphs[-1]} {line.strip()}".strip()
    found = [ITEM.match(paragraph) for paragraph in paragraphs]
    texts = [paragraph for paragraph, item in zip(paragraphs, found) if paragraph and not item]
    return Docstring(" ".join(texts), [item.groups() for item in found if item])


def cell(text: object) -> str:
    """RETURNS (str): A text for the cell of a table."""
    return " ".join(str(text).replace("|", "\\|").replace("<", "&lt;").split())


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(map(cell, row)) + " |"


def settings() -> Iterator[str]:
    yield "## The component's settings\n"
    yield "They stand in `[components.bio_ner]` of a config. All but the last two can be changed at run time, in"
    yield '`nlp.get_pipe("bio_ner").cfg`, where each value is checked.\n'
    default = Language.get_factory_meta("bio_ner").default_config
    items = {name: (kind, text) for name, kind, text in read_docstring(component.make_bio_ner).items}
    rows = []
    for name, value in default.items():
        kind, text = items[name]
        shown = "see below" if isinstance(value, dict) else f"`{srsly.json_dumps(value)}`"
        rows.append((f"`{name}`", f"`{kind}`", shown, text))
    rows.sort(key=lambda row: row[0] in ("`model`", "`scorer`"))
    yield from table(("setting", "type", "default", ""), rows)
    yield '\nThe model and the scorer by default, as `nlp.add_pipe("bio_ner")` has them:\n'
    yield f"```ini{component.DEFAULT_CONFIG.rstrip()}\n```\n"


def signature(function: Callable) -> str:
    """RETURNS (str): Names of arguments, and the values of those that have one."""
    parts, after_star = [], False
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self" or parameter.kind == parameter.VAR_KEYWORD:
            continue
        if parameter.kind == parameter.KEYWORD_ONLY and not after_star:
            after_star = True
            parts.append("*")
        has_default = parameter.default is not parameter.empty
        parts.append(f"{name}={parameter.default!r}" if has_default else name)
    return f"({', '.join(parts)})"


def described(name: str, function: Callable, level: int = 3) -> Iterator[str]:
    """YIELDS (str): What a function or a method takes, gives and refuses."""
    text, items = read_docstring(function)
    yield f"{'#' * level} `{name}{signature(function)}`\n"
    if text:
        yield f"{text}\n"
    if items:
        rows = ((what.lower() if what.isupper() else f"`{what}`", f"`{kind}`", about) for what, kind, about in items)
        yield from table(("", "type", ""), rows)
        yield ""


def methods() -> Iterator[str]:
    yield "## The component's methods\n"
    yield "`BioEntityRecognizer` is a `TrainablePipe` of spaCy; what it has from there is not repeated here.\n"
    own = vars(component.BioEntityRecognizer)
    for name, value in own.items():
        if isinstance(value, property):
            yield f"### `{name}`\n\n{read_docstring(value.fget).items[0][2]}\n"
        elif inspect.isfunction(value) and not name.startswith("_"):
            yield from described(name, value)


def attributes() -> Iterator[str]:
    def returns(getter: Callable) -> str:
        return cell(read_docstring(getter).items[-1][2])

    getters = {name: Span.get_extension(name)[2] for name in ("confidence", "alternatives")}
    yield ATTRIBUTES.format(**{name: returns(getter) for name, getter in getters.items()}).strip() + "\n"


def functions() -> Iterator[str]:
    yield "## Functions on Docs\n"
    for module in (thresholds, views):
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
                yield from described(f"{module.__name__}.{name}", value)


def entry_points() -> Dict[str, Dict[str, str]]:
    """RETURNS (Dict[str, Dict[str, str]]): For each group of pyproject.toml the names and where each is."""
    groups: Dict[str, Dict[str, str]] = {}
    group = None
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf8").splitlines():
        if line.startswith("["):
            found = re.match(r"\[project\.entry-points\.(\w+)\]", line)
            group = groups.setdefault(found[1], {}) if found else None
        elif group is not None and "=" in line:
            name, _, place = line.partition("=")
            group[name.strip().strip('"')] = place.strip().strip('"')
    return groups


def registered() -> Iterator[str]:
    yield "## What a config can name\n"
    groups = entry_points()
    for group, where in PLACES.items():
        for name, place in groups[group].items():
            module, _, attribute = place.partition(":")
            function = getattr(importlib.import_module(module), attribute)
            text, items = read_docstring(function)
            yield f"### `{name}`\n"
            yield f"{where}. {text}\n"
            arguments = [item for item in items if not item[0].isupper()]
            defaults = {n: p.default for n, p in inspect.signature(function).parameters.items()}
            if arguments:
                rows = [
                    (
                        f"`{n}`",
                        f"`{kind}`",
                        "" if defaults[n] is inspect.Parameter.empty else f"`{defaults[n]!r}`",
                        about,
                    )
                    for n, kind, about in arguments
                ]
                yield from table(("argument", "type", "default", ""), rows)
                yield ""


def commands() -> Iterator[str]:
    yield "## Commands\n"
    yield "Each is `python -m spacy bio-ner NAME`, and says all of this with `--help`.\n"
    for command in sorted(bio_ner_cli.registered_commands, key=lambda command: command.name):
        parameters = inspect.signature(command.callback).parameters
        arguments = [name.upper() for name, p in parameters.items() if isinstance(p.default, ArgumentInfo)]
        yield f"### `{' '.join([command.name, *arguments])}`\n"
        yield f"{cell(inspect.cleandoc(command.callback.__doc__))}\n"
        kinds = get_type_hints(command.callback)
        yield from table(("", "", "default"), (option(name, p.default, kinds[name]) for name, p in parameters.items()))
        yield ""


def option(name: str, info: ParameterInfo, kind: Any) -> Sequence[str]:
    """RETURNS (Sequence[str]): The cells of an argument or an option."""
    is_argument = isinstance(info, ArgumentInfo)
    names = [name.upper()] if is_argument else sorted(info.param_decls, key=len, reverse=True)
    choices = [c for k in (kind, *get_args(kind)) if isinstance(k, EnumMeta) for c in k]
    text = info.help + (f". One of {', '.join(f'`{choice.value}`' for choice in choices)}" if choices else "")
    default = getattr(info.default, "value", info.default)
    if default is ... and not is_argument:
        return code(names), text, "required"
    return code(names), text, "" if default in (None, False, ..., []) else code([default])


def code(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def project() -> Iterator[str]:
    yield "## The project\n"
    config = srsly.read_yaml(ROOT / "project.yml")
    steps = ", ".join(f"`{step}`" for step in config["workflows"]["all"])
    yield (
        f"`python -m spacy project run STEP . --vars.NAME VALUE`. `all` runs the steps {steps}. A step is run again "
        "only if what it depends on has changed.\n"
    )
    yield "| variable | default | |\n|---|---|---|"
    comment: List[str] = []
    for line in (ROOT / "project.yml").read_text(encoding="utf8").partition("vars:\n")[2].splitlines():
        if not line.startswith("  "):
            break
        if line.strip().startswith("#"):
            comment.append(line.strip("# "))
            continue
        name, _, value = line.strip().partition(": ")
        yield f"| `{name}` | {f'`{value}`' if value.strip(chr(34)) else ''} | {cell(' '.join(comment))} |"
        comment = []
    yield "\n| step | |\n|---|---|"
    for command in config["commands"]:
        yield f"| `{command['name']}` | {cell(command['help'])} |"
    yield "\nCorpora: `python -m spacy project assets . --extra` fetches those that have an address, and checks them.\n"
    folders: Dict[str, List[str]] = {}
    for asset in config["assets"]:
        folders.setdefault("/".join(asset["dest"].split("/")[:2]), []).append(asset)
    rows = []
    for folder, assets in folders.items():
        source = "fetched" if assets[0].get("url") else "bundled" if not assets[0].get("extra") else "yours to bring"
        rows.append(
            (f"`{folder}`", source, assets[0]["description"].partition(": training")[0].partition(": words")[0])
        )
    yield from table(("folder", "", ""), rows)


def reference() -> str:
    """RETURNS (str): The whole page."""
    parts = (settings(), methods(), attributes(), functions(), registered(), commands(), project())
    return INTRO + "\n" + "\n".join("\n".join(part).rstrip() + "\n" for part in parts)


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf8")
