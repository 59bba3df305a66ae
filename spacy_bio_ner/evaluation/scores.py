"""A pipeline's results scored strictly, by characters and label, against every mention of the source."""

from collections import Counter
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple

import numpy
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..constraints import ANNOTATED_LABELS, annotated_labels
from ..corpora.source_mentions import USER_DATA, document_id, set_source, source_mentions
from ..crf.bio import IOB_MISSING
from ..util import InputError
from .bootstrap import LEVEL, N_RESAMPLES, SEED, interval, resample, units_of
from .counts import TextSpan, count, prf
from .doc_results import DocResult, gold_spans, of_labels, predict_corpus, text_span
from .forecast import forecast
from .intents import score_intents


def evaluate(
    nlp: Language,
    docs: Iterable[Doc],
    train_docs: Optional[Iterable[Doc]] = None,
    *,
    label_map: Optional[Dict[str, str]] = None,
    labels: Optional[Iterable[str]] = None,
    batch_size: Optional[int] = None,
) -> Dict[str, Any]:
    """Run a pipeline over a corpus and score it.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): The gold Docs, as `bio-ner convert` writes them.
    train_docs (Optional[Iterable[Doc]]): The Docs the pipeline was trained on, to score seen and unseen mentions apart.
    label_map (Optional[Dict[str, str]]): New names for labels of the gold and of train_docs.
    labels (Optional[Iterable[str]]): The labels to score, by their new names. By default all, or those of the gold if
        there is a label_map.
    batch_size (Optional[int]): The number of Docs the pipeline takes at a time.
    RETURNS (Dict[str, Any]): What `score` returns, and under "labels_left_out" how often each label that is not scored
        was predicted.
    RAISES (InputError): If the Docs, the labels and the pipeline cannot be scored together.
    """
    golds, label_map = list(docs), label_map or {}
    gold_labels = check_gold(golds)
    _check_known(label_map, gold_labels, "rename")
    gold_labels = {label_map.get(label, label) for label in gold_labels}
    wanted = set(labels or (gold_labels if label_map else ()))
    _check_known(wanted, gold_labels, "score")
    if wanted:
        golds = [_relabelled(doc, label_map, wanted) for doc in golds]
    results = predict_corpus(nlp, golds, batch_size)
    seen = None if train_docs is None else seen_in(train_docs, label_map)
    if not wanted:
        return {**score(results, seen), "labels_left_out": {}}
    predicted = Counter(
        span.label for result in results for span, found in result.predictions.items() if found.is_entity
    )
    left_out = {label: n for label, n in sorted(predicted.items()) if label not in wanted}
    return {**score(of_labels(results, wanted), seen), "labels_left_out": left_out}


def score(results: Sequence[DocResult], seen: Optional[Set[Tuple[str, str]]] = None) -> Dict[str, Any]:
    """Score results. Mentions lost in conversion count as missed; so does the whole extent of a discontinuous one,
    unless it is predicted. As in spaCy's scorer, a prediction that touches a token whose annotation is missing is
    neither right nor wrong, except where the source has just that mention: then it is right.

    results (Sequence[DocResult]): The results.
    seen (Optional[Set[Tuple[str, str]]]): What seen_in returns.
    RETURNS (Dict[str, Any]): The scores, with spaCy's names, in all and per type, and their "interval"; under "seen"
        and "unseen" those of what was seen in training and what not. Under "spacy" the scores of spaCy's own scorer,
        which sees the gold Docs' entities only and compares them by the gold Docs' tokens; under "forecast" those that
        the pipeline's own probabilities make one expect, None without a bio_ner; under "intents" those of the Docs'
        intents, None where gold or pipeline have none. "lost" counts the mentions that conversion lost or moved,
        "duplicates" those that the source has twice, and "ignored" the predictions that are neither right nor wrong.
    """
    found = [(result.mentions, result.entities) for result in results]
    predicted = [[span for span, about in result.predictions.items() if about.is_entity] for result in results]
    labels = sorted({span.label for spans in (*(mentions for mentions, _ in found), *predicted) for span in spans})
    golds = [result.gold for result in results]
    units, n_units = units_of(golds)
    counts = numpy.zeros((n_units, len(labels), 3), dtype="int64")
    for unit, (mentions, entities) in zip(units, found):
        counts[unit] += count(mentions, entities, labels)
    per_type = counts.sum(axis=0)
    total = per_type.sum(axis=0)
    # Both sides of a true positive are seen or neither is, so that the two groups add up to the whole.
    of_seen = numpy.zeros(3, dtype="int64")
    for mentions, entities in found:
        of_seen += count(_only(mentions, seen or set()), _only(entities, seen or set()), labels).sum(axis=0)
    return {
        **{f"ents_{name}": value for name, value in _scores(total).items()},
        "ents_per_type": {label: _scores(row) for label, row in zip(labels, per_type)},
        "interval": _intervals(counts, labels),
        "unit": "documents" if any(document_id(doc) is not None for doc in golds) else "sentences",
        "n_units": n_units,
        "spacy": get_ner_prf(Example(result.doc, result.gold) for result in results),
        "forecast": forecast(results),
        "intents": score_intents(results),
        "lost": sum(len(mentions - set(map(text_span, gold.ents))) for gold, (mentions, _) in zip(golds, found)),
        "duplicates": sum(len(source_mentions(gold)) - len(mentions) for gold, (mentions, _) in zip(golds, found)),
        "ignored": sum(map(len, predicted)) - sum(len(entities) for _, entities in found),
        "seen": None if seen is None else _defined_scores(of_seen),
        "unseen": None if seen is None else _defined_scores(total - of_seen),
    }


