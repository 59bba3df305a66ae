"""Where a model and its scores come from: data, settings, versions."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.corpus import walk_corpus

from ..corpora.docbin import check_written
from ..corpora.output import LEDGER
from ..corpora.source_mentions import document_id
from ..evaluation.doc_results import bio_ners
from ..util import pipeline_name

PACKAGES = ("spacy-bio-ner", "spacy", "thinc", "numpy")
# What is shown of how a model was trained, of its config's block [training].
SETTINGS = ("dropout", "max_steps", "max_epochs", "patience", "accumulate_gradient")


def model_card(nlp: Language, model: str) -> Dict[str, Any]:
    """Collect the facts about a pipeline.

    nlp (Language): The pipeline.
    model (str): Its path or name, as it was given.
    RETURNS (Dict[str, Any]): By headings, facts that are known: dictionaries of values to print.
    """
    meta, config = nlp.meta, nlp.config.interpolate()
    training = config.get("training") or {}
    performance = meta.get("performance", {})
    card = {
        "Model": {
            "loaded from": model,
            "name": pipeline_name(meta, nlp.path),
            "version": meta["version"],
            "description": meta.get("description"),
            "author": meta.get("author"),
            "license": meta.get("license"),
            "pipeline": ", ".join(nlp.pipe_names),
            "labels": ", ".join(sorted({label for component in bio_ners(nlp) for label in component.labels})),
        },
        "Training": {
            "train": _train_corpus(config).get("path"),
            "Docs trained on": train_size(nlp),
            "dev": (config.get("corpora", {}).get("dev") or {}).get("path"),
            "F on dev in training": f"{performance['ents_f'] * 100:.2f}" if performance.get("ents_f") else None,
            "seed": training.get("seed"),
            **{name.replace("_", " "): training.get(name) for name in SETTINGS},
        },
        "Prediction": {
            f"{component.name}: {name}": _setting(component.cfg[name])
            for component in bio_ners(nlp)
            for name in ("threshold", "temperature")
        },
        "Versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "spaCy the model asks for": meta.get("spacy_version"),
        },
    }
    return {
        heading: {name: value for name, value in facts.items() if value not in (None, "")}
        for heading, facts in card.items()
    }


def corpus_card(corpus: Path, golds: Sequence[Doc]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The "name" of a corpus, and "facts" about it: values to print."""
    documents = {document_id(doc) for doc in golds} - {None}
    facts = {
        "file": str(corpus),
        "split": corpus.stem,
        "Docs": len(golds),
        **({"documents": len(documents)} if documents else {}),
        "tokens": sum(map(len, golds)),
    }
    return {"name": "/".join([*corpus.absolute().parts[-2:-1], corpus.stem]), "facts": facts}


def read_ledger(corpus: Path) -> Optional[Dict[str, Any]]:
    """RETURNS (Optional[Dict[str, Any]]): What the ledger beside a corpus says of it; None if it says nothing.
    RAISES (InputError): If it is not the ledger that the conversion wrote."""
    path = corpus.parent / LEDGER
    check_written(path)
    if not path.is_file():
        return None
    try:
        ledger = srsly.read_json(path)
        part = ledger[corpus.stem]
        return {key: part[key] for key in ("source", "documents", "mentions", "lost", "examples", "missing_tokens")}
    except (ValueError, KeyError, TypeError):  # no JSON, or not as `bio-ner convert` writes it
        return None


def train_size(nlp: Language) -> Optional[int]:
    """Count what a pipeline was trained on.

    nlp (Language): The pipeline.
    RETURNS (Optional[int]): The number of Docs; None if its corpus is not where the pipeline's config says.
    """
    reader = _train_corpus(nlp.config.interpolate())
    path = Path(reader.get("path") or "")
    if path.suffix != ".spacy" and not path.is_dir() or not path.exists() or not path.name:
        return None
    try:
        check_written(path)
        n_docs = sum(len(DocBin().from_disk(shard)) for shard in walk_corpus(path, ".spacy"))
    except Exception:  # zlib, msgpack and numpy each have their own for bytes that are no DocBin
        return None
    return min(n_docs, reader.get("limit") or n_docs) or None


def _setting(value: Any) -> Any:
    """RETURNS (Any): The value of a setting, to print."""
    return ", ".join(f"{label} {share:.4g}" for label, share in value.items()) if isinstance(value, dict) else value


def _train_corpus(config: Dict[str, Any]) -> Dict[str, Any]:
    return config.get("corpora", {}).get("train") or {}
