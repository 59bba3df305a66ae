"""One run of a pipeline over a corpus, with all that a report tells of it."""

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set

from spacy.language import Language
from spacy.tokens import Doc

from ..evaluation.calibration import Judgements, judgements_of, scored_confidences
from ..evaluation.evaluate import evaluate
from ..evaluation.outcomes import Outcome, pair
from ..evaluation.predictions import gold_spans
from ..evaluation.scoring import TextSpan


class DocResult(NamedTuple):
    """A gold Doc and what the pipeline has made of it.

    doc (Doc): The gold Doc.
    gold (Set[TextSpan]): The mentions of its source.
    confidences (Dict[TextSpan, Optional[float]]): The predictions that are scored, with their confidence, if any.
    """

    doc: Doc
    gold: Set[TextSpan]
    confidences: Dict[TextSpan, Optional[float]]

    @property
    def predicted(self) -> Set[TextSpan]:
        """RETURNS (Set[TextSpan]): The predictions."""
        return set(self.confidences)


class Run(NamedTuple):
    """A pipeline's results on a corpus.

    scores (Dict[str, Any]): What `evaluate` returns.
    results (List[DocResult]): The results of each Doc.
    """

    scores: Dict[str, Any]
    results: List[DocResult]

    def outcomes(self) -> List[List[Outcome]]:
        """RETURNS (List[List[Outcome]]): What became of the mentions and predictions of each Doc."""
        return [pair(result.gold, result.predicted) for result in self.results]

    def judgements(self) -> Optional[Judgements]:
        """RETURNS (Optional[Judgements]): The predictions that have a confidence; None if none has."""
        return judgements_of((result.gold, result.confidences) for result in self.results)


def run(
    nlp: Language, golds: Sequence[Doc], train_docs: Optional[Iterable[Doc]] = None, batch_size: Optional[int] = None
) -> Run:
    """Run a pipeline over a corpus and score it.

    nlp (Language): The pipeline.
    golds (Sequence[Doc]): The gold Docs.
    train_docs (Optional[Iterable[Doc]]): The Docs the pipeline was trained on, to tell seen mentions from others.
    batch_size (Optional[int]): The number of Docs the pipeline takes at a time.
    RETURNS (Run): The results.
    RAISES (InputError): If the Docs and the pipeline cannot be scored together.
    """
    results: List[DocResult] = []

    def collect(predicted: Doc, gold: Doc) -> None:
        # Texts and numbers are kept, and not the predicted Docs, on which an encoder may have hung much.
        mentions = gold_spans(gold)
        results.append(DocResult(gold, mentions, scored_confidences(predicted, gold, mentions)))

    return Run(evaluate(nlp, golds, train_docs, batch_size=batch_size, collect=collect), results)