def check_gold(golds: Sequence[Doc]) -> Set[str]:
    """RETURNS (Set[str]): The labels of gold Docs.
    RAISES (InputError): If there are none to score against.
    """
    labels = {mention.label for doc in golds for mention in source_mentions(doc)}
    if not labels:
        raise InputError(f"found no mention in the corpus's {len(golds)} Docs, expected gold mentions to score against")
    return labels


def seen_in(docs: Iterable[Doc], label_map: Optional[Dict[str, str]] = None) -> Set[Tuple[str, str]]:
    """RETURNS (Set[Tuple[str, str]]): The text in lower case and the label of each mention of Docs. A mention is seen
    in training if the training Docs have both."""
    names = label_map or {}
    return {(span.text.lower(), names.get(span.label, span.label)) for doc in docs for span in gold_spans(doc)}


def _only(spans: Set[TextSpan], seen: Set[Tuple[str, str]]) -> Set[TextSpan]:
    return {span for span in spans if (span.text.lower(), span.label) in seen}


def _check_known(labels: Iterable[str], gold_labels: Set[str], verb: str) -> None:
    unknown = ", ".join(repr(label) for label in sorted(set(labels) - gold_labels))
    if unknown:
        known = ", ".join(sorted(gold_labels))
        raise InputError(f"cannot {verb} {unknown}, which the gold never has (it has {known})")


def _relabelled(gold: Doc, names: Dict[str, str], labels: Set[str]) -> Doc:
    """RETURNS (Doc): A copy with new names for labels, in its entities and in the mentions of its source, and without
    those that have another label then than one of these."""
    doc, known = gold.copy(), annotated_labels(gold)
    mentions = [m._replace(label=names.get(m.label, m.label)) for m in source_mentions(gold)]
    set_source(doc, document_id(gold), [mention for mention in mentions if mention.label in labels])
    if known is not None:
        doc.user_data[USER_DATA][ANNOTATED_LABELS] = [names.get(label, label) for label in known]
    ents = [Span(doc, ent.start, ent.end, label=names.get(ent.label_, ent.label_)) for ent in gold.ents]
    missing = [doc[token.i : token.i + 1] for token in gold if token.ent_iob == IOB_MISSING]
    doc.set_ents([ent for ent in ents if ent.label_ in labels], missing=missing)
    return doc


def _scores(counts: numpy.ndarray) -> Dict[str, Any]:
    tp, fp, fn = counts.tolist()
    return {**dict(zip("prf", prf(counts).tolist())), "tp": tp, "fp": fp, "fn": fn, "support": tp + fn}


def _defined_scores(counts: numpy.ndarray) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The scores, None where there is nothing to divide by."""
    scores = _scores(counts)
    of = {"p": scores["tp"] + scores["fp"], "r": scores["support"], "f": int(counts.sum())}
    return {name: None if of.get(name) == 0 else value for name, value in scores.items()}


def _intervals(counts: numpy.ndarray, labels: List[str]) -> Dict[str, Any]:
    samples = resample(counts)
    low, high = interval(prf(samples.sum(axis=1)))
    low_per_type, high_per_type = interval(prf(samples)[..., 2])
    return {
        "level": LEVEL,
        "resamples": N_RESAMPLES,
        "seed": SEED,
        **{f"ents_{name}": [float(low[i]), float(high[i])] for i, name in enumerate("prf")},
        "ents_per_type": {
            label: {"f": [float(low_per_type[i]), float(high_per_type[i])]} for i, label in enumerate(labels)
        },
    }
