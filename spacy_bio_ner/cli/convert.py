"""`bio-ner convert`: a corpus to DocBin."""

from pathlib import Path
from typing import Dict, Optional

import typer
from spacy.cli._util import Arg, Opt
from wasabi import msg

from ..corpora.convert import RefusedError, convert
from ..corpora.formats.columns import Columns
from ..corpora.formats.registry import FORMATS
from ..corpora.ledger import Report
from ..corpora.tags import Scheme
from ..util import InputError
from ._app import bio_ner_cli, clear_errors

AUTO = "auto"
SHOWN_EXAMPLES = 5
FATES = ("kept", "repaired", "snapped", "lost", "refused")


@bio_ner_cli.command("convert")
def convert_cli(
    # fmt: off
    source: Path = Arg(..., help="File, or folder of files such as train.iob, dev.iob and test.iob"),
    dest: Path = Arg(..., help="Folder to write .spacy files and the ledger to"),
    format: str = Opt(AUTO, "--format", "-f", help=f"Format of the source: {AUTO}, {', '.join(FORMATS)}"),
    scheme: str = Opt(AUTO, "--scheme", "-s", help="Scheme of tags: auto, bio (IOB2), iob1 or iobes (BILUO)"),
    separator: Optional[str] = Opt(
        None,
        "--separator",
        help=r"What parts BIO columns, \t for a tab. By default a tab where a line has one, else blanks",
    ),
    token_column: int = Opt(1, "--token-column", help="Column of the token, from 1, or from -1 at the line's end"),
    tag_column: int = Opt(-1, "--tag-column", help="Column of the tag, from 1, or from -1 at the line's end"),
    n_sents: int = Opt(1, "--n-sents", "-n", min=0, help="Number of tagged sentences per Doc (0: all of a document)"),
    repair: bool = Opt(False, "--repair", "-R", help="Mend tags that have one sensible reading, and say how many"),
    spacy_tokenizer: bool = Opt(
        False, "--spacy-tokenizer", help="Tokenize text as spaCy does, without splitting more punctuation"
    ),
    fail_on_lost: bool = Opt(False, "--fail-on-lost", help="Write nothing if any mention is lost"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the Docs"),
    # fmt: on
):
    """
    Convert a corpus to spaCy's DocBin format and account for every mention.

    BIO columns: a line holds a token and its tag: O, B-LABEL, I-LABEL (or the
    tags of IOB1, IOBES and BILUO), or - where the annotation of an O token or
    of a whole entity is missing. An empty line ends a sentence and a
    -DOCSTART- line starts a document. Other formats: PubTator, brat folders,
    JSONL of Prodigy or doccano, CSV with a row per word, folders with seq.in
    and seq.out, DocBin.

    Either everything in the source is converted or nothing. A folder with a
    single file that is not named for a split is split into train, dev and
    test, 80/10/10 by a hash of each document or sentence.
    """
    with clear_errors("Nothing was written"):
        for option, value, names in (("--format", format, FORMATS), ("--scheme", scheme, [s.value for s in Scheme])):
            if value != AUTO and value not in names:
                raise InputError(f"{option} {value}: unknown, expected {AUTO}, {', '.join(names)}")
        if 0 in (token_column, tag_column):
            raise InputError("--token-column, --tag-column: columns count from 1 (or from -1 at the line's end)")
        try:
            reports = convert(
                source,
                dest,
                format=None if format == AUTO else format,
                scheme=None if scheme == AUTO else Scheme(scheme),
                columns=Columns(separator and separator.replace("\\t", "\t"), token_column, tag_column),
                n_sents=n_sents,
                repair=repair,
                spacy_tokenizer=spacy_tokenizer,
                fail_on_lost=fail_on_lost,
                lang=lang,
            )
        except RefusedError as err:
            _print_ledger(err.reports)
            for report in err.reports.values():
                if report.n_errors > len(report.errors):
                    typer.echo(f"{report.path}: {report.n_errors} errors, the first of them are:")
            raise
        _print_ledger(reports)
        msg.good(f"Wrote {sum(report.documents for report in reports.values())} Docs to {dest}")


def _print_ledger(reports: Dict[str, Report]) -> None:
    rows = []
    for split, report in reports.items():
        for name, counts in (("tokens", report.tokens), ("mentions", report.mentions)):
            if counts:
                rows.append((split, name, sum(counts.values()), *(counts[fate] for fate in FATES)))
    msg.table(rows, header=("", "", "read", *FATES), divider=True, aligns=("l", "l", *"rrrrrr"))
    missing = sum(report.missing for report in reports.values())
    if missing:
        msg.info(f"{missing} tokens have no annotation (-)")
    for split, report in reports.items():
        for reason, examples in report.examples.items():
            count = report.lost[reason] if reason in report.lost else report.mentions[reason]
            typer.echo(f"{split}: {count} {reason}, such as")
            for example in examples[:SHOWN_EXAMPLES]:
                typer.echo(f"    {example}")
