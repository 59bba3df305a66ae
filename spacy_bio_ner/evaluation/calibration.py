"""How far probabilities can be trusted: calibration of a pipeline's confidences, measured and mended."""

from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Ops
from tqdm import tqdm

from ..component import BioEntityRecognizer
from ..constraints import Constraints, gold_constraints
from ..crf.linear_chain import LinearChain
from ..crf.potentials import Potentials
from ..util import InputError
from .doc_results import DocResult, bio_ners, only_before
from .texts import unannotated

N_BINS = 15
# With fewer gold mentions than this the temperature found was worse than 1 on other texts now and then.
MIN_MENTIONS = 20
# What is known of a temperature before any data: its logarithm is normal around 0 with this standard deviation. On 922
# mentions the logarithms of 19 pipelines, trained on 40 to 600 sentences, were found to be 0.5 to 1.6.
LOG_TEMPERATURE_SD = 0.5
TEMPERATURES = (0.5, 8.0)
# Of corpora drawn anew to see what chance does to a figure.
N_DRAWS = 1000


class ScoredEntities(NamedTuple):
    """The entities that a pipeline has found in a corpus, as far as they are right or wrong, those that its threshold
    leaves out included.

    probabilities (ndarray): The probability of each, float64.
    right (ndarray): Whether each is a gold mention, booleans.
    n_gold (int): The number of gold mentions.
    """

    probabilities: numpy.ndarray
    right: numpy.ndarray
    n_gold: int


def bio_ner_of(nlp: Language) -> BioEntityRecognizer:
    """RETURNS (BioEntityRecognizer): The bio_ner component of a pipeline.
    RAISES (InputError): If it has none.
    """
    for component in bio_ners(nlp):
        return component
    names = ", ".join(nlp.pipe_names) or "none"
    raise InputError(f"no component of the pipeline is a bio_ner, which has probabilities (it has {names})")


def scored_entities(results: Sequence[DocResult], label: Optional[str] = None) -> ScoredEntities:
    """Tell right entities from wrong ones, by the rules of `score`.

    results (Sequence[DocResult]): The results of a pipeline.
    label (Optional[str]): The label of the entities, by default any.
    RETURNS (ScoredEntities): Its entities that have a probability.
    RAISES (InputError): If there are none, of whatever label.
    """
    rows = [
        (found.probability, span in result.mentions, span.label)
        for result in results
        for span, found in result.predictions.items()
        if found.is_scored and found.probability is not None
    ]
    if not rows:
        raise InputError(f"the pipeline finds no entity with a probability in the corpus's {len(results)} Docs")
    rows = [row for row in rows if label in (None, row[2])]
    return ScoredEntities(
        numpy.array([probability for probability, _, _ in rows]),
        numpy.array([is_right for _, is_right, _ in rows], dtype=bool),
        sum(label in (None, mention.label) for result in results for mention in result.mentions),
    )


def reliability(probabilities: numpy.ndarray, right: numpy.ndarray, n_bins: int = N_BINS) -> numpy.ndarray:
    """Bins of equal size in the order of the probabilities, for a reliability diagram.

    probabilities (ndarray): The probability of each entity.
    right (ndarray): Whether each is right.
    n_bins (int): The number of bins.
    RETURNS (ndarray): For each bin that is not empty its mean probability, the share of right ones, and its size,
        float64 of shape (bins, 3).
    """
    order = numpy.argsort(probabilities, kind="stable")
    bins = [rows for rows in numpy.array_split(order, n_bins) if len(rows)]
    return numpy.array([(probabilities[rows].mean(), right[rows].mean(), len(rows)) for rows in bins])


def expected_calibration_error(probabilities: numpy.ndarray, right: numpy.ndarray, n_bins: int = N_BINS) -> float:
    """The mean distance between probability and share of right ones over bins of equal size (Naeini et al. 2015, there
    with bins of equal width).

    RETURNS (float): The error, 0 to 1.
    """
    mean, share, size = reliability(probabilities, right, n_bins).T
    return float((size * abs(mean - share)).sum() / size.sum())


