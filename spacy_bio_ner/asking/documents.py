"""The documents of a run whose labelling would teach most, with the entities found already in them."""

from itertools import zip_longest
from typing import Any, Dict, List

import numpy
import pyarrow
from pandas import DataFrame, Series
from pyarrow import compute

from ..annotate.outputs import CANDIDATES, DOCUMENTS, ENTITIES
from ..annotate.results import Results
from ..audit.duplicates import near_duplicates
from ..util import InputError
from .tools import Suggestion

OVERHEAD = 50  # tokens that could be read in the time it takes to turn to another document
POOL = 10  # documents to choose from for each that is wanted, since some repeat others


def select_documents(results: Results, n: int) -> List[Suggestion]:
    """Choose documents to label. How much one would teach is judged by the errors expected in it, for the time it takes
    to read it: the sum of what its entities' probabilities lack to 1, for those that are wrong, and of its candidates'
    probabilities, for those that are missed. Labels take turns, so that no label takes all places, and what nearly
    repeats a document that is chosen is not.

    results (Results): The run.
    n (int): How many documents to choose at most.
    RETURNS (List[Suggestion]): The documents, those that would teach most first.
    RAISES (InputError): If the run has no entities with a probability below 1.
    """
    pool = _by_turns(_expected_errors(results))[: POOL * n]
    if not len(pool):
        raise InputError(f"{results.output}: found no entity that may be wrong, expected entities with probabilities")
    pool = pool.assign(text=pool["document"].map(_rows(results, DOCUMENTS, ["text"], pool["document"])["text"]))
    chosen = pool.drop(index=_repeats(pool["text"])).head(n)
    entities: Dict[str, List[Any]] = {document: [] for document in chosen["document"]}
    for document, *entity in _rows(results, ENTITIES, ["start", "end", "label"], chosen["document"]).itertuples():
        entities[document].append(tuple(entity))
    rows = chosen[["document", "errors", "text"]].itertuples(index=False)
    return [Suggestion(document, errors, text, entities[document]) for document, errors, text in rows]


def _expected_errors(results: Results) -> DataFrame:
    """RETURNS (DataFrame): document, label, errors (expected) and score (errors by the time it takes to read the
    document)."""
    probability = compute.field("probability")
    wrong = compute.subtract(compute.scalar(1.0), probability)
    tables = [
        results.table(name).to_table(
            {"document": compute.field("document"), "label": compute.field("label"), "errors": errors},
            filter=(probability > 0) & (probability < 1),
        )
        for name, errors in ((ENTITIES, wrong), (CANDIDATES, probability))
    ]
    sums = pyarrow.concat_tables(tables).group_by(["document", "label"]).aggregate([("errors", "sum")])
    lengths = results.table(DOCUMENTS).to_table(["document", "tokens"])
    errors = sums.join(lengths, "document").rename_columns({"errors_sum": "errors"}).to_pandas()
    return errors.assign(score=errors["errors"] / (errors["tokens"] + OVERHEAD))


def _by_turns(errors: DataFrame) -> DataFrame:
    """RETURNS (DataFrame): document and errors (of all labels), each document at its first turn."""
    ranked = errors.sort_values(["score", "document"], ascending=[False, True])
    queues = [rows["document"].tolist() for _, rows in ranked.groupby("label", sort=True)]
    turns = dict.fromkeys(document for turn in zip_longest(*queues) for document in turn if document is not None)
    total = errors.groupby("document")["errors"].sum()
    return DataFrame({"document": list(turns)}).assign(errors=lambda table: table["document"].map(total))


def _repeats(texts: Series) -> List[int]:
    """RETURNS (List[int]): The index of each text that repeats one before it, exactly or nearly."""
    words: Dict[str, int] = {}
    sequences = [
        numpy.array([words.setdefault(word, len(words)) for word in text.casefold().split()], dtype="int64")
        for text in texts
    ]
    repeats = {i for i, _, _ in near_duplicates(sequences, [""] * len(sequences))}
    repeats.update(numpy.flatnonzero(Series(map(tuple, sequences)).duplicated()))
    return texts.index[sorted(repeats)].tolist()


def _rows(results: Results, name: str, columns: List[str], documents: Series) -> DataFrame:
    """RETURNS (DataFrame): Columns of a table, of some documents, by their ids."""
    wanted = compute.field("document").isin(pyarrow.array(documents.unique(), pyarrow.string()))
    return results.table(name).to_table(["document", *columns], filter=wanted).to_pandas().set_index("document")
