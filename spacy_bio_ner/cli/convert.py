"""`bio-ner convert`: BIO column files to DocBin."""

from pathlib import Path
from typing import List, Optional

import typer
from spacy.cli._util import Arg, Opt
from wasabi import Printer

from ..corpora.bio import Columns
from ..corpora.convert import RefusedError, convert
from ..corpora.record import CorpusError
from ..corpora.report import Report
from ..corpora.tags import Scheme
from ._app import bio_ner_cli

msg = Printer()


@bio_ner_cli.command("convert")
def convert_cli(
    # fmt: off
    source: Path = Arg(..., help="BIO column file, or folder of files such as train.iob, dev.iob and test.iob"),
    dest: Path = Arg(..., help="Folder to write .spacy files to"),
    scheme: str = Opt("auto", "--scheme", "-s", help="Scheme of the tags: auto, bio (IOB2), iob1 or iobes (BILUO)"),
    separator: Optional[str] = Opt(
        None,
        "--separator",
        help=r"What parts the columns, \t for a tab. By default a tab where a line has one, else blanks",
    ),
    token_column: int = Opt(1, "--token-column", help="Column of the token, from 1, or from -1 at the line's end"),
    tag_column: int = Opt(-1, "--tag-column", help="Column of the tag, from 1, or from -1 at the line's end"),
    n_sents: int = Opt(1, "--n-sents", "-n", min=0, help="Number of sentences per Doc (0: all of a document)"),
    repair: bool = Opt(False, "--repair", "-R", help="Mend tags that have one sensible reading, and say how many"),
    lang: str = Opt("en", "--lang", "-l", help="Language of the Docs"),
    # fmt: on
):
    """
    Convert BIO column files to spaCy's DocBin format.

    A line holds a token and its tag: O, B-LABEL, I-LABEL (or the tags of IOB1,
    IOBES and BILUO), or - where the annotation of an O token or of a whole
    entity is missing. An empty line ends a sentence and a -DOCSTART- line
    starts a document. Either everything in the source is converted or nothing.
    """
    try:
        if scheme != "auto" and scheme not in list(Scheme):
            raise CorpusError(f"--scheme {scheme}: unknown, expected auto, {', '.join(Scheme)}")
        if 0 in (token_column, tag_column):
            raise CorpusError("--token-column, --tag-column: columns count from 1 (or from -1 at the line's end)")
        reports = convert(
            source,
            dest,
            scheme=None if scheme == "auto" else Scheme(scheme),
            columns=Columns(separator and separator.replace("\\t", "\t"), token_column, tag_column),
            n_sents=n_sents,
            repair=repair,
            lang=lang,
        )
    except RefusedError as err:
        _print_reports(err.reports)
        for report in err.reports:
            for error in report.errors:
                typer.echo(error)
            if report.n_errors > len(report.errors):
                typer.echo(f"{report.path}: ... and {report.n_errors - len(report.errors)} more")
        msg.fail("Nothing was written", exits=1)
    except CorpusError as err:
        typer.echo(str(err))
        msg.fail("Nothing was written", exits=1)
    except OSError as err:
        typer.echo(f"{err.filename}: {err.strerror}")
        msg.fail("Nothing was written", exits=1)
    else:
        _print_reports(reports)
        msg.good(f"Wrote {sum(report.documents for report in reports)} Docs to {dest}")


def _print_reports(reports: List[Report]) -> None:
    msg.table(
        [(report.path.name, *row) for report in reports for row in report.rows()],
        header=("file", "", "read", "kept", "repaired", "refused"),
        divider=True,
        aligns=("l", "l", "r", "r", "r", "r"),
    )
    missing = sum(report.missing for report in reports)
    msg.info(f"Read as {reports[0].scheme.value} tags" + (f", {missing} of them missing (-)" if missing else ""))
