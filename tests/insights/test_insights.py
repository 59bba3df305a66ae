"""What is counted, against counts by hand and by other libraries."""

import base64
import csv
import json
import math
import re
from collections import Counter
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.cli import app
from typer.testing import CliRunner

import spacy_bio_ner.cli  # noqa: F401  (adds the commands)

pandas = pytest.importorskip("pandas")
pytest.importorskip("matplotlib")

from spacy_bio_ner.annotate.inputs.item import Refused  # noqa: E402
from spacy_bio_ner.annotate.job import TableFormat  # noqa: E402
from spacy_bio_ner.annotate.manifest import Manifest  # noqa: E402
from spacy_bio_ner.annotate.outputs import Record, digest_records, encode_tables, table_layout, write_shard  # noqa: E402
from spacy_bio_ner.annotate.results import open_results  # noqa: E402
from spacy_bio_ner.evaluation.figures import data_uri, new_figure  # noqa: E402
from spacy_bio_ner.insights import tables  # noqa: E402
from spacy_bio_ner.insights.spelling import normal_forms, normalize  # noqa: E402

DOCUMENTS = [  # id, date, mentions; those that were not taken as entities have a "?" before them
    ("a", "2020-03-01", [("Chemical", "Lithium", 0.9), ("Disease", "seizures", 0.5), ("Disease", "Seizure", 0.8)]),
    ("b", "2020 May 3", [("Chemical", "lithium", 0.9), ("Disease", "seizure", 1.0), ("?Disease", "lithium", 0.1)]),
    ("c", "2021", [("Chemical", "5-HT", 0.6), ("Disease", "fever", 0.9)]),
    ("d", None, [("Chemical", "5 HT", None), ("Disease", "fever", 0.4), ("Disease", "fever", 0.9)]),
    ("e", "soon", [("?Disease", "seizure", 0.4), ("?Disease", "seizures", 0.3)]),
    ("f", "2022", [("Chemical", "lithium", 0.2)]),
]


