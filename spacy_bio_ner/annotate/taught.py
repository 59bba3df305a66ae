"""What `bio-ner distill` does to a shard: it writes what a teacher, or several, say of the texts as Docs to learn from,
in .spacy files that spaCy's Corpus reads.
"""

from dataclasses import dataclass
from itertools import islice
from numbers import Real
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from ..constraints import have_same_tokens
from ..distillation import blank_copy, compute_posteriors, mean_posterior, write_posterior
from ..evaluation.doc_results import bio_ners, only_before
from ..util import InputError
from .inputs.item import Refused, Text
from .job import Job, Layout, Model
from .outputs import DOCUMENTS, Record, write_shard
from .shards import Shard
from .worker import drop_grown, in_batches, load, load_same, take_texts

# Attributes of spans in which components other than ours keep how sure they are of an entity
SCORES = ("confidence", "score")


@dataclass(frozen=True)
class Teaching(Job):
    """Write what teachers say of the texts.

    model (Model): The first teacher.
    others (Tuple[Model, ...]): The others, all with a bio_ner of the same labels.
    temperature (Optional[float]): What the teachers' scores are divided by; None to write the first one's entities, and
        not a posterior.
    min_score (float): Entities whose score is known and lower are missing, neither entities nor none.
    """

    others: Tuple[Model, ...] = ()
    temperature: Optional[float] = 1.0
    min_score: float = 0.0

    @property
    def layout(self) -> Layout:
        return Layout((DOCUMENTS,), "spacy")

    @property
    def settings(self) -> Dict[str, Any]:
        others = [[model.hash, model.library] for model in self.others]
        return {"other teachers": others, "temperature": self.temperature, "min_score": self.min_score}

    def work(self, shard: Shard) -> Record:
        teachers = [load_same(model, self.gpu_id) for model in (self.model, *self.others)]
        _forget_words(teachers)

        def process(batch: List[Text]) -> List[List[Doc]]:
            texts = [item.text for item in batch]
            if self.temperature is None:
                return [_with_entities(doc, self.min_score) for doc in teachers[0].pipe(texts)]
            return _with_posteriors(teachers, texts, self.temperature)

        texts, refused = take_texts(shard, min(nlp.max_length for nlp in teachers))
        taught, n_documents = DocBin(attrs=[ENT_IOB, ENT_TYPE], store_user_data=True), 0
        for _, docs in in_batches(process, texts):
            if isinstance(docs, Refused):
                refused.append(docs)
                continue
            n_documents += 1
            for doc in docs:
                taught.add(doc)
        drop_grown(teachers)
        contents = {DOCUMENTS: (n_documents, taught.to_bytes())}
        return write_shard(self.output, self.layout, contents, Record(self.run, shard.number, shard.digest(), refused))


def describe_teachers(paths: Sequence[str], entities: bool, gpu_id: int) -> Tuple[List[Model], bool]:
    """Load the teachers and see whether they can teach together.

    paths (Sequence[str]): Their folders, or the names they are installed by.
    entities (bool): Whether entities are wanted, and not a posterior, where both could be had.
    gpu_id (int): The GPU, or -1 for none.
    RETURNS (Tuple[List[Model], bool]): What tells them from others, and whether a posterior can be had from them.
    RAISES (InputError): If one cannot be loaded or has no components, or what they say has no mean.
    """
    loaded = [load(path, gpu_id) for path in paths]
    models = [model for _, model in loaded]
    components = [bio_ners(nlp) for nlp, _ in loaded]
    if not loaded[0][0].pipe_names:
        raise InputError(f"{paths[0]}: the pipeline has no component that could find entities")
    if entities or not components[0]:
        if len(paths) > 1:
            raise InputError(f"--with {paths[1]}: only posteriors have a mean, and {paths[0]} is to give its entities")
        return models, False
    for path, found in zip(paths, components):
        if len(found) != 1:
            raise InputError(f"{path}: found {len(found)} components of the factory bio_ner, expected one")
    labels = [sorted(component.labels) for [component] in components]
    if not labels[0]:
        raise InputError(f"{paths[0]}: the component has no labels: it was not trained")
    for path, other in zip(paths, labels):
        if other != labels[0]:
            raise InputError(
                f"{path}: its labels are {', '.join(other)}, those of {paths[0]} are {', '.join(labels[0])}: teachers "
                "need the same ones, since what they say is averaged"
            )
    return models, True


