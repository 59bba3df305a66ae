"""What a pipeline is given to read: the texts of a file, or gold Docs without their annotation."""

from pathlib import Path
from typing import Iterator

from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.ledger import Report
from ..corpora.lines import read_lines
from ..util import InputError


def read_texts(path: Path, nlp: Language) -> Iterator[Doc]:
    """Read a file with a text on each line.

    path (Path): The file.
    nlp (Language): The pipeline, whose tokenizer makes the Docs.
    YIELDS (Doc): A Doc without annotation for each line that is not blank.
    RAISES (InputError): If the file is not UTF-8, or the pipeline cannot take a text.
    """
    report = Report(path)
    for number, line in read_lines(path, report):
        if len(line) > nlp.max_length:
            report.error(number, f"found {len(line)} characters, more than the {nlp.max_length} the pipeline takes")
        elif line.strip():
            yield nlp.make_doc(line)
    if report.errors:
        raise InputError("\n".join(report.errors))


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
