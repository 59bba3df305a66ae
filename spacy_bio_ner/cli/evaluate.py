"""`bio-ner evaluate`: scores of a pipeline against every mention of a corpus's source, or a forecast of them."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import srsly
from spacy.cli._util import Arg, Opt
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from ..corpora.docbin import read_docs
from ..evaluation.doc_results import bio_ners, predict_corpus
from ..evaluation.forecast import DOUBTFUL_ERRORS, forecast
from ..evaluation.scores import evaluate
from ..evaluation.texts import count_tokens_in_text, read_texts
from ..util import InputError, pipeline_name
from ._app import TRAIN_OPTION, atomic_write, bio_ner_cli, clear_errors, find_train, load_pipeline

# Of the gold tokens that the pipeline makes of text, a share below this is worth a warning.
SAME_TOKENS = 0.95


@bio_ner_cli.command("evaluate")
def evaluate_cli(
    # fmt: off
    model: str = Arg(..., help="Pipeline: the name of an installed one, or a path"),
    corpus: Path = Arg(
        ...,
        help=".spacy file, or folder of shards, written by 'bio-ner convert'; or for a forecast a .txt file with a "
        "text on each line",
    ),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file to write the scores to", dir_okay=False),
    train: Optional[Path] = TRAIN_OPTION,
    label_map: List[str] = Opt(
        [],
        "--map",
        "-m",
        help="GOLD=MODEL: rename a label of the gold to the pipeline's. Can be given several times, or with "
        "commas. Predicted labels that the gold then never has are left out of the scores",
    ),
    labels: Optional[str] = Opt(None, "--labels", "-l", help="LABEL,LABEL: score only these (as --map names them)"),
    batch_size: Optional[int] = Opt(None, "--batch-size", "-b", min=1, help="Number of Docs to predict at a time"),
    gpu_id: int = Opt(-1, "--gpu-id", "-g", help="GPU ID or -1 for CPU"),
    # fmt: on
):
    """
    Score a pipeline's entities strictly, by characters and label, and intents
    where the corpus and the pipeline have them.

    Every mention of the source counts: those lost in conversion are missed,
    which spaCy's own scorer, printed beside it, does not see. Intervals come
    from resampling the corpus's documents, or its Docs where their documents
    are not known.

    The forecast is what a bio_ner's own probabilities make one expect, as far
    as they are calibrated. It needs no labels: for a .txt file, or a corpus
    whose annotation is all missing, it is all there is.
    """
    with clear_errors("Nothing was written"):
        renamed = _read_map(label_map)
        train = find_train(corpus, train)
        nlp = load_pipeline(model, gpu_id)
        scores: Dict[str, Any] = {
            "model": {"path": model, "name": pipeline_name(nlp.meta, nlp.path), "version": nlp.meta["version"]},
            "corpus": str(corpus),
        }
        docs = list(read_texts(corpus, nlp) if corpus.suffix == ".txt" else read_docs(corpus, nlp.vocab))
        if not docs or any(doc.has_annotation("ENT_IOB") for doc in docs):
            train_docs = read_docs(train, nlp.vocab) if train else None
            scores.update(train=str(train) if train else None, label_map=renamed)
            options: Dict[str, Any] = {"label_map": renamed, "labels": _read_labels(labels), "batch_size": batch_size}
            scores.update(evaluate(nlp, docs, train_docs, **options))
            _print_scores(scores)
            _warn_of_tokens(nlp, docs)
        else:
            scores["forecast"] = forecast(predict_corpus(nlp, docs, batch_size))
            if scores["forecast"] is None:
                raise InputError(
                    f"found {len(docs)} Docs without labels and no bio_ner in the pipeline (it has "
                    f"{', '.join(nlp.pipe_names)}): there is neither gold to score against nor a probability to "
                    "forecast from"
                )
            _print_forecast(scores["forecast"])
        if any(component.cfg["temperature"] == 1.0 for component in bio_ners(nlp)):
            msg.warn("The forecast is from probabilities as trained, which are too sure: see 'bio-ner calibrate'")
        if output:
            with atomic_write(output) as beside:
                srsly.write_json(beside, scores)
            msg.good(f"Saved the scores to {output}")


def _warn_of_tokens(nlp: Language, golds: Sequence[Doc]) -> None:
    n_tokens, n_same = count_tokens_in_text(nlp, golds)
    if n_same < SAME_TOKENS * n_tokens:
        msg.warn(
            "These scores do not hold for text. They are of the corpus's own tokens, and of text the pipeline's "
            f"tokenizer makes only {n_same / n_tokens:.0%} of them",
            f"It is that of the language {nlp.lang!r}: is this the corpus's (--vars.lang in the project, nlp.lang in a "
            "config)? If it is, tag tokens such as the tokenizer makes",
        )


def _print_forecast(scores: Dict[str, Any]) -> None:
    rows = [("all", *_percents(scores, "ents_{}"), *_expected(scores, "ents_{}"))]
    rows += [(label, *_percents(row), *_expected(row)) for label, row in scores["ents_per_type"].items()]
    header = ("", "P", "R", "F", "TP", "FP", "FN", "Gold")
    msg.table(rows, title="Forecast", header=header, divider=True, aligns=("l", *"r" * 7))
    msg.info(
        f"{scores['docs']} texts without labels, {scores['doubtful']:.1%} of them doubtful: {DOUBTFUL_ERRORS:g} or "
        "more of their entities are expected to be wrong or missed"
    )


def _read_labels(value: Optional[str]) -> List[str]:
    labels = [label.strip() for label in value.split(",")] if value is not None else []
    if not all(labels):
        raise InputError(f"--labels: found {value!r}, expected labels with commas between, such as CHEM,DIS")
    return labels


def _read_map(values: Sequence[str]) -> Dict[str, str]:
    renamed: Dict[str, str] = {}
    for pair in (pair for value in values for pair in value.split(",")):
        gold, *to = [label.strip() for label in pair.split("=")]
        if not gold or len(to) != 1 or not to[0]:
            raise InputError(f"--map: found {pair!r}, expected GOLD=MODEL, such as Disease=DIS")
        if renamed.setdefault(gold, to[0]) != to[0]:
            raise InputError(f"--map: found {gold!r} renamed to {renamed[gold]!r} and to {to[0]!r}, expected one name")
    return renamed


def _print_scores(scores: Dict[str, Any]) -> None:
    within = scores["interval"]
    rows = [
        ("all of the source", *_percents(scores, "ents_{}"), *_counts(scores, "ents_{}")),
        (f"{within['level']:.0%} interval", *(_range(within[f"ents_{name}"]) for name in "prf"), *[""] * 4),
    ]
    for group in ("seen", "unseen"):
        if scores[group]:
            rows.append((f"{group} in training", *_percents(scores[group]), *_counts(scores[group])))
    rows.append(("spaCy's scorer", *_percents(scores["spacy"], "ents_{}"), *[""] * 4))
    if scores["forecast"]:
        rows.append(("forecast", *_percents(scores["forecast"], "ents_{}"), *_expected(scores["forecast"], "ents_{}")))
    header = ("", "P", "R", "F", "TP", "FP", "FN", "Gold")
    msg.table(rows, title="Results", header=header, divider=True, aligns=("l", *"r" * 7))
    msg.table(
        [
            (label, *_percents(row), _range(within["ents_per_type"][label]["f"]), *_counts(row))
            for label, row in scores["ents_per_type"].items()
        ],
        title="NER (per type)",
        header=("", "P", "R", "F", f"F {within['level']:.0%} interval", "TP", "FP", "FN", "Gold"),
        divider=True,
        aligns=("l", *"r" * 8),
    )
    intents = scores["intents"]
    if intents:
        rows = [(intent, *_percents(row)) for intent, row in intents["f_per_type"].items()]
        msg.table(rows, title="Intents", header=("", "P", "R", "F"), divider=True, aligns=("l", *"r" * 3))
        msg.info(f"Accuracy of intents: {intents['accuracy']:.2%} of {intents['support']} Docs")
    msg.info(f"Intervals: bootstrap, {within['resamples']} resamples of {scores['n_units']} {scores['unit']}")
    if scores["train"]:
        msg.info(f"Seen: the mention's text, in lower case, has the same label in {scores['train']}")
    else:
        msg.info("Seen and unseen mentions: not told apart, since there is no train.spacy beside the corpus (--train)")
    if scores["lost"]:
        msg.warn(
            f"{scores['lost']} of {scores['ents_support']} gold mentions were lost or moved in conversion: "
            "scored as the source has them, unseen by spaCy's scorer"
        )
    if scores["duplicates"]:
        msg.info(f"{scores['duplicates']} mentions repeat another one's characters and label: counted once")
    if scores["ignored"]:
        msg.info(f"{scores['ignored']} predictions touch tokens whose annotation is missing: neither right nor wrong")
    never = {label: row["fp"] for label, row in scores["ents_per_type"].items() if not row["support"] and row["fp"]}
    if never:
        others = ",".join(label for label, row in scores["ents_per_type"].items() if row["support"])
        msg.warn(
            f"The gold never has {', '.join(f'{label} ({n} predicted)' for label, n in never.items())}: if it is not "
            f"annotated there, these are not wrong. To score the others alone: --labels {others}"
        )
    if scores["labels_left_out"]:
        labels = ", ".join(f"{label} ({n})" for label, n in scores["labels_left_out"].items())
        msg.info(f"Left out, predicted with a label that is not scored: {labels}")


def _percents(scores: Dict[str, Any], key: str = "{}") -> List[str]:
    values = [scores[key.format(name)] for name in "prf"]
    return ["-" if value is None else f"{value * 100:.2f}" for value in values]


def _counts(scores: Dict[str, Any], key: str = "{}") -> List[int]:
    return [scores[key.format(name)] for name in ("tp", "fp", "fn", "support")]


def _expected(scores: Dict[str, Any], key: str = "{}") -> List[str]:
    """RETURNS (List[str]): Expected counts, in the order of _counts."""
    predicted, right, true = (scores[key.format(name)] for name in ("predicted", "right", "true"))
    return [f"{number:.0f}" for number in (right, predicted - right, true - right, true)]


def _range(ends: Sequence[float]) -> str:
    low, high = ends
    return f"{low * 100:.2f}-{high * 100:.2f}"
