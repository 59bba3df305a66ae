"""What a pipeline is given to read: the texts of a file, or gold Docs without their annotation."""

import re
from pathlib import Path
from typing import Iterable, Iterator, Tuple

from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.ledger import Ledger
from ..corpora.lines import read_lines
from ..util import InputError

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
