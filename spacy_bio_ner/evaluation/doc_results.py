"""A pipeline run once over a corpus: what it makes of each Doc, beside the Doc's gold annotation. Scores, calibration,
forecasts and reports are functions of these results.
"""

from contextlib import contextmanager
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set

from spacy.language import Language
from spacy.tokens import Doc, Span
from tqdm import tqdm

from ..component import BioEntityRecognizer
from ..confidence import confidence_keys, expected_entities, read_confidence
from ..constraints import annotated_labels
from ..corpora.source_mentions import source_mentions
from ..crf.bio import IOB_MISSING
from ..thresholds import entities_at
from ..util import InputError
from .counts import TextSpan
from .texts import unannotated


class Prediction(NamedTuple):
    """What is known of an entity that a pipeline predicts.

    probability (Optional[float]): Its probability; None if a component that has none set it.
    is_entity (bool): Whether it is an entity. Otherwise it is less probable than the pipeline's threshold.
    is_scored (bool): Whether it is right or wrong. It is neither where the annotation is missing.
    """

    probability: Optional[float]
    is_entity: bool
    is_scored: bool


class DocResult(NamedTuple):
    """What a pipeline makes of a Doc.

    gold (Doc): The gold Doc.
    doc (Doc): The Doc with the pipeline's entities and categories. Vectors and user data are gone, since an encoder may
        hang much on a Doc.
    mentions (Set[TextSpan]): The gold mentions of the source.
    predictions (Dict[TextSpan, Prediction]): What the pipeline predicts.
    expected (Optional[Dict[str, float]]): The expected number of entities of each label; None without a bio_ner.
    """

    gold: Doc
    doc: Doc
    mentions: Set[TextSpan]
    predictions: Dict[TextSpan, Prediction]
    expected: Optional[Dict[str, float]]

    @property
    def entities(self) -> Set[TextSpan]:
        """RETURNS (Set[TextSpan]): The predicted entities that are right or wrong."""
        return {span for span, found in self.predictions.items() if found.is_entity and found.is_scored}


def predict_corpus(nlp: Language, golds: Sequence[Doc], batch_size: Optional[int] = None) -> List[DocResult]:
    """Run a pipeline over a corpus: over the words of gold Docs that are made of words, and the text of others.

    nlp (Language): The pipeline.
    golds (Sequence[Doc]): The gold Docs.
    batch_size (Optional[int]): The number of Docs the pipeline takes at a time.
    RETURNS (List[DocResult]): The result of each Doc.
    RAISES (InputError): If the pipeline cannot take a text, or none of its components sets entities.
    """
    components = bio_ners(nlp)
    with _expected_numbers(components):
        pairs = ((unannotated(nlp, gold), gold) for gold in golds)
        docs = nlp.pipe(pairs, as_tuples=True, batch_size=batch_size)
        docs = tqdm(docs, total=len(golds), desc="Predicting", unit="doc", leave=False, disable=None)
        results = [_result(doc, gold) for doc, gold in docs]
    # A component need not declare what it sets.
    is_declared = any("doc.ents" in nlp.get_pipe_meta(name).assigns for name in nlp.pipe_names)
    if not is_declared and not any(result.predictions for result in results):
        names = ", ".join(nlp.pipe_names) or "none"
        raise InputError(f"no component of the pipeline sets doc.ents (it has {names}): add one such as bio_ner")
    return results


def of_labels(results: Sequence[DocResult], labels: Set[str]) -> List[DocResult]:
    """RETURNS (List[DocResult]): The results without the mentions and predictions that have another label than one of
    these. Their gold Docs are as they were."""
    return [_of_labels(result, labels) for result in results]


def bio_ners(nlp: Language) -> List[BioEntityRecognizer]:
    """RETURNS (List[BioEntityRecognizer]): The bio_ner components of a pipeline."""
    return [component for _, component in nlp.pipeline if isinstance(component, BioEntityRecognizer)]


@contextmanager
def only_before(nlp: Language, component: BioEntityRecognizer) -> Iterator[None]:
    """Have a pipeline run nothing but the components before one of its own, for a while: they leave Docs as that one's
    model reads them.

    nlp (Language): The pipeline.
    component (BioEntityRecognizer): The component.
    """
    earlier = nlp.pipe_names[: [pipe for _, pipe in nlp.pipeline].index(component)]
    with nlp.select_pipes(enable=earlier):
        yield


def gold_spans(doc: Doc) -> Set[TextSpan]:
    """RETURNS (Set[TextSpan]): All mentions of a gold Doc's source."""
    text = doc.text
    return {TextSpan(m.start_char, m.end_char, m.label, text[m.start_char : m.end_char]) for m in source_mentions(doc)}


def text_span(ent: Span) -> TextSpan:
    """RETURNS (TextSpan): An entity by its characters."""
    return TextSpan(ent.start_char, ent.end_char, ent.label_, ent.text)


@contextmanager
def _expected_numbers(components: Sequence[BioEntityRecognizer]) -> Iterator[None]:
    """Have components write the expected numbers of entities, which they do only with candidates."""
    before = [component.cfg["candidate_threshold"] for component in components]
    for component in components:
        component.cfg["candidate_threshold"] = component.cfg["candidate_threshold"] or 1.0
    try:
        yield
    finally:
        for component, threshold in zip(components, before):
            component.cfg["candidate_threshold"] = threshold


def _result(doc: Doc, gold: Doc) -> DocResult:
    """RETURNS (DocResult): The result of a Doc."""
    mentions = gold_spans(gold)
    entities = {text_span(ent) for ent in doc.ents}
    decoded = entities_at(doc, 0.0) if confidence_keys(doc) else doc.ents
    predictions = {
        span: Prediction(read_confidence(ent), span in entities, span in mentions or not _is_missing(span, gold))
        for span, ent in ((text_span(ent), ent) for ent in decoded)
    }
    result = DocResult(gold, doc, mentions, predictions, expected_entities(doc))
    doc.tensor = doc.tensor[:0]
    doc.user_data.clear()
    return result


def _is_missing(span: TextSpan, gold: Doc) -> bool:
    """RETURNS (bool): Whether annotation is missing of a token that a prediction touches, or of its label."""
    known = annotated_labels(gold)
    if known is not None and span.label not in known:
        return True
    tokens = gold.char_span(span.start_char, span.end_char, alignment_mode="expand")
    return tokens is not None and any(token.ent_iob == IOB_MISSING for token in tokens)


def _of_labels(result: DocResult, labels: Set[str]) -> DocResult:
    doc = result.doc.copy()
    doc.ents = [ent for ent in doc.ents if ent.label_ in labels]
    return result._replace(
        doc=doc,
        mentions={span for span in result.mentions if span.label in labels},
        predictions={span: found for span, found in result.predictions.items() if span.label in labels},
        expected=result.expected and {label: n for label, n in result.expected.items() if label in labels},
    )
