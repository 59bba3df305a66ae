"""The pipeline component: named entities by token classification with BIO tags and a linear-chain CRF."""

import warnings
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple, Union

import numpy
from spacy.errors import Errors
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.strings import get_string_id  # type: ignore[attr-defined]
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model, Optimizer, set_dropout_rate
from thinc.types import Ragged

from .confidence import read_confidence, register_extensions, write_confidences
from .constraints import gold_constraints, preset_constraints, presets
from .crf import bio
from .crf.linear_chain import LinearChain
from .crf.losses import cross_entropy, match_labels, negative_log_likelihood
from .crf.potentials import Potentials
from .distillation import by_labels, read_posteriors, taught_labels
from .layers.blas import one_thread
from .prediction import Predictions, k_best_entities, no_predictions, predict_entities, thresholds_by_label
from .serialization import check_component, check_weights, kept_with_weights, own_weights, sign_component, warn_of_edits
from .settings import REMOVED, Settings, refuse_removed
from .upstream import check_upstream

DEFAULT_CONFIG = """
[bio_ner]
threshold = 0.0
candidate_threshold = null
temperature = 1.0
spans_key = null
incorrect_spans_key = null
scorer = {"@scorers": "spacy.ner_scorer.v1"}

[bio_ner.model]
@architectures = "spacy_bio_ner.BioTagger.v1"
nO = null

[bio_ner.model.tok2vec]
@architectures = "spacy.Tok2Vec.v2"

[bio_ner.model.tok2vec.embed]
@architectures = "spacy_bio_ner.SubwordEmbed.v2"
width = 128
rows = 5000
table_width = 64
prefixes = [1, 2, 3, 4]
suffixes = [2, 3, 4]
include_static_vectors = false

[bio_ner.model.tok2vec.encode]
@architectures = "spacy_bio_ner.BiLSTMEncoder.v1"
width = 192
depth = 1
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
    threshold: Union[float, Dict[str, float]],
    candidate_threshold: Optional[float],
    temperature: float,
    spans_key: Optional[str],
    incorrect_spans_key: Optional[str],
    scorer: Optional[Callable],
    decoding: Optional[str] = None,
    beta: Optional[float] = None,
) -> TrainablePipe:  # no class named in a string: edsnlp reads this
    """Create the component.

    model (Model[List[Doc], Potentials]): The tagger; see spacy_bio_ner.BioTagger.v1.
    threshold (Union[float, Dict[str, float]]): Entities less probable than this are left out: a number, or one for each
        label.
    candidate_threshold (Optional[float]): If given, all spans at least so probable are written to doc.spans, beside
        the entities.
    temperature (float): What the scores are divided by before probabilities are computed; see `bio-ner calibrate`.
    spans_key (Optional[str]): The key of the span group with the entities, candidates and their probabilities. By
        default the name of the component.
    incorrect_spans_key (Optional[str]): The key of a span group with spans that are known not to be entities with their
        label. Training learns from those of the reference docs, and none of them is predicted.
    scorer (Optional[Callable]): The scoring method, by default spaCy's for entities.
    decoding (Optional[str]): Of earlier versions: only "viterbi".
    beta (Optional[float]): Of earlier versions: only 1.0.
    """
    for setting, value in zip(REMOVED, (decoding, beta)):
        if value is not None:
            refuse_removed(setting, value)
    return BioEntityRecognizer(
        nlp.vocab,
        model,
        name,
        threshold=threshold,
        candidate_threshold=candidate_threshold,
        temperature=temperature,
        spans_key=spans_key,
        incorrect_spans_key=incorrect_spans_key,
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
        threshold: Union[float, Dict[str, float]] = 0.0,
        candidate_threshold: Optional[float] = None,
        temperature: float = 1.0,
        spans_key: Optional[str] = None,
        incorrect_spans_key: Optional[str] = None,
        scorer: Optional[Callable] = None,
    ) -> None:
        """Initialize the component. The settings are kept in cfg and can be changed there at any time.

        vocab (Vocab): The shared vocabulary.
        model (Model[List[Doc], Potentials]): The tagger; see spacy_bio_ner.BioTagger.v1.
        name (str): The component instance name, used to add entries to the losses during training.
        threshold (Union[float, Dict[str, float]]): Entities less probable than this are left out.
        candidate_threshold (Optional[float]): If given, all spans at least so probable are written to doc.spans.
        temperature (float): What the scores are divided by before probabilities are computed.
        spans_key (Optional[str]): The key of the span group that is written; by default the name.
        incorrect_spans_key (Optional[str]): The key of a span group with what is known to be no entity.
        scorer (Optional[Callable]): The scoring method.
        RAISES (ValueError): If a setting has no meaning.
        """
        register_extensions()
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg = Settings(
            threshold=threshold,
            candidate_threshold=candidate_threshold,
            temperature=temperature,
            spans_key=None if spans_key == name else spans_key,
            incorrect_spans_key=incorrect_spans_key,
        )
        # The labels are part of the model, since its tags mean nothing without them.
        self.model.attrs.setdefault("labels", [])
        # Language.resume_training puts a copy of the model here, to rehearse with.
        self._rehearsal_model: Optional[Model[List[Doc], Potentials]] = None

    def __setstate__(self, state: Any) -> None:
        """Unpickle the component, in a process that has made none yet, too."""
        super().__setstate__(state)
        register_extensions()
        own_weights(self.model)

    @property
    def labels(self) -> Tuple[str, ...]:
        """RETURNS (Tuple[str, ...]): The entity labels, without B- and I-."""
        return tuple(self.model.attrs["labels"])

    @property
    def spans_key(self) -> str:
        """RETURNS (str): The key of the span group that is written. By default it is the component's name, which is
        another where a pipeline takes the component from another pipeline (`source`) under a name of its own."""
        return self.cfg["spans_key"] or self.name

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
        self.model.attrs["labels"] = [*self.labels, label]
        self.vocab.strings.add(label)
        self.set_output(bio.n_tags(len(self.labels)))
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
            entities of all examples if None or, if these have none, from a teacher's posterior kept with them.
        RAISES (ValueError): If there is neither a label nor an entity to take one from.
        """
        validate_get_examples(get_examples, "BioEntityRecognizer.initialize")
        if labels is None:
            labels = sorted({label for eg in get_examples() for label in _labels_of(eg)})
            if not labels:
                labels = sorted({label for eg in get_examples() for label in taught_labels(eg.reference)})
        for label in labels:
            self.add_label(label)
        if not self.labels:
            raise ValueError(
                f"The component '{self.name}' has no labels: none were given and the training data has no "
                "entities. Check the data with 'bio-ner audit', or add a label with add_label."
            )
        sample = list(islice((eg.predicted for eg in get_examples() if len(eg.predicted)), 10))
        self.model.initialize(X=sample or [Doc(self.vocab, words=["word"])])

    @one_thread
    def predict(self, docs: Iterable[Doc]) -> Predictions:
        """Find the entities of each doc, and how probable each of them is, without modifying the docs. Entities and
        blocked tokens that are already set are kept, and the rest is decoded, and its probability computed, given
        them.

        docs (Iterable[Doc]): The documents.
        RETURNS (Predictions): The entities of all docs, and their candidates.
        RAISES (ValueError): If the model's scores are not numbers, or a component whose vectors it reads has not run on
            the docs.
        """
        docs = list(docs)
        candidate_threshold = self.cfg["candidate_threshold"]
        if not any(len(doc) for doc in docs):
            return no_predictions(len(docs), len(self.labels), candidate_threshold)
        chain = self._distribution(docs)
        return predict_entities(chain, thresholds_by_label(self.cfg["threshold"], self.labels), candidate_threshold)

    def k_best(self, docs: Iterable[Doc], k: int) -> List[List[Tuple[List[Span], float]]]:
        """Find the k most probable analyses of each doc, without modifying the docs. Entities that are already set are
        in all of them; pass the docs as the components before this one leave them.

        docs (Iterable[Doc]): The documents.
        k (int): The number of analyses, at least 1.
        RETURNS (List[List[Tuple[List[Span], float]]]): For each doc its analyses, the most probable first: the
            entities of each, and the probability of exactly these. Fewer than k where there are no more.
        RAISES (ValueError): As predict does.
        """
        if k < 1:
            raise ValueError(f"k_best finds at least 1 analysis, but was asked for {k}.")
        analyses: List[List[Tuple[List[Span], float]]] = []
        for doc in docs:
            if not len(doc):
                analyses.append([([], 1.0)])
                continue
            # Entities whose labels no tag stands for are in no sequence of tags.
            unknown = [ent for ent in presets(doc, self.spans_key)[0] if ent.label_ not in self.labels]
            found = []
            for spans, probability in k_best_entities(self._distribution([doc]), k):
                ents = [Span(doc, start, end, label=self.labels[label]) for start, end, label in spans.tolist()]
                found.append((sorted([*ents, *unknown], key=lambda ent: ent.start), probability))
            analyses.append(found)
        return analyses

    def set_annotations(self, docs: Iterable[Doc], predictions: Predictions) -> None:
        """Write the entities to doc.ents, and with their probabilities and the candidates to doc.spans.

        docs (Iterable[Doc]): The documents to modify.
        predictions (Predictions): Their entities, as returned by predict.
        """
        docs = list(docs)
        spans, *columns, _ = predictions
        rows = list(zip(spans.tolist(), *(column.tolist() for column in columns)))
        offsets = numpy.cumsum([0] + [len(doc) for doc in docs])
        bounds = numpy.searchsorted(spans[:, 0], offsets).tolist()
        key, labels = self.spans_key, [get_string_id(label) for label in self.labels]
        # The docs may be another pipeline's: their strings are to have the labels.
        for strings in {id(doc.vocab): doc.vocab.strings for doc in docs}.values():
            for label in self.labels:
                strings.add(label)
        candidate_threshold = self.cfg["candidate_threshold"] or float("inf")
        for i, (doc, offset) in enumerate(zip(docs, offsets.tolist())):
            preset, blocked = presets(doc, key)
            taken = {token for ent in preset for token in range(ent.start, ent.end)}
            # An entity that another component of this kind has found keeps the probability that it has there.
            ents, scored = list(preset), [(ent, 1.0, 0.0, True) for ent in preset if read_confidence(ent) is None]
            left_out = []
            for (start, end, label), probability, outside, is_entity, is_left_out in rows[bounds[i] : bounds[i + 1]]:
                if start - offset in taken:
                    continue
                span = Span(doc, start - offset, end - offset, label=labels[label])
                if is_left_out:
                    left_out.append((span, probability))
                if not is_left_out or probability >= candidate_threshold:
                    scored.append((span, probability, outside, is_entity))
                if is_entity:
                    ents.append(span)
            if preset:
                scored.sort(key=lambda row: (row[0].start, row[0].end))
            expected = None
            if predictions.expected is not None:
                expected = dict(zip(self.labels, predictions.expected[i].tolist()))
                for ent in preset:
                    if ent.label_ not in self.labels:
                        expected[ent.label_] = expected.get(ent.label_, 0.0) + 1.0
            doc.set_ents(ents, blocked=blocked)
            write_confidences(doc, key, scored, expected, left_out)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn from a batch of examples. A label that is new in them is added, as spaCy's ner does, and a warning
        says so.

        examples (Iterable[Example]): The batch of examples.
        drop (float): The dropout rate.
        sgd (Optional[Optimizer]): The optimizer.
        losses (Optional[Dict[str, float]]): The losses, updated under the component's name.
        RETURNS (Dict[str, float]): The updated losses.
        """
        examples = list(examples)
        validate_examples(examples, "BioEntityRecognizer.update")
        for label in sorted({label for eg in examples for label in _labels_of(eg)} - set(self.labels)):
            self.add_label(label)
            warnings.warn(
                f"The component '{self.name}' was not initialized with the label '{label}', which the training data "
                "has. It learns it from here on."
            )
        return super().update(examples, drop=drop, sgd=sgd, losses=losses)

    @one_thread
    def get_loss(self, examples: Iterable[Example], scores: Potentials) -> Tuple[float, Potentials]:
        """Find the loss and its gradient: minus the log-likelihood of the gold tags, summed over whatever
        is not annotated. For reference docs that a teacher's posterior is kept with (see distillation.py) it is the
        cross-entropy.

        examples (Iterable[Example]): The batch of examples.
        scores (Potentials): The model's output for their predicted docs.
        RETURNS (Tuple[float, Potentials]): The loss in nats, summed over the batch, and its gradient.
        RAISES (ValueError): If the loss is not a number, or the annotation contradicts itself.
        """
        examples = list(examples)
        validate_examples(examples, "BioEntityRecognizer.get_loss")
        gold = gold_constraints(examples, self.labels, self.cfg["incorrect_spans_key"])
        loss, gradient = negative_log_likelihood(self.model.ops, scores, gold.allowed, gold.rejected)
        loss += self._add_taught(examples, scores, gradient)
        if numpy.isnan(loss):
            raise ValueError(Errors.E910.format(name=self.name))
        return loss, gradient

    def distill(
        self,
        teacher_pipe: "BioEntityRecognizer",
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        """Learn from what another component of this kind, the teacher, says of a batch of docs. The method is called as
        in spaCy's unreleased version 4.

        teacher_pipe (BioEntityRecognizer): The teacher. It reads the reference docs, the student the predicted ones,
            which must have the same tokens.
        examples (Iterable[Example]): The batch of examples. Their annotation is not looked at.
        drop (float): The student's dropout rate.
        sgd (Optional[Optimizer]): The optimizer.
        losses (Optional[Dict[str, float]]): The losses, updated under the component's name.
        RETURNS (Dict[str, float]): The updated losses.
        """
        examples = list(examples)
        validate_examples(examples, "BioEntityRecognizer.distill")
        return self._learn_from(
            teacher_pipe.model,
            teacher_pipe.cfg["temperature"],
            [eg.reference for eg in examples],
            [eg.predicted for eg in examples],
            drop=drop,
            sgd=sgd,
            losses=losses,
        )

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
        **config: Any,
    ) -> Dict[str, float]:
        """Learn to say of a batch of docs what the model said before nlp.resume_training, so that it does not forget.
        That is distillation from itself. A label that is new since then is left as it is.

        examples (Iterable[Example]): The batch of examples. Their annotation is not looked at.
        sgd (Optional[Optimizer]): The optimizer.
        losses (Optional[Dict[str, float]]): The losses, updated under the component's name.
        RETURNS (Dict[str, float]): The updated losses.
        RAISES (ValueError): If nlp.resume_training was not called.
        """
        if self._rehearsal_model is None:
            raise ValueError(f"The component '{self.name}' has nothing to rehearse: call nlp.resume_training() first.")
        docs = [eg.predicted for eg in examples]
        return self._learn_from(self._rehearsal_model, 1.0, docs, docs, sgd=sgd, losses=losses)

    def get_teacher_student_loss(
        self,
        teacher_scores: Potentials,
        student_scores: Potentials,
        teacher_labels: Optional[Sequence[str]] = None,
        temperature: float = 1.0,
    ) -> Tuple[float, Potentials]:
        """Find how far the student's distribution over tag sequences is from the teacher's, and the gradient: the
        Kullback-Leibler divergence, where both have the same labels.

        teacher_scores (Potentials): The teacher's scores.
        student_scores (Potentials): The student's scores for the same tokens.
        teacher_labels (Optional[Sequence[str]]): The teacher's labels, if they are others. Those that the student has
            not count as O, and the loss is the cross-entropy then. Those that the teacher has not are left as they are.
        temperature (float): What the teacher's scores are divided by.
        RETURNS (Tuple[float, Potentials]): The loss in nats, summed over the batch, and its gradient.
        RAISES (ValueError): If no label is common to both.
        """
        ops = self.model.ops
        labels = self.labels if teacher_labels is None else teacher_labels
        self._check_common_label(labels)
        teacher = LinearChain.from_potentials(ops, teacher_scores, temperature)
        target = match_labels(ops, teacher.expected_counts(), labels, self.labels)
        loss, gradient = cross_entropy(ops, student_scores, target, self._tags_of(labels))
        return loss - teacher.entropy() if set(labels) <= set(self.labels) else loss, gradient

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        """Save the component, with checksums that tell when it is loaded whether it is whole.

        path (Union[str, Path]): The folder.
        exclude (Iterable[str]): What not to save.
        """
        super().to_disk(path, exclude=exclude)
        sign_component(Path(path))

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> "BioEntityRecognizer":
        """Load the component.

        path (Union[str, Path]): The folder.
        exclude (Iterable[str]): What not to load.
        RETURNS (BioEntityRecognizer): This component.
        RAISES (ValueError): If a file is damaged, the weights are not numbers, or labels and weights do not belong
            together.
        """
        check_component(Path(path))
        from_config = kept_with_weights(self.model)
        super().from_disk(path, exclude=exclude)
        self._check_loaded()
        warn_of_edits(self.model, from_config, self.name)
        return self

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "BioEntityRecognizer":
        """Load the component from what to_bytes gave.

        bytes_data (bytes): The component.
        exclude (Iterable[str]): What not to load.
        RETURNS (BioEntityRecognizer): This component.
        RAISES (ValueError): As from_disk does.
        """
        super().from_bytes(bytes_data, exclude=exclude)
        self._check_loaded()
        return self

    def _distribution(self, docs: List[Doc]) -> LinearChain:
        """RETURNS (LinearChain): The distribution over the docs' tags, given what is set on them.
        RAISES (ValueError): If it is none, since the scores are not numbers."""
        check_upstream(self.model, docs, self.name)
        potentials = self.model.predict(docs)
        preset = preset_constraints(docs, self.labels, self.spans_key, self.cfg["incorrect_spans_key"])
        chain = LinearChain.from_potentials(self.model.ops, potentials, self.cfg["temperature"]).given(*preset)
        is_finite = numpy.isfinite(self.model.ops.to_numpy(chain.log_partition))
        if not is_finite.all():
            text = docs[int(numpy.argmin(is_finite))].text
            raise ValueError(
                f"The component '{self.name}' has no probabilities for the text {text[:60]!r}: scores of its model, or "
                "vectors from the component before it, are not numbers."
            )
        return chain

    def _add_taught(self, examples: List[Example], scores: Potentials, gradient: Potentials) -> float:
        """Add to a gradient what examples teach whose reference docs have a teacher's posterior.

        RETURNS (float): The cross-entropy in nats, summed over them.
        """
        ops, references = self.model.ops, [eg.reference for eg in examples]
        lengths = numpy.array([len(eg.predicted) for eg in examples])
        ends, total = numpy.cumsum(lengths), 0.0
        for labels, indices in by_labels(references):
            self._check_common_label(labels)
            if any(len(references[i]) != lengths[i] for i in indices):
                raise ValueError(
                    f"The component '{self.name}' learns from taught docs only with the tokens that they were taught "
                    "with: read them with gold_preproc = true, or mixed (spacy_bio_ner.MixedCorpus.v1)."
                )
            tokens = ops.asarray(numpy.concatenate([numpy.arange(ends[i] - lengths[i], ends[i]) for i in indices]))
            part = Ragged(scores.emissions.dataXd[tokens], ops.asarray1i(lengths[indices]))
            target = match_labels(ops, read_posteriors(ops, [references[i] for i in indices]), labels, self.labels)
            taught = Potentials(part, scores.transitions, scores.starts)
            loss, added = cross_entropy(ops, taught, target, self._tags_of(labels))
            gradient.emissions.dataXd[tokens] += added.emissions.dataXd
            gradient.transitions += added.transitions
            gradient.starts += added.starts
            total += loss
        return total

    def _check_common_label(self, labels: Sequence[str]) -> None:
        """RAISES (ValueError): If none of a teacher's labels is known here."""
        if not set(labels) & set(self.labels):
            raise ValueError(
                f"The teacher's labels are {', '.join(labels)}, and the component '{self.name}' has "
                f"{', '.join(self.labels)}: it can learn nothing from that teacher."
            )

    def _tags_of(self, labels: Sequence[str]) -> numpy.ndarray:
        """RETURNS (ndarray): Which tags are O or of some labels, booleans of shape (1, n_tags)."""
        known = numpy.repeat([label in labels for label in self.labels], 2)
        return numpy.append(True, known)[None]

    def _learn_from(
        self,
        teacher: Model[List[Doc], Potentials],
        temperature: float,
        teacher_docs: List[Doc],
        docs: List[Doc],
        *,
        drop: float = 0.0,
        sgd: Optional[Optimizer] = None,
        losses: Optional[Dict[str, float]] = None,
    ) -> Dict[str, float]:
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        if any(len(a) != len(b) for a, b in zip(teacher_docs, docs)):
            raise ValueError(f"The component '{self.name}' learns from a teacher only docs that have the same tokens.")
        if not any(len(doc) for doc in docs):
            return losses
        check_upstream(teacher, teacher_docs, self.name)
        set_dropout_rate(self.model, drop)
        student_scores, backprop = self.model.begin_update(docs)
        loss, gradient = self.get_teacher_student_loss(
            teacher.predict(teacher_docs), student_scores, teacher.attrs["labels"], temperature
        )
        backprop(gradient)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def _check_loaded(self) -> None:
        """Refuse what would predict something else than it has learned."""
        if "labels" in self.cfg:  # where they were kept before
            self.model.attrs["labels"] = self.cfg.pop("labels")
        if self.cfg["spans_key"] == self.name:  # as earlier versions saved what is now None
            self.cfg["spans_key"] = None
        check_weights(self.model, self.name)
        for label in self.labels:
            self.vocab.strings.add(label)


def _labels_of(example: Example) -> Set[str]:
    """RETURNS (Set[str]): The labels of an example's gold entities."""
    doc = example.reference
    return {doc.vocab.strings[label] for label in set(doc.to_array("ENT_TYPE").tolist()) if label}
