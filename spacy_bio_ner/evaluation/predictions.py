"""The Docs of a corpus beside what a pipeline makes of them, and which of its entities are right."""

import re
from pathlib import Path
from typing import Dict, Iterable, Iterator, Optional, Sequence, Set, Tuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from tqdm import tqdm

from ..corpora.ledger import Ledger
from ..corpora.lines import read_lines
from ..corpora.source_mentions import source_mentions
from ..crf.bio import IOB_MISSING
from ..util import InputError
from .scoring import TextSpan

# Characters of scripts that are written without spaces: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


def read_texts(path: Path, nlp: Language) -> Iterator[Doc]:
    """Read a file with a text on each line.

    path (Path): The file.
    nlp (Language): The pipeline, whose tokenizer makes the Docs.
    YIELDS (Doc): A Doc without annotation for each line that is not blank.
    RAISES (InputError): If the file is not UTF-8, or the pipeline cannot take a text.
    """
    ledger = Ledger(path)
    for number, line in read_lines(path, ledger):
        if len(line) > nlp.max_length:
            ledger.error(number, f"found {len(line)} characters, more than the {nlp.max_length} the pipeline takes")
        elif line.strip():
            yield nlp.make_doc(line)
    if ledger.errors:
        raise InputError("\n".join(ledger.errors))


def predict(nlp: Language, golds: Sequence[Doc], batch_size: Optional[int]) -> Iterator[Tuple[Doc, Doc]]:
    """Give each gold Doc after the Doc that the pipeline makes of its words, where it is made of words, or of its
    text."""
    pairs = ((unannotated(nlp, gold), gold) for gold in golds)
    docs = nlp.pipe(pairs, as_tuples=True, batch_size=batch_size)
    yield from tqdm(docs, total=len(golds), desc="Predicting", unit="doc", leave=False, disable=None)


def unannotated(nlp: Language, gold: Doc) -> Doc:
    """Make a Doc of a gold Doc's words, where it is made of words, or of its text.

    nlp (Language): The pipeline.
    gold (Doc): The gold Doc.
    RETURNS (Doc): A Doc for the pipeline to process.
    RAISES (InputError): If the pipeline cannot take the text, or changes it.
    """
    if gold.has_unknown_spaces:
        return Doc(nlp.vocab, words=[token.text for token in gold])
    if len(gold.text) > nlp.max_length:
        raise InputError(
            f"found a text of {len(gold.text)} characters ({gold.text[:40]!r}...), more than the {nlp.max_length} that "
            "the pipeline takes: split it before converting the corpus"
        )
    doc = nlp.make_doc(gold.text)
    if doc.text != gold.text:
        raise InputError(
            f"the pipeline's tokenizer changes the text ({gold.text[:40]!r}...): characters cannot be compared"
        )
    return doc


def count_tokens_in_text(nlp: Language, golds: Iterable[Doc]) -> Tuple[int, int]:
    """Count the tokens of gold Docs made of words, and how many of them the pipeline makes too if it is given text. A
    pipeline is scored on a corpus's own tokens, but used on text.

    nlp (Language): The pipeline.
    golds (Iterable[Doc]): The gold Docs. Their text is not known, but for the words: spaces are put between them except
        where a script has none.
    RETURNS (Tuple[int, int]): The number of tokens, and of those that the pipeline makes.
    """
    n_tokens = n_same = 0
    for gold in golds:
        if not gold.has_unknown_spaces:
            continue
        text, tokens = "", set()
        for word in (token.text for token in gold):
            if text and not (UNSPACED.match(text[-1]) or UNSPACED.match(word)):
                text += " "
            tokens.add((len(text), len(text) + len(word)))
            text += word
        if len(text) > nlp.max_length:
            continue
        n_tokens += len(tokens)
        n_same += len(tokens & {(token.idx, token.idx + len(token)) for token in nlp.make_doc(text)})
    return n_tokens, n_same


def gold_spans(doc: Doc) -> Set[TextSpan]:
    """RETURNS (Set[TextSpan]): All mentions of a gold Doc's source."""
    text = doc.text
    return {TextSpan(m.start_char, m.end_char, m.label, text[m.start_char : m.end_char]) for m in source_mentions(doc)}


def text_span(ent: Span) -> TextSpan:
    """RETURNS (TextSpan): An entity by its characters."""
    return TextSpan(ent.start_char, ent.end_char, ent.label_, ent.text)


def scored_predictions(predicted: Doc, gold: Doc, mentions: Set[TextSpan]) -> Dict[Span, TextSpan]:
    """RETURNS (Dict[Span, TextSpan]): The entities of the prediction that are right or wrong: a prediction that touches
    a token whose annotation is missing is neither, unless the source has just that mention."""

    def touches_missing(span: TextSpan) -> bool:
        tokens = gold.char_span(span.start_char, span.end_char, alignment_mode="expand")
        return any(token.ent_iob == IOB_MISSING for token in tokens)

    spans = {ent: text_span(ent) for ent in predicted.ents}
    return {ent: span for ent, span in spans.items() if span in mentions or not touches_missing(span)}