def _with_posteriors(teachers: List[Language], texts: List[str], temperature: float) -> List[List[Doc]]:
    """RETURNS (List[List[Doc]]): For each text its sentences, with what the teachers say of them."""
    first, *others = teachers
    docs = _before_bio_ner(first, texts)
    parts = [_sentences(doc) for doc in docs]
    if any(len(own) > 1 for own in parts):  # the teacher is asked about each alone, as the student will learn it
        docs = _before_bio_ner(first, [_as_read_by(first, part) for own in parts for part in own])
    inputs = [docs, *(_before_bio_ner(nlp, [_as_read_by(nlp, doc) for doc in docs]) for nlp in others)]
    components = [bio_ners(nlp)[0] for nlp in teachers]
    labels = [component.labels for component in components]
    found = [compute_posteriors(component.model, own, temperature) for component, own in zip(components, inputs)]
    taught = []
    for doc, posteriors in zip(docs, zip(*found)):
        taught.append(blank_copy(doc, first.vocab))
        write_posterior(taught[-1], labels[0], mean_posterior(posteriors, labels))
    rest = iter(taught)
    return [list(islice(rest, len(own))) for own in parts]


def _with_entities(doc: Doc, min_score: float) -> List[Doc]:
    """RETURNS (List[Doc]): The sentences of a Doc with its entities, of which those with a lower score are missing."""
    taught = []
    for part in _sentences(doc):
        copy, first = blank_copy(part, doc.vocab), part.start if isinstance(part, Span) else 0
        ents: Dict[bool, List[Span]] = {True: [], False: []}
        for ent in part.ents:
            score = _score(ent)
            is_sure = score is None or score >= min_score
            ents[is_sure].append(Span(copy, ent.start - first, ent.end - first, ent.label))
        copy.set_ents(ents[True], missing=ents[False])
        taught.append(copy)
    return taught


def _before_bio_ner(nlp: Language, texts: Iterable[Union[str, Doc]]) -> List[Doc]:
    """RETURNS (List[Doc]): Texts as the components before the bio_ner leave them."""
    [component] = bio_ners(nlp)
    with only_before(nlp, component):
        return list(nlp.pipe(texts))


def _sentences(doc: Doc) -> List[Union[Doc, Span]]:
    """RETURNS (List[Union[Doc, Span]]): The sentences of a Doc, where its pipeline has found any, or else the Doc. No
    entity is parted."""
    if not doc.has_annotation("SENT_START"):
        return [doc]
    inside = {i for ent in doc.ents for i in range(ent.start + 1, ent.end)}
    starts = [sent.start for sent in doc.sents if sent.start not in inside]
    return [doc] if len(starts) < 2 else [doc[start:end] for start, end in zip(starts, [*starts[1:], len(doc)])]


def _as_read_by(nlp: Language, doc: Union[Doc, Span]) -> Doc:
    """RETURNS (Doc): A Doc as a pipeline reads it, but with the tokens that it has."""
    own, copy = nlp.make_doc(doc.text_with_ws), blank_copy(doc, nlp.vocab)
    return own if have_same_tokens(own, copy) else copy


def _score(ent: Span) -> Optional[float]:
    """RETURNS (Optional[float]): How sure the component that has set an entity is of it, if that is known."""
    for name in SCORES:
        value = ent._.get(name) if Span.has_extension(name) else None
        if isinstance(value, Real):
            return float(value)
    for group in ent.doc.spans.values():
        for span, score in zip(group, group.attrs.get("scores", ())):
            if (span.start, span.end, span.label) == (ent.start, ent.end, ent.label):
                return float(score)
    return None


def _forget_words(teachers: List[Language]) -> None:
    """Empty what keeps the vectors of words: computed among other words they can differ in the last bit, and a shard is
    to be the same after whatever was done before it."""
    for nlp in teachers:
        for component in bio_ners(nlp):
            for layer in component.model.walk():
                if "cache" in layer.attrs:
                    layer.attrs["cache"].clear()
