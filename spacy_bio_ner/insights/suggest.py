"""The documents of a run whose labelling would teach most, with the entities found already in them."""

from itertools import zip_longest
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy
import pyarrow
from pandas import DataFrame, Series
from pyarrow import compute

from ..annotate.outputs import CANDIDATES, DOCUMENTS, ENTITIES, open_table
from ..audit.duplicates import near_duplicates
from ..util import InputError

OVERHEAD = 50  # tokens that could be read in the time it takes to turn to another document
POOL = 10  # documents to choose from for each that is wanted, since some repeat others
Entry = Dict[str, Any]


def suggest(run: Path, n: int) -> DataFrame:
    """Choose documents to label. How much one would teach is judged by the errors expected in it, for the time it takes
    to read it: the sum of what its entities' probabilities lack to 1, for those that are wrong, and of its candidates'
    probabilities, for those that are missed. Labels take turns, so that no label takes all places, and what nearly
    repeats a document that is chosen is not.

    run (Path): The folder of the run.
    n (int): How many documents to choose at most.
    RETURNS (DataFrame): document, doubt (the errors expected), text and entities (a list of start, end and
        label), those that would teach most first.
    RAISES (InputError): If the run has no entities with a probability below 1.
    """
    pool = _by_turns(_doubts(run))[: POOL * n]
    if not len(pool):
        raise InputError(f"{run}: found no doubtful entity, expected entities with probabilities")
    pool = pool.assign(text=pool["document"].map(_rows(run, DOCUMENTS, ["text"], pool["document"])["text"]))
    chosen = pool.drop(index=_repeats(pool["text"])).head(n)
    found = _rows(run, ENTITIES, ["start", "end", "label"], chosen["document"])
    entities: Dict[str, List[tuple]] = {document: [] for document in chosen["document"]}
    for document, *entity in found.itertuples():
        entities[document].append(tuple(entity))
    return chosen.assign(entities=entities.values()).reset_index(drop=True)


def prodigy(document: str, doubt: float, text: str, entities: List[tuple]) -> Entry:
    """RETURNS (Entry): A document as Prodigy reads it."""
    spans = [{"start": start, "end": end, "label": label} for start, end, label in entities]
    return {"text": text, "spans": spans, "meta": {"id": document, "doubt": round(doubt, 3)}}


def doccano(document: str, doubt: float, text: str, entities: List[tuple]) -> Entry:
    """RETURNS (Entry): A document as doccano reads it."""
    return {
        "text": text,
        "label": [list(entity) for entity in entities],
        "document": document,
        "doubt": round(doubt, 3),
    }


TOOLS: Dict[str, Callable[[str, float, str, List[tuple]], Entry]] = {"prodigy": prodigy, "doccano": doccano}


def _doubts(run: Path) -> DataFrame:
    """RETURNS (DataFrame): document, label, doubt and score (doubt by the time it takes to read the document)."""
    probability = compute.field("probability")
    tables = [
        open_table(run, name).to_table(
            {"document": compute.field("document"), "label": compute.field("label"), "doubt": doubt},
            filter=(probability > 0) & (probability < 1),
        )
        for name, doubt in ((ENTITIES, compute.subtract(compute.scalar(1.0), probability)), (CANDIDATES, probability))
    ]
    sums = pyarrow.concat_tables(tables).group_by(["document", "label"]).aggregate([("doubt", "sum")])
    lengths = open_table(run, DOCUMENTS).to_table(["document", "tokens"])
    doubts = sums.join(lengths, "document").rename_columns({"doubt_sum": "doubt"}).to_pandas()
    return doubts.assign(score=doubts["doubt"] / (doubts["tokens"] + OVERHEAD))


def _by_turns(doubts: DataFrame) -> DataFrame:
    """RETURNS (DataFrame): document and doubt (of all labels), each document at its first turn."""
    ranked = doubts.sort_values(["score", "document"], ascending=[False, True])
    queues = [rows["document"].tolist() for _, rows in ranked.groupby("label", sort=True)]
    turns = dict.fromkeys(document for turn in zip_longest(*queues) for document in turn if document is not None)
    total = doubts.groupby("document")["doubt"].sum()
    return DataFrame({"document": list(turns)}).assign(doubt=lambda table: table["document"].map(total))


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


def _rows(run: Path, name: str, columns: List[str], documents: Series) -> DataFrame:
    """RETURNS (DataFrame): Columns of a table, of some documents, by their ids."""
    wanted = compute.field("document").isin(pyarrow.array(documents.unique(), pyarrow.string()))
    return open_table(run, name).to_table(["document", *columns], filter=wanted).to_pandas().set_index("document")