def error_by_chance(
    probabilities: numpy.ndarray, n_bins: int = N_BINS, n_draws: int = N_DRAWS, seed: int = 0
) -> Tuple[float, float]:
    """The calibration error that probabilities have which hold exactly, on so few entities: truth is drawn by them
    again and again (Bröcker and Smith 2007). An error within these bounds says nothing against the probabilities, and
    one much smaller than them cannot be seen.

    probabilities (ndarray): The probability of each entity.
    n_bins (int): The number of bins.
    n_draws (int): The number of draws.
    seed (int): The seed of the draws.
    RETURNS (Tuple[float, float]): The bounds of the middle 95 % of all draws.
    """
    rng = numpy.random.default_rng(seed)
    draws = (rng.random(len(probabilities)) < probabilities for _ in range(n_draws))
    errors = [expected_calibration_error(probabilities, right, n_bins) for right in draws]
    low, high = numpy.percentile(errors, [2.5, 97.5])
    return float(low), float(high)


def brier_score(probabilities: numpy.ndarray, right: numpy.ndarray) -> float:
    """RETURNS (float): The mean squared distance between probability and truth (Brier 1950), 0 to 1."""
    return float(numpy.mean((probabilities - right) ** 2))


def score_corpus(
    nlp: Language, golds: Sequence[Doc], batch_size: Optional[int] = None
) -> List[Tuple[Potentials, Constraints]]:
    """Find the scores that the model gives a corpus, and what its annotation says of the tags.

    nlp (Language): The pipeline, with a bio_ner.
    golds (Sequence[Doc]): The gold Docs.
    batch_size (Optional[int]): The number of Docs the pipeline takes at a time.
    RETURNS (List[Tuple[Potentials, Constraints]]): For each batch the scores, and what is known of the tags.
    """
    component = bio_ner_of(nlp)
    scored = []
    with only_before(nlp, component):
        pairs = nlp.pipe(((unannotated(nlp, gold), gold) for gold in golds if len(gold)), as_tuples=True)
        pairs = tqdm(pairs, total=len(golds), desc="Scoring", unit="doc", leave=False, disable=None)
        for batch in minibatch(pairs, batch_size or nlp.batch_size):
            examples = [Example(doc, gold) for doc, gold in batch]
            gold = gold_constraints(examples, component.labels, component.cfg["incorrect_spans_key"])
            scored.append((component.model.predict([eg.predicted for eg in examples]), gold))
    return scored


def fit_temperature(ops: Ops, scored: Iterable[Tuple[Potentials, Constraints]]) -> float:
    """Find the temperature that is most probable given a corpus's annotation (maximum a posteriori). The likelihood is
    that of whole tag sequences, so that all probabilities are fitted, not only those of predicted entities. The prior
    keeps the temperature near 1 where there is little to fit: 40 mentions that are all right would otherwise make it
    as low, and the probabilities as high, as can be.

    ops (Ops): The ops of the model.
    scored (Iterable[Tuple[Potentials, Constraints]]): What score_corpus returns.
    RETURNS (float): The temperature, within TEMPERATURES.
    RAISES (InputError): If SciPy is not installed.
    """
    try:
        from scipy.optimize import minimize_scalar
    except ImportError:
        raise InputError('SciPy is needed to calibrate: pip install "spacy-bio-ner[report]"') from None

    scored = list(scored)

    def loss(log_temperature: float) -> float:
        temperature = float(numpy.exp(log_temperature))
        nats = 0.0
        for potentials, gold in scored:
            chain = LinearChain.from_potentials(ops, potentials, temperature)
            nats += float((chain.log_partition - chain.given(*gold).log_partition).sum())
        return nats + 0.5 * (log_temperature / LOG_TEMPERATURE_SD) ** 2

    found = minimize_scalar(loss, bounds=numpy.log(TEMPERATURES), method="bounded", options={"xatol": 1e-3})
    return float(numpy.exp(found.x))
