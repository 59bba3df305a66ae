"""`bio-ner audit`: what is worth a look in a corpus before a model learns from it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..audit.findings import NEW_LABEL_THRESHOLD, PERCENTILES, TRAIN, audit, read_splits
from ..util import InputError
from ._app import atomic_write, bio_ner_cli, clear_errors

MAX_ROWS = 10
MAX_WIDTH = 50  # of what stands around a mention
MAX_LENGTH = 4  # mentions of this many tokens or more share a column


@bio_ner_cli.command("audit")
def audit_cli(
    # fmt: off
    corpus: Path = Arg(
        ..., help="Folder with any of train.spacy, dev.spacy and test.spacy, written by 'bio-ner convert'"
    ),
    output: Optional[Path] = Opt(None, "--output", "-o", help="JSON file to write everything found to"),
    # fmt: on
):
    """
    Tell what is worth a look in a corpus before a model learns from it.

    Finds texts that are annotated in more than one way, or here and not there,
    mentions that are lost or cross the start of a sentence, Docs that repeat
    others exactly or nearly, within and across splits, labels that are rare or
    absent, and how many mentions of dev and test never occur in train.
    """
    with clear_errors("Nothing was audited"):
        if output is not None and output.is_dir():
            raise InputError(f"{output}: found a folder, expected a file to write")
        if output is not None and not output.parent.is_dir():
            raise InputError(f"{output.parent}: no such folder to write {output.name} to")
        result = audit(read_splits(corpus))
        if output is not None:
            with atomic_write(output) as beside:
                beside.write_text(json.dumps(result, ensure_ascii=False, indent=2), encoding="utf8")
        _print_findings(result)
        _print_examples(result)
        _print_corpus(result)
        if output is not None:
            msg.good(f"Wrote everything found to {output}")


def _print_findings(result: Dict[str, Any]) -> None:
    msg.divider("Findings")
    checks = list(_checks(result))
    for _, findings in checks:
        for finding in findings:
            msg.warn(finding)
    for all_good, findings in checks:
        if not findings:
            msg.good(all_good)


def _checks(result: Dict[str, Any]) -> Iterator[Tuple[str, List[str]]]:
    """YIELDS (Tuple[str, List[str]]): For each check what to say if nothing is found, and what is found."""
    splits, labels, crossing = result["splits"], result["labels"], result["sentence_crossing"]

    empty = [split for split, part in splits.items() if not part["mentions"]]
    yield "Every split has mentions", [f"{split}: no mention" for split in empty]

    absent = {split: ", ".join(names) for split, names in labels["absent"].items() if names and split not in empty}
    use = {split: "learn" if split == TRAIN else "be measured on" for split in absent}
    yield (
        "Every label occurs in every split",
        [f"{split}: no mention of {names}, which no model can {use[split]}" for split, names in absent.items()],
    )
    if TRAIN in splits:
        rare = [f"{label} ({labels['counts'][label][TRAIN]})" for label in labels["rare"]]
        yield (
            f"Every label of {TRAIN} has more than {NEW_LABEL_THRESHOLD} mentions",
            [f"{TRAIN}: {NEW_LABEL_THRESHOLD} mentions or fewer of {', '.join(rare)}"] if rare else [],
        )

    for key, what in (("lost", "lost"), ("snapped", "moved to the edges of tokens")):
        found = {split: part[key] for split, part in result["lost"].items() if part[key]["count"]}
        yield (
            f"No mention of the source is {what}",
            [f"{split}: {_of(share, 'mentions of the source')} are {what}" for split, share in found.items()],
        )

    if any(part["docs_with_sentences"] for part in crossing.values()):
        found = {split: part["mentions"] for split, part in crossing.items() if part["mentions"]["count"]}
        yield (
            "No mention crosses the start of a sentence",
            [f"{split}: {_of(share, 'mentions')} cross the start of a sentence" for split, share in found.items()],
        )

    yield (
        "No Doc repeats another",
        [
            f"{pair['split']}: {_of(pair[kind], 'Docs')} {repeat} one of {pair['repeats']}"
            for kind, repeat in (("exact", "repeat"), ("near", "nearly repeat"))
            for pair in _across_first(result["duplicates"])
            if pair[kind]["count"]
        ],
    )

    conflicts, untagged = result["label_conflicts"], result["untagged"]
    text = f"{len(conflicts['texts'])} texts have several labels, in {_of(conflicts['mentions'], 'mentions')}"
    yield "No text has several labels", [text] if conflicts["texts"] else []
    text = (
        f"{len(untagged['texts'])} texts are tagged in {untagged['tagged']} places "
        f"and stand untagged in {untagged['untagged']}"
    )
    yield "No text is tagged here and untagged there", [text] if untagged["texts"] else []


def _print_examples(result: Dict[str, Any]) -> None:
    for title, key in (("Mentions lost", "lost"), ("Mentions across the start of a sentence", "sentence_crossing")):
        examples = [example for part in result[key].values() for example in part["examples"]]
        _table(
            title, ("label", "where", "mention"), [(_cut(e["label"], 26), *_where(e["place"])) for e in examples], "lll"
        )

    rows = [
        (f"{example['similarity']:.2f}", _where(example["repeats"])[0], *_where(example["doc"]))
        for pair in _across_first(result["duplicates"])
        for kind in ("examples_exact", "examples_near")
        for example in pair[kind][:2]
    ]
    _table("Docs that repeat others", ("alike", "repeated", "where", "Doc"), rows, "rlll")

    conflicts = []
    for text in result["label_conflicts"]["texts"]:
        counts = ", ".join(f"{label} {part['count']}" for label, part in text["labels"].items())
        *_, rarest = text["labels"].values()
        conflicts.append((_cut(counts, 26), *_where(rarest["places"][0])))
    _table("Texts with several labels", ("labels", "where", "with the last label"), conflicts, "lll")

    untagged = [
        (text["tagged"]["count"], text["untagged"], *_where(text["places_untagged"][0]))
        for text in result["untagged"]["texts"]
    ]
    _table("Texts tagged here and untagged there", ("tagged", "untagged", "where", "untagged"), untagged, "rrll")


def _print_corpus(result: Dict[str, Any]) -> None:
    splits, labels, unseen = result["splits"], result["labels"], result["unseen"]
    rows: List[Tuple[Any, ...]] = []
    for name, key in (("Docs", "docs"), ("tokens", "tokens"), ("mentions", "mentions")):
        rows.append((name, *(part[key] for part in splits.values())))
    for name, key in (
        ("tokens in mentions", "tokens_in_mentions"),
        ("tokens without annotation", "tokens_missing"),
        ("Docs without mention", "docs_without_mention"),
        ("mentions right after another", "adjacent_mentions"),
    ):
        rows.append((name, *(f"{part[key]['share']:.1%}" for part in splits.values())))
    lengths = [part["doc_length"] for part in splits.values()]
    rows.append(("tokens of a Doc: mean", *(f"{length['mean']:.1f}" for length in lengths)))
    for p in PERCENTILES:
        values = (length["percentiles"][str(p)] for length in lengths)
        rows.append((f"tokens of a Doc: {p}% have at most", *(f"{value:.0f}" for value in values)))
    rows.append(("tokens of a Doc: max", *(length["max"] for length in lengths)))
    _table("Splits", ("", *splits), rows, "l" + "r" * len(splits), len(rows))

    rows = []
    for label, part in result["mention_lengths"].items():
        counts: Counter = Counter()
        for length, count in part["histogram"].items():
            counts[min(int(length), MAX_LENGTH)] += count
        shared = (f"{counts[length] / sum(counts.values()):.0%}" for length in range(1, MAX_LENGTH + 1))
        rows.append((_cut(label, 24), *labels["counts"][label].values(), f"{part['mean']:.1f}", part["max"], *shared))
    header = ("label", *splits, "mean", "max", *map(str, range(1, MAX_LENGTH)), f"{MAX_LENGTH}+")
    _table("Mentions, and how many tokens they have", header, rows, "l" + "r" * (len(header) - 1), len(rows))

    rows = []
    for label in (None, *labels["counts"]):
        parts = [part if label is None else part["labels"][label] for part in unseen.values()]
        shares = [f"{part[key]['share']:.1%}" for part in parts for key in ("mentions", "distinct")]
        rows.append(("all" if label is None else _cut(label, 24), *shares))
    header = ("label", *(f"{split}{kind}" for split in unseen for kind in ("", " distinct")))
    if unseen:
        _table(f"Mentions never seen in {TRAIN}", header, rows, "l" + "r" * (len(header) - 1), len(rows))


def _across_first(pairs: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): Pairs of splits, those of two splits before those of one with itself."""
    return sorted(pairs, key=lambda pair: pair["split"] == pair["repeats"])


def _of(share: Dict[str, Any], what: str) -> str:
    return f"{share['count']} of {share['of']} {what} ({share['share']:.2%})"


def _where(place: Dict[str, Any]) -> Tuple[str, str]:
    return _cut(f"{place['split']} {place['document'] or place['doc']}", 16), _cut(place["context"], MAX_WIDTH)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[Any]], aligns: str, limit: int = MAX_ROWS
) -> None:
    """Print a table, if it has rows, and how many are left out."""
    if rows:
        msg.divider(title)
        msg.table(rows[:limit], header=header, divider=True, aligns=tuple(aligns), max_col=MAX_WIDTH)
        if len(rows) > limit:
            msg.text(f"... and {len(rows) - limit} more")
