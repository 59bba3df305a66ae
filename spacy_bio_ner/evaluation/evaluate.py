"""A pipeline run over a corpus and scored against every mention of its source."""

from collections import Counter
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple

import numpy
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..corpora.source_mentions import document_id, set_source, source_mentions
from ..util import InputError
from .forecast import Forecast, expected_numbers
from .intents import Intents
from .predictions import gold_spans, predict, scored_predictions, text_span
from .scoring import LEVEL, N_RESAMPLES, SEED, TextSpan, count, interval, prf, resample


def evaluate(
    nlp: Language,
    docs: Iterable[Doc],
    train_docs: Optional[Iterable[Doc]] = None,
    label_map: Optional[Dict[str, str]] = None,
    batch_size: Optional[int] = None,
    collect: Optional[Callable[[Doc, Doc], None]] = None,
) -> Dict[str, Any]:
    """Score a pipeline's entities strictly, by characters and label, against all mentions of the source. Mentions
    lost in conversion count as missed; so does the whole extent of a discontinuous one, unless it is predicted.
    As in spaCy's scorer, a prediction that touches a token whose annotation is missing is neither right nor
    wrong, except where the source has just that mention: then it is right.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): The gold Docs, as `bio-ner convert` writes them.
    train_docs (Optional[Iterable[Doc]]): The Docs the pipeline was trained on, to tell mentions whose lower-cased
        text has their label in them (seen) from others (unseen).
    label_map (Optional[Dict[str, str]]): New names for labels of the gold and of train_docs. If given, predictions
        with a label that the gold then never has are left out.
    batch_size (Optional[int]): The number of Docs the pipeline takes at a time.
    collect (Optional[Callable[[Doc, Doc], None]]): Takes each predicted Doc and its gold Doc, to look at
        more than their numbers.
    RETURNS (Dict[str, Any]): The scores, with spaCy's names. Under "spacy" those of its own scorer for the same
        predictions, which sees the gold Docs' entities only and compares them by the gold Docs' tokens; under
        "forecast" what the pipeline's own probabilities make one expect (see forecast.py), None without a bio_ner;
        under "intents" the scores of the Docs' intents (see intents.py), None where gold or pipeline have none.
    RAISES (InputError): If the Docs, the map and the pipeline cannot be scored together.
    """
    golds = list(docs)
    gold_labels = {mention.label for doc in golds for mention in source_mentions(doc)}
    if not gold_labels:
        raise InputError(f"found no mention in the corpus's {len(golds)} Docs, expected gold mentions to score against")
    if label_map:
        unknown = ", ".join(repr(label) for label in sorted(label_map.keys() - gold_labels))
        if unknown:
            known = ", ".join(sorted(gold_labels))
            raise InputError(f"cannot rename {unknown}, which the gold never has (it has {known})")
        golds = [_renamed(doc, label_map) for doc in golds]
        gold_labels = {label_map.get(label, label) for label in gold_labels}
    train_keys = None if train_docs is None else _train_keys(train_docs, label_map or {})

    scored: List[Tuple[Set[TextSpan], Set[TextSpan]]] = []
    predicted_labels: Counter = Counter()
    forecast, intents = Forecast(), Intents()

    def examples() -> Iterator[Example]:
        # spaCy's scorer takes the Docs one by one, so that what a transformer hangs on them is soon freed.
        for predicted, gold in predict(nlp, golds, batch_size):
            forecast.add(predicted)
            intents.add(predicted, gold)
            predicted_labels.update(ent.label_ for ent in predicted.ents)
            if label_map:
                predicted.ents = [ent for ent in predicted.ents if ent.label_ in gold_labels]
            mentions = gold_spans(gold)
            scored.append((mentions, set(scored_predictions(predicted, gold, mentions).values())))
            if collect:
                collect(predicted, gold)
            yield Example(predicted, gold)

    with expected_numbers(nlp):
        spacy_scores = get_ner_prf(examples())
    if not predicted_labels and not any("doc.ents" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names):
        names = ", ".join(nlp.pipe_names) or "none"
        raise InputError(f"no component of the pipeline sets doc.ents (it has {names}): add one such as bio_ner")

    left_out = {label: n for label, n in sorted(predicted_labels.items()) if label_map and label not in gold_labels}
    labels = sorted(gold_labels | predicted_labels.keys() - left_out.keys())
    units, n_units = bootstrap_units(golds)
    counts = numpy.zeros((n_units, len(labels), 3), dtype="int64")
    for unit, (mentions, predictions) in zip(units, scored):
        counts[unit] += count(mentions, predictions, labels)
    per_type = counts.sum(axis=0)
    total = per_type.sum(axis=0)
    n_scored = sum(len(predictions) for _, predictions in scored)
    result = {
        **{f"ents_{name}": value for name, value in _scores(total).items()},
        "ents_per_type": {label: _scores(row) for label, row in zip(labels, per_type)},
        "interval": _intervals(counts, labels),
        "unit": "documents" if any(document_id(doc) is not None for doc in golds) else "sentences",
        "n_units": n_units,
        "spacy": spacy_scores,
        "forecast": forecast.scores(labels),
        "intents": intents.scores(),
        "lost": sum(len(mentions - set(map(text_span, doc.ents))) for doc, (mentions, _) in zip(golds, scored)),
        "duplicates": sum(len(source_mentions(doc)) - len(mentions) for doc, (mentions, _) in zip(golds, scored)),
        "ignored": predicted_labels.total() - sum(left_out.values()) - n_scored,
        "labels_left_out": left_out,
        "seen": None,
        "unseen": None,
    }
    if train_keys is not None:
        # Both sides of a true positive are seen or neither is, so that the two groups add up to the whole.
        seen = numpy.zeros(3, dtype="int64")
        for sides in scored:
            seen += count(*({span for span in side if _key(span) in train_keys} for side in sides), labels).sum(axis=0)
        result.update(seen=_defined_scores(seen), unseen=_defined_scores(total - seen))
    return result


def _renamed(doc: Doc, label_map: Dict[str, str]) -> Doc:
    """RETURNS (Doc): A copy with other labels, in its entities and in the mentions of its source."""
    mentions = [m._replace(label=label_map.get(m.label, m.label)) for m in source_mentions(doc)]
    doc = doc.copy()
    set_source(doc, document_id(doc), mentions)
    ents = [Span(doc, ent.start, ent.end, label=label_map.get(ent.label_, ent.label_)) for ent in doc.ents]
    doc.set_ents(ents, default="unmodified")
    return doc


def _train_keys(docs: Iterable[Doc], label_map: Dict[str, str]) -> Set[Tuple[str, str]]:
    spans = (span for doc in docs for span in gold_spans(doc))
    return {_key(span._replace(label=label_map.get(span.label, span.label))) for span in spans}


def _key(span: TextSpan) -> Tuple[str, str]:
    """What makes a mention one that was seen in training."""
    return span.text.lower(), span.label


def bootstrap_units(golds: Iterable[Doc]) -> Tuple[List[int], int]:
    """RETURNS (Tuple[List[int], int]): For each Doc the unit that is drawn in the bootstrap, and the number of
    units: the Docs of one document belong together, a Doc without a document stands alone."""
    indices: Dict[Any, int] = {}
    ids = (document_id(doc) for doc in golds)
    units = [indices.setdefault(i if name is None else name, len(indices)) for i, name in enumerate(ids)]
    return units, len(indices)


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
