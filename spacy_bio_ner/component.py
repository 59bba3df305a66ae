"""The pipeline component: named entities by token classification with BIO tags and a linear-chain CRF."""

from collections import Counter
from itertools import islice
from typing import Any, Callable, Dict, Iterable, List, Literal, Optional, Sequence, Tuple

import numpy
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Array2d

from .confidence import write_confidences
from .constraints import gold_tags, preset_spans, preset_tags, with_presets
from .crf import bio as scheme
from .crf.linear_chain import Potentials, negative_log_likelihood, tempered
from .prediction import Predictions, k_best_entities, no_predictions, predict_entities

DECODINGS = ("viterbi", "expected_f")
DEFAULT_CONFIG = """
[bio_ner]
threshold = 0.0
candidate_threshold = null
decoding = "viterbi"
beta = 1.0
temperature = 1.0
scorer = {"@scorers": "spacy.ner_scorer.v1"}

[bio_ner.model]
@architectures = "spacy_bio_ner.BioTagger.v1"
nO = null

[bio_ner.model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[bio_ner.model.tok2vec.embed]
@architectures = "spacy_bio_ner.SubwordEmbed.v1"
width = 128
rows = 5000
table_width = 64
prefixes = [1, 2, 3, 4]
suffixes = [2, 3, 4]

[bio_ner.model.tok2vec.encode]
@architectures = "spacy_bio_ner.BiLSTMEncoder.v1"
width = 128
depth = 2
"""


@Language.factory(
    "bio_ner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.confidence", "span._.alternatives"],
    default_config=Config().from_str(DEFAULT_CONFIG)["bio_ner"],
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_bio_ner(
    nlp: Language,
    name: str,
    model: Model[List[Doc], Potentials],
    threshold: float,
    candidate_threshold: Optional[float],
    decoding: Literal["viterbi", "expected_f"],
    beta: float,
    temperature: float,
    scorer: Optional[Callable],
) -> "BioEntityRecognizer":
    """Create the component.

    model (Model[List[Doc], Potentials]): The tagger; see spacy_bio_ner.BioTagger.v1.
    threshold (float): Entities less probable than this are left out.
    candidate_threshold (Optional[float]): If given, all spans at least so probable are written to doc.spans, beside
        the entities.
    decoding (str): "viterbi" for the entities of the most probable tag sequence, "expected_f" for those of the highest
        expected F-score.
    beta (float): How many times as much recall counts as precision in expected_f.
    temperature (float): What the scores are divided by before probabilities are computed; see `bio-ner calibrate`.
    scorer (Optional[Callable]): The scoring method, by default spaCy's for entities.
    """
    return BioEntityRecognizer(
        nlp.vocab,
        model,
        name,
        threshold=threshold,
        candidate_threshold=candidate_threshold,
        decoding=decoding,
        beta=beta,
        temperature=temperature,
        scorer=scorer,
    )


