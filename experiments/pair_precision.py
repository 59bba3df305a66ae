"""Compare the pairs of `bio-ner insights` with the relations of a PubTator corpus over the same texts."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, Set, Tuple

import pandas
import typer
from wasabi import msg

from spacy_bio_ner.insights.spelling import normalize


def main(
    insights: Path = typer.Argument(..., help="Folder written by 'bio-ner insights'"),
    corpus: Path = typer.Argument(..., help="PubTator file with relations, as BC5CDR's"),
    relation: str = typer.Option("CID", help="The relation, between two concepts"),
    top: int = typer.Option(20, help="How many of the pairs to look at"),
):
    """Count how many of the first pairs are relations of the corpus. A form stands for the concept that gold mentions
    with it have most often; one that no gold mention has makes a pair wrong."""
    concepts, relations = read_gold(corpus, relation)
    rows, n_right = [], 0
    pairs = pandas.read_csv(insights / "pairs.csv").head(top)
    for pair in pairs.itertuples(index=False):
        sides = [concepts.get((getattr(pair, f"label_{i}"), normalize(getattr(pair, f"name_{i}")))) for i in (1, 2)]
        right = None not in sides and frozenset(sides) in relations
        n_right += right
        said = "yes" if right else "unmapped" if None in sides else "no"
        rows.append((pair.name_1, pair.name_2, pair.together, f"{pair.log_likelihood:.1f}", f"{pair.pmi:.2f}", said))
    header = ("", "", "together", "log-likelihood", "PMI", relation)
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "r", "r", "r", "l"))
    msg.info(f"Precision at {len(pairs)}: {n_right / len(pairs):.2f}")


def read_gold(path: Path, relation: str) -> Tuple[Dict[Tuple[str, str], str], Set[frozenset]]:
    """RETURNS (Tuple[Dict[Tuple[str, str], str], Set[frozenset]]): The most frequent concept of each label and form,
    and the pairs of concepts with the relation."""
    counts: Dict[Tuple[str, str], Counter] = defaultdict(Counter)
    relations = set()
    for line in path.read_text(encoding="utf8").splitlines():
        cells = line.split("\t")
        if len(cells) >= 6:
            counts[cells[4], normalize(cells[3])][cells[5]] += 1
        elif len(cells) == 4 and cells[1] == relation:
            relations.add(frozenset(cells[2:]))
    return {key: concept.most_common(1)[0][0] for key, concept in counts.items()}, relations


if __name__ == "__main__":
    typer.run(main)
