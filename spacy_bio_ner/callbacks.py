"""Callbacks that configs name: what is checked before training, and where a pretrained encoder comes from."""

from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import AbstractSet, Any, Callable, Dict, Iterable, Set

import srsly
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.training import Example
from spacy.util import get_minor_version_range, logger, registry, resolve_dot_names
from thinc.api import ConfigValidationError, Model

from .corpora.docbin import check_written
from .distillation import taught_labels
from .tokenizer import set_punctuation_rules
from .util import InputError

# Written beside an encoder by scripts/get_encoder.py: its name, url, revision and license.
SOURCE_FILE = "source.json"
# How many examples of the train corpus are looked at for a teacher's labels: as many as spaCy looks at of a stream
SAMPLE = 100


@registry.callbacks("spacy_bio_ner.check_corpora.v1")
def create_check_corpora() -> Callable[[Language], None]:
    """Create a callback for [initialize.before_init] that looks at the corpora of the config before training begins.

    RETURNS (Callable[[Language], None]): The callback.
    """
    return check_corpora


def check_corpora(nlp: Language) -> None:
    """Refuse corpora that nothing can be learned from or chosen by, and warn of what will be of no use: labels that
    only the dev corpus has, or only the teacher of a corpus, vectors that no layer reads.

    nlp (Language): The pipeline, with the config it is trained by.
    RAISES (ConfigValidationError): If there is no entity in a corpus, if its file is not what `bio-ner convert` wrote,
        or if none of the labels is the teacher's too. `spacy train` prints it without a traceback.
    """
    config = nlp.config.interpolate()
    vectors = config["initialize"].get("vectors")
    if vectors and not any(_reads_vectors(getattr(pipe, "model", None)) for _, pipe in nlp.pipeline):
        logger.warning("paths.vectors: no layer of the pipeline reads the vectors of %s: leave them out", vectors)
    names = [config["training"][name] for name in ("train_corpus", "dev_corpus")]
    for name in names:
        _check_file(config, name)
    try:
        train, dev = resolve_dot_names(config, names)
        dev_labels = _labels(dev(nlp))
        sample = list(islice(train(nlp), SAMPLE))
        taught = {label for example in sample for label in taught_labels(example.reference)}
        gold_labels = _labels(sample) | _labels(train(nlp), dev_labels | taught)
    except (ValueError, OSError):
        return  # initialized from Python: the config has no corpora, or those of some other machine
    train_labels = gold_labels or taught
    for name, labels in zip(names, (train_labels, dev_labels)):
        if not labels:
            use = "to learn from" if name == names[0] else "to choose the best model by"
            raise ConfigValidationError(title=f"{name} has no entity {use}", desc=f"Check {name} in the config.")
    if taught and not taught & train_labels:
        found, expected = ", ".join(sorted(taught)), ", ".join(sorted(gold_labels))
        raise ConfigValidationError(
            title=f"{names[0]} has other labels than its teacher",
            desc=f"The teacher's are {found}, those of the gold annotation {expected}. Labels are matched by name.",
        )
    if gold_labels and (more := ", ".join(sorted(taught - gold_labels))):
        logger.warning("The label %s is the teacher's only: the student learns it as no entity", more)
    if taught and (less := ", ".join(sorted(gold_labels - taught))):
        logger.warning("The teacher has not got the label %s: it is learned from gold annotation only", less)
    if unknown := ", ".join(sorted(dev_labels - train_labels)):
        logger.warning("%s never has the label %s of %s: it cannot be learned", names[0], unknown, names[1])


def _check_file(config: Dict[str, Any], name: str) -> None:
    """RAISES (ConfigValidationError): If the file that a reader of the config reads is damaged, by its checksum."""
    for part in name.split("."):
        config = config.get(part) or {}
    if not config.get("path"):
        return
    try:
        check_written(Path(config["path"]))
    except (InputError, OSError) as err:
        raise ConfigValidationError(title=f"{name} cannot be read", desc=str(err)) from None


def _labels(examples: Iterable[Example], enough: AbstractSet[str] = frozenset()) -> Set[str]:
    """RETURNS (Set[str]): The labels of the gold entities. Given those that are enough, no more is read than it takes
    to find them.
    """
    labels: Set[str] = set()
    for example in examples:
        labels.update(ent.label_ for ent in example.reference.ents)
        if enough and enough <= labels:
            break
    return labels


def _reads_vectors(model: object) -> bool:
    return isinstance(model, Model) and any(
        "vectors" in layer.name or layer.attrs.get("include_static_vectors") for layer in model.walk()
    )


@registry.callbacks("spacy_bio_ner.split_punctuation.v1")
def create_split_punctuation() -> Callable[[Language], None]:
    """Create a callback for [initialize.before_init] that makes every punctuation mark and symbol a token of its own,
    for configs whose tokenizer is spacy.Tokenizer.v1; spacy_bio_ner.Tokenizer.v1 does so by itself.

    RETURNS (Callable[[Language], None]): The callback.
    """
    return split_punctuation


def split_punctuation(nlp: Language) -> None:
    """Change the rules of a pipeline's tokenizer; see spacy_bio_ner.tokenizer.

    nlp (Language): The pipeline.
    RAISES (ValueError): If its tokenizer is not spaCy's rule-based one.
    """
    tokenizer = nlp.tokenizer
    if not isinstance(tokenizer, Tokenizer):
        raise ValueError(
            "spacy_bio_ner.split_punctuation.v1 changes the rules of spacy.Tokenizer.v1, but the pipeline's tokenizer "
            f"is {type(tokenizer).__name__}: take the callback out of [initialize.before_init]."
        )
    set_punctuation_rules(tokenizer)


@registry.callbacks("spacy_bio_ner.describe_encoder.v1")
def create_describe_encoder(encoder: str) -> Callable[[Language], None]:
    """Create a callback for [initialize.after_init] that enters the encoder in the pipeline's meta: under "sources",
    where spaCy's packages tell what they are made of, with the file source.json of its folder if it has one; and
    under "requirements" what it takes to run it.

    encoder (str): The encoder, a folder or a name on the hub.
    RETURNS (Callable[[Language], None]): The callback.
    """

    def describe_encoder(nlp: Language) -> None:
        path = Path(encoder) / SOURCE_FILE
        source = srsly.read_json(path) if path.is_file() else {"name": encoder, "license": "unknown"}
        nlp.meta["sources"] = [*(nlp.meta.get("sources") or []), source]
        requirement = f"spacy-bio-ner[transformers]{get_minor_version_range(version('spacy-bio-ner'))}"
        nlp.meta["requirements"] = [*nlp.meta.get("requirements", []), requirement]

    return describe_encoder