class BioEntityRecognizer(TrainablePipe):
    """Named entity recognizer that tags tokens with BIO tags under a linear-chain CRF."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[List[Doc], Potentials],
        name: str = "bio_ner",
        *,
        threshold: float = 0.0,
        candidate_threshold: Optional[float] = None,
        decoding: Literal["viterbi", "expected_f"] = "viterbi",
        beta: float = 1.0,
        temperature: float = 1.0,
        scorer: Optional[Callable] = None,
    ) -> None:
        """Initialize the component. The settings of prediction are kept in cfg and can be changed there at any time.

        vocab (Vocab): The shared vocabulary.
        model (Model[List[Doc], Potentials]): The tagger; see spacy_bio_ner.BioTagger.v1.
        name (str): The component instance name, used to add entries to the losses during training.
        threshold (float): Entities less probable than this are left out.
        candidate_threshold (Optional[float]): If given, all spans at least so probable are written to doc.spans.
        decoding (str): How the entities are chosen: "viterbi" or "expected_f".
        beta (float): How many times as much recall counts as precision in expected_f.
        temperature (float): What the scores are divided by before probabilities are computed.
        scorer (Optional[Callable]): The scoring method.
        RAISES (ValueError): If a setting has no meaning.
        """
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: Dict[str, Any] = {
            "labels": [],
            "threshold": threshold,
            "candidate_threshold": candidate_threshold,
            "decoding": decoding,
            "beta": beta,
            "temperature": temperature,
        }
        self._check_settings()

    @property
    def labels(self) -> Tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): The entity labels, without B- and I-."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> Tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): What `init labels` saves and `initialize` takes as labels."""
        return self.labels

    def add_label(self, label: str) -> int:
        """Add a label. A trained model keeps what it knows and gives the new label next to no
        probability until it is trained on it.

        label (str): The label to add.
        RETURNS (int): 0 if the label is already present, otherwise 1.
        """
        if not isinstance(label, str):
            raise ValueError(Errors.E187)
        if label in self.labels:
            return 0
        self.cfg["labels"].append(label)
        self.vocab.strings.add(label)
        self.set_output(scheme.n_tags(len(self.labels)))
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[Sequence[str]] = None,
    ) -> None:
        """Initialize the component for training.

        get_examples (Callable[[], Iterable[Example]]): Returns a representative sample of the data.
        nlp (Optional[Language]): The current nlp object.
        labels (Optional[Sequence[str]]): The labels, as generated by `init labels`. Taken from the
            entities of all examples if None.
        RAISES (ValueError): If there is neither a label nor an entity to take one from.
        """
        validate_get_examples(get_examples, "BioEntityRecognizer.initialize")
        if labels is None:
            labels = sorted({ent.label_ for eg in get_examples() for ent in eg.reference.ents})
        for label in labels:
            self.add_label(label)
        if not self.labels:
            raise ValueError(
                f"The component '{self.name}' has no labels: none were given and the training data has no "
                "entities. Check the data with 'debug data', or add a label with add_label."
            )
        sample = list(islice((eg.predicted for eg in get_examples() if len(eg.predicted)), 10))
        self.model.initialize(X=sample)

    def predict(self, docs: Iterable[Doc]) -> Predictions:
        """Find the entities of each doc, and how probable each of them is, without modifying the docs. Entities and
        blocked tokens that are already set are kept, and the rest is decoded, and its probability computed, given
        them.

        docs (Iterable[Doc]): The documents.
        RETURNS (Predictions): The entities of all docs, and their candidates.
        """
        docs = list(docs)
        return self.decode(docs, self.model.predict(docs) if any(len(doc) for doc in docs) else None)

    def decode(self, docs: List[Doc], potentials: Optional[Potentials]) -> Predictions:
        """The second half of predict: from the model's scores to entities.

        docs (List[Doc]): The documents.
        potentials (Optional[Potentials]): The model's output for them; None if there is no token in any.
        RETURNS (Predictions): The entities of all docs, and their candidates.
        RAISES (ValueError): If a setting in cfg has no meaning.
        """
        self._check_settings()
        if potentials is None:
            return no_predictions(len(docs), len(self.labels), self.cfg["candidate_threshold"])
        by_expected_f = self.cfg["decoding"] == "expected_f"
        return predict_entities(
            self.model.ops,
            potentials,
            self._allowed(docs),
            temperature=self.cfg["temperature"],
            candidate_threshold=self.cfg["candidate_threshold"],
            beta=self.cfg["beta"] if by_expected_f else None,
            n_certain=[len(self._unknown(doc.ents)) for doc in docs] if by_expected_f else [],
        )

    def k_best(self, docs: Iterable[Doc], k: int) -> List[List[Tuple[List[Span], float]]]:
        """Find the k most probable analyses of each doc, without modifying the docs. Entities that are already set are
        in all of them; pass the docs as the components before this one leave them.

        docs (Iterable[Doc]): The documents.
        k (int): The number of analyses, at least 1.
        RETURNS (List[List[Tuple[List[Span], float]]]): For each doc its analyses, the most probable first: the
            entities of each, and the probability of exactly these. Fewer than k where there are no more.
        """
        if k < 1:
            raise ValueError(f"k_best finds at least 1 analysis, but was asked for {k}.")
        analyses: List[List[Tuple[List[Span], float]]] = []
        for doc in docs:
            if not len(doc):
                analyses.append([([], 1.0)])
                continue
            potentials = tempered(self.model.predict([doc]), self.cfg["temperature"])
            found = []
            for spans, probability in k_best_entities(self.model.ops, potentials, self._allowed([doc]), k):
                ents = [Span(doc, start, end, label=self.labels[label]) for start, end, label in spans.tolist()]
                found.append((sorted([*ents, *self._unknown(doc.ents)], key=lambda ent: ent.start), probability))
            analyses.append(found)
        return analyses

    def set_annotations(self, docs: Iterable[Doc], predictions: Predictions) -> None:
        """Write the entities to doc.ents, and with their probabilities and the candidates to doc.spans["bio_ner"].

        docs (Iterable[Doc]): The documents to modify.
        predictions (Predictions): Their entities, as returned by predict.
        """
        docs = list(docs)
        is_ent = predictions.chosen & (predictions.probabilities >= self.cfg["threshold"])
        kept = is_ent
        if self.cfg["candidate_threshold"] is not None:
            kept = is_ent | (predictions.probabilities >= self.cfg["candidate_threshold"])
        spans = predictions.spans[kept]
        columns = (spans, predictions.probabilities[kept], predictions.outside[kept], is_ent[kept])
        rows = list(zip(*(column.tolist() for column in columns)))
        offsets = numpy.cumsum([0] + [len(doc) for doc in docs])
        bounds = numpy.searchsorted(spans[:, 0], offsets).tolist()
        labels = self._label_hashes
        for i, (doc, offset, is_preset) in enumerate(zip(docs, offsets.tolist(), with_presets(docs))):
            preset, blocked = preset_spans(doc) if is_preset else ([], [])
            taken = {token for ent in preset for token in range(ent.start, ent.end)}
            ents, scored = list(preset), [(ent, 1.0, 0.0) for ent in preset]
            for (start, end, label), probability, outside, chosen in rows[bounds[i] : bounds[i + 1]]:
                if start - offset in taken:
                    continue
                span = Span(doc, start - offset, end - offset, label=labels[label])
                scored.append((span, probability, outside))
                if chosen:
                    ents.append(span)
            expected = None
            if predictions.expected is not None:
                expected = Counter(dict(zip(self.labels, predictions.expected[i].tolist())))
                expected.update(ent.label_ for ent in self._unknown(preset))
            doc.set_ents(ents, blocked=blocked)
            write_confidences(doc, scored, expected)

    def get_loss(self, examples: Iterable[Example], scores: Potentials) -> Tuple[float, Potentials]:
        """Find the loss and its gradient: minus the log-likelihood of the gold tags, summed over whatever
        is not annotated.

        examples (Iterable[Example]): The batch of examples.
        scores (Potentials): The model's output for their predicted docs.
        RETURNS (Tuple[float, Potentials]): The loss in nats, summed over the batch, and its gradient.
        RAISES (ValueError): If the loss is not a number.
        """
        validate_examples(examples, "BioEntityRecognizer.get_loss")
        allowed = gold_tags(examples, self._label_hashes, scheme.n_tags(len(self.labels)))
        loss, gradient = negative_log_likelihood(self.model.ops, scores, allowed)
        if numpy.isnan(loss):
            raise ValueError(Errors.E910.format(name=self.name))
        return loss, gradient

    @property
    def _label_hashes(self) -> List[int]:
        return [self.vocab.strings.add(label) for label in self.labels]

    def _allowed(self, docs: List[Doc]) -> Array2d:
        """RETURNS (Array2d): Which tags each token may have, given what is set."""
        return self.model.ops.xp.asarray(preset_tags(docs, self._label_hashes, scheme.n_tags(len(self.labels))))

    def _unknown(self, ents: Iterable[Span]) -> List[Span]:
        """RETURNS (List[Span]): Those of the entities that have a label which no tag stands for."""
        return [ent for ent in ents if ent.label_ not in self.cfg["labels"]]

    def _check_settings(self) -> None:
        candidate_threshold, decoding = self.cfg["candidate_threshold"], self.cfg["decoding"]
        if candidate_threshold is not None and not 0 < candidate_threshold <= 1:
            expected = "more than 0 and at most 1, or None"
            raise ValueError(f"The component '{self.name}' has candidate_threshold={candidate_threshold}: {expected}.")
        if decoding not in DECODINGS:
            raise ValueError(f"The component '{self.name}' has decoding={decoding!r}: {' or '.join(DECODINGS)}.")
        for setting in ("beta", "temperature"):
            if not self.cfg[setting] > 0:
                raise ValueError(
                    f"The component '{self.name}' has {setting}={self.cfg[setting]}: more than 0 is needed."
                )
