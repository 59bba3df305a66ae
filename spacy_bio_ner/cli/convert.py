"""`bio-ner convert`: a corpus to DocBin."""

from enum import Enum
from pathlib import Path
from typing import Dict, List, Optional

import typer
from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..corpora.convert import RefusedError, convert, unknown_labels
from ..corpora.formats.registry import FORMATS
from ..corpora.ledger import Ledger
from ..corpora.options import Columns, Offsets, Options
from ..corpora.sources import TRAIN
from ..corpora.tags import Scheme
from ..util import InputError, printable
from ._app import bio_ner_cli, clear_errors

SHOWN_EXAMPLES = 5
FATES = ("kept", "repaired", "snapped", "lost", "refused")
FormatName = Enum("FormatName", {name: name for name in FORMATS}, type=str)  # type: ignore[misc]


@bio_ner_cli.command("convert")
def convert_cli(
    # fmt: off
    source: Path = Arg(..., help="File, or folder of files such as train.iob, dev.iob and test.iob"),
    dest: Path = Arg(..., help="Folder to write .spacy files and the ledger to"),
    format: Optional[FormatName] = Opt(None, "--format", "-f", help="Format of the source. By default told by content"),
    scheme: Optional[Scheme] = Opt(
        None, "--scheme", "-s", help="Scheme of tags, iobes is BILUO and BMES too. By default told by all of the tags"
    ),
    separator: Optional[str] = Opt(
        None,
        "--separator",
        help=r"What parts columns, \t for a tab. By default a tab where a line has one, else blanks",
    ),
    token_column: Optional[int] = Opt(
        None, "--token-column", help="Column of the token, from 1, or from -1 at the line's end. By default the first"
    ),
    tag_column: Optional[int] = Opt(
        None, "--tag-column", help="Column of the tag, from 1, or from -1 at the line's end. By default the last"
    ),
    entity_key: Optional[str] = Opt(
        None, "--entity-key", help="Key, column, layer or infon that holds the entities, where it is an unusual one"
    ),
    offsets: Optional[Offsets] = Opt(
        None, "--offsets", help="What offsets count; tools in JavaScript count UTF-16 units, two for an emoji"
    ),
    labels: Optional[str] = Opt(
        None, "--labels", help="Names of numbered tags, in order, such as O,B-PER,I-PER, where no data card has them"
    ),
    annotated_labels: Optional[str] = Opt(
        None,
        "--annotated-labels",
        help="The labels that were annotated, such as Disease,Chemical, if a model is to know others too",
    ),
    n_sents: int = Opt(1, "--n-sents", "-n", min=0, help="Number of tagged sentences per Doc (0: all of a document)"),
    repair: bool = Opt(False, "--repair", "-R", help="Mend tags that have one sensible reading, and say how many"),
    spacy_tokenizer: bool = Opt(
        False, "--spacy-tokenizer", help="Tokenize text as spaCy does, without splitting more punctuation"
    ),
    fail_on_lost: bool = Opt(False, "--fail-on-lost", help="Write nothing if any mention is lost"),
    fail_on_unknown: bool = Opt(
        False, "--fail-on-unknown", help="Write nothing if dev or test has labels that train has not"
    ),
    lang: str = Opt("en", "--lang", "-l", help="Language of the Docs"),
    # fmt: on
):
    """
    Convert a corpus to spaCy's DocBin format and account for every mention.

    Columns: a line holds a token and its tag: O, B-LABEL, I-LABEL (or the
    tags of IOB1, IOBES, BILUO and BMES), or - where the annotation of an O
    token or of a whole entity is missing. An empty line ends a sentence and a
    -DOCSTART- line starts a document. The other formats, and what is kept of
    each, are in docs/formats.md.

    Either everything in the source is converted or nothing. A folder with a
    single file that is not named for a split is split into train, dev and
    test, 80/10/10 by a hash of each document or sentence.
    """
    with clear_errors("Nothing was written"):
        if 0 in (token_column, tag_column):
            raise InputError("--token-column, --tag-column: columns count from 1 (or from -1 at the line's end)")
        try:
            ledgers = convert(
                source,
                dest,
                format=None if format is None else format.value,
                scheme=scheme,
                options=Options(
                    Columns(separator and separator.replace("\\t", "\t"), token_column, tag_column),
                    offsets,
                    entity_key,
                    _split_names("--labels", labels),
                ),
                annotated_labels=_split_names("--annotated-labels", annotated_labels),
                n_sents=n_sents,
                repair=repair,
                spacy_tokenizer=spacy_tokenizer,
                fail_on_lost=fail_on_lost,
                fail_on_unknown=fail_on_unknown,
                lang=lang,
            )
        except RefusedError as err:
            _print_ledgers(err.ledgers)
            for ledger in err.ledgers.values():
                if ledger.n_errors > len(ledger.errors):
                    typer.echo(printable(f"{ledger.path}: {ledger.n_errors} errors, the first of them are:"))
            raise
        _print_ledgers(ledgers)
        for split, unknown in unknown_labels(ledgers).items():
            named = ", ".join(f"{label} ({n})" for label, n in unknown.most_common())
            number = sum(unknown.values())
            msg.warn(f"{split}: {number} mentions with labels that {TRAIN} has not will count as missed: {named}")
        msg.good(f"Wrote {sum(ledger.documents for ledger in ledgers.values())} Docs to {printable(str(dest))}")


def _split_names(option: str, names: Optional[str]) -> Optional[List[str]]:
    """RETURNS (Optional[List[str]]): Names with commas between, one by one."""
    if names is None:
        return None
    split = [name.strip() for name in names.split(",")]
    if not all(split) or len(set(split)) < len(split):
        raise InputError(f"{option} {names}: expected different names with commas between")
    return split


def _print_ledgers(ledgers: Dict[str, Ledger]) -> None:
    rows = []
    for split, ledger in ledgers.items():
        for name, counts in (("tokens", ledger.tokens), ("mentions", ledger.mentions)):
            if counts:
                rows.append((split, name, sum(counts.values()), *(counts[fate] for fate in FATES)))
    msg.table(rows, header=("", "", "read", *FATES), divider=True, aligns=("l", "l", *"rrrrrr"))
    missing = sum(ledger.missing for ledger in ledgers.values())
    if missing:
        msg.info(f"{missing} tokens have no annotation (-)")
    for split, ledger in ledgers.items():
        if ledger.rejected:
            fates = ", ".join(f"{count} {fate}" for fate, count in ledger.rejected.items())
            msg.info(f"{split}: spans that are known to be no entities: {fates}")
        if +ledger.passed_over:
            msg.info(f"{split}: passed over: " + ", ".join(f"{n} {kind}" for kind, n in (+ledger.passed_over).items()))
        for reason, examples in ledger.examples.items():
            count = ledger.lost[reason] or ledger.rejected[reason] or ledger.mentions[reason]
            typer.echo(f"{split}: {count} {reason}, such as")
            for example in examples[:SHOWN_EXAMPLES]:
                typer.echo(f"    {example}")