def write_run(output, documents=DOCUMENTS, finished=True):
    """Write what annotate would have written, in shards of two documents."""
    manifest, records = Manifest({"name": "en_x", "version": "1"}, {"format": "parquet"}, {}), []
    for number in range(0, len(documents), 2):
        tables = {"documents": [], "entities": [], "candidates": []}
        for document, date, mentions in documents[number : number + 2]:
            text = ""
            for label, mention, probability in mentions:
                start = len(text) + len("Then ")
                text += f"Then {mention} was seen. "
                span = {"start": start, "end": start + len(mention), "text": mention, "label": label.strip("?")}
                table = tables["candidates" if label.startswith("?") else "entities"]
                table.append({"document": document, **span, "probability": probability})
            about = {"date": date, "text": text, "tokens": len(text.split()), "entities": len(mentions)}
            tables["documents"].append({"document": document, **about})
        record = Record(manifest.run, number // 2, "", [Refused(None, "", "")])
        contents = encode_tables(TableFormat.parquet, tables, ("en_x", "1", "0"))
        records.append(write_shard(output, table_layout(TableFormat.parquet), contents, record))
    if finished:
        manifest = replace(manifest, result={"shards": len(records)}, records=digest_records(records))
    manifest.write(output)
    return output


def entities(run):
    mentions = tables.read_mentions(open_results(run))
    return mentions[mentions["is_entity"]]


def test_spellings():
    forms = normal_forms(
        ["Seizures", "seizure", "5-HT", "5 ht", "NOS", "NO", "neuropathies", "Neuropathy", "+", "ascites"]
    )
    assert forms["Seizures"] == forms["seizure"] == "seizure" and forms["5-HT"] == forms["5 ht"] == "5 ht"
    assert forms["neuropathies"] == "neuropathy" and forms["ascites"] == "ascites" and forms["+"] == "+"
    assert normalize("ﬁbrosis") == "fibrosis" and normalize("  Lithium\n (carbonate)") == "lithium carbonate"


@given(st.text())
def test_a_form_is_its_own_form(text):
    assert normalize(normalize(text)) == normalize(text)


def test_frequent_entities(tmp_path):
    found = tables.frequent(entities(write_run(tmp_path)))
    rows = {(row.label, row.form): row for row in found.itertuples()}
    assert rows.keys() == {("Chemical", "lithium"), ("Chemical", "5 ht"), ("Disease", "seizure"), ("Disease", "fever")}
    lithium, seizure = rows["Chemical", "lithium"], rows["Disease", "seizure"]
    assert (lithium.name, lithium.documents, lithium.mentions, lithium.spellings) == ("lithium", 3, 3, 2)
    assert (seizure.name, seizure.documents, seizure.mentions, seizure.spellings) == ("Seizure", 2, 3, 3)
    assert rows["Disease", "seizure"].probability == pytest.approx(2.3 / 3)
    assert rows["Chemical", "5 ht"].probability == pytest.approx(0.6)
    assert [row.documents for row in found.itertuples()] == [3, 2, 2, 2]


def test_pairs_against_another_library(tmp_path):
    stats = pytest.importorskip("scipy.stats")
    mentions = entities(write_run(tmp_path))
    found = tables.pairs(mentions, len(DOCUMENTS))
    assert {(row.form_1, row.form_2) for row in found.itertuples()} == {("lithium", "seizure"), ("5 ht", "fever")}
    for row in found.itertuples():
        a, b, both = row.documents_1, row.documents_2, row.together
        table = [[both, a - both], [b - both, len(DOCUMENTS) - a - b + both]]
        result = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        assert row.log_likelihood == pytest.approx(result.statistic)
        assert row.expected == pytest.approx(result.expected_freq[0, 0])
        assert row.pmi == pytest.approx(math.log2(both / result.expected_freq[0, 0]))
    assert tables.pairs(mentions, len(DOCUMENTS), ("Disease", "Chemical")).iloc[0].label_1 == "Disease"


@given(st.lists(st.sets(st.sampled_from(["A1", "A2", "B1", "B2", "C1"])), min_size=1, max_size=12))
def test_pairs_against_counting(found_in):
    rows = [(str(i), name[0], name) for i, names in enumerate(found_in) for name in sorted(names)]
    mentions = pandas.DataFrame(rows, columns=["document", "label", "text"]).assign(probability=1.0)
    mentions = mentions.assign(form=mentions["text"])
    if not rows:
        return
    counts = Counter(pair for names in found_in for pair in product(names, names) if pair[0][0] < pair[1][0])
    single = Counter(name for names in found_in for name in names)
    expected = {pair: n for pair, n in counts.items() if n * len(found_in) > single[pair[0]] * single[pair[1]]}
    table = tables.pairs(mentions, len(found_in))
    assert {(row.form_1, row.form_2): row.together for row in table.itertuples()} == expected
    assert (table["log_likelihood"] > 0).all() and table["log_likelihood"].is_monotonic_decreasing


def test_trends(tmp_path):
    write_run(tmp_path)
    years = tables.read_years(open_results(tmp_path))
    assert years.dropna().to_dict() == {"a": 2020, "b": 2020, "c": 2021, "f": 2022}
    found = tables.trends(entities(tmp_path), years)
    assert [(row.form, row.year, row.documents, row.of, row.share) for row in found.itertuples()] == [
        ("5 ht", 2021, 1, 1, 1.0),
        ("lithium", 2020, 2, 2, 1.0),
        ("lithium", 2022, 1, 1, 1.0),
        ("fever", 2021, 1, 1, 1.0),
        ("seizure", 2020, 2, 2, 1.0),
    ]


def test_expected_errors(tmp_path):
    results = open_results(write_run(tmp_path))
    found = tables.expected_errors(tables.read_mentions(results), results, n=3)
    assert [(row.label, row.form, row.mentions, row.document) for row in found.itertuples()] == [
        ("Disease", "seizure", 3, "a"), ("Chemical", "lithium", 3, "f"), ("Disease", "fever", 3, "d")
    ]  # fmt: skip
    assert found["wrong"].tolist() == pytest.approx([0.7, 1.0, 0.8])
    assert found["missed"].tolist() == pytest.approx([0.7, 0.0, 0.0])
    assert found["probability"].tolist() == pytest.approx([0.5, 0.2, 0.4])
    assert found.iloc[1].context == "Then lithium was seen. "
    assert (found.iloc[0].start, found.iloc[0].end) == (28, 36)


def run_cli(*args):
    result = CliRunner().invoke(app, ["bio-ner", "insights", *map(str, args)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_command(tmp_path):
    hostile = [("g", "2020", [("Disease", "<script>alert(1)</script>", 0.5)])]
    write_run(tmp_path / "run", [*DOCUMENTS, *hostile], finished=False)
    (tmp_path / "run" / "entities" / "00007.parquet").write_bytes(b"of a shard that is not whole")
    result = run_cli(tmp_path / "run", "--min-confidence", "0.3")
    assert result.exit_code == 0 and "The run is not finished" in result.output, result.output
    folder = tmp_path / "run" / "insights"
    page = (folder / "index.html").read_text()
    assert page.count("<img") == page.count("<figure") == 5 and "<script>" not in page and "lithium" in page
    assert "Entities found by en_x" in page and 'name="viewport"' in page and "--accent" in page
    entities = pandas.read_csv(folder / "entities.csv")
    assert entities.set_index("form").loc["lithium", "documents"] == 2
    assert set(pandas.read_csv(folder / "pairs.csv")["form_1"]) == {"lithium", "5 ht"}
    assert set(pandas.read_csv(folder / "trends.csv")["year"]) == {2020, 2021}
    assert pandas.read_csv(folder / "expected_errors.csv").iloc[0]["form"] == "seizure"
    assert sorted(path.name for path in folder.iterdir()) == [
        "entities.csv", "expected_errors.csv", "index.html", "pairs.csv", "trends.csv"
    ]  # fmt: skip


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "$\\frac{$", "$x^2$", "\x01\x0b", "\u202e", "漢字 🦠"]


def test_texts_are_neither_formulas_nor_mathematics(tmp_path):
    """Labels and mentions that a spreadsheet would run, that Matplotlib would parse or cannot draw."""
    documents = [
        (f"=d{i}", "2020", [(mention, mention, 0.5), ("X", mention, 0.5), ("X", "fever", 0.5)])
        for i, mention in enumerate(HOSTILE)
    ]
    assert run_cli(write_run(tmp_path, documents), "--top", "100").exit_code == 0
    n_formulas = 0
    for path in (tmp_path / "insights").glob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                for name, cell in row.items():
                    if name not in ("log_likelihood", "pmi"):  # numbers
                        assert cell[:1] not in tuple("=+-@\t\r\n＝"), (path, name, cell)
                        n_formulas += cell[:1] == "'"
    assert n_formulas > 50
    found = open_results(tmp_path).table("entities").to_table().to_pandas()
    assert set(HOSTILE) < set(found["text"])  # as they are
    page = (tmp_path / "insights" / "index.html").read_text()
    for picture in re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', page):
        ElementTree.fromstring(base64.b64decode(picture))


def test_command_with_one_label_and_without_dates(tmp_path):
    write_run(tmp_path, [("a", None, [("X", "fever", None)]), ("b", None, [])])
    assert run_cli(tmp_path).exit_code == 0
    assert len(pandas.read_csv(tmp_path / "insights" / "pairs.csv")) == 0
    assert "Trends" not in (tmp_path / "insights" / "index.html").read_text()


def test_command_that_cannot_begin(tmp_path):
    write_run(tmp_path / "none", [("a", None, [])])
    write_run(tmp_path / "run")
    (tmp_path / "bad").mkdir()
    write_run(tmp_path / "new", [], finished=False)
    write_run(tmp_path / "cut")
    with (tmp_path / "cut" / "candidates" / "00000.parquet").open("rb+") as file:
        file.truncate(100)
    (tmp_path / "bad" / "manifest.json").write_text(json.dumps({"x": 1}))
    for args, said in (
        ((tmp_path,), "found no manifest.json, expected a folder written by 'bio-ner annotate'"),
        ((tmp_path / "bad",), "manifest.json: is damaged"),
        ((tmp_path / "new",), "found no shard that is done"),
        ((tmp_path / "cut",), "00000.parquet: is not as it was written"),
        ((tmp_path / "none",), "found no entity in 1 documents"),
        (
            (tmp_path / "run", "--pair", "Gene,Disease"),
            "no entity with the label 'Gene', expected one of Chemical, Dis",
        ),
        ((tmp_path / "run", "--pair", "Disease"), "--pair Disease: expected two labels"),
    ):
        result = run_cli(*args)
        assert result.exit_code == 1 and said in result.output, result.output
        assert not (args[0] / "insights").exists()


def test_dollars_in_a_figure_are_dollars():
    figure, [axes] = new_figure()
    axes.set(title=r"$\frac{$", xlabel="$a$")
    axes.set_yticks([0, 1], [r"$\x$", "b"])
    assert data_uri(figure).startswith("data:image/svg+xml;base64,")
