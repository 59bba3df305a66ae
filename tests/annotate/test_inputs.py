"""What is read, from whichever kind of input, and what is said of what cannot be."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_bio_ner.util import InputError

pyarrow = pytest.importorskip("pyarrow")

from pyarrow.parquet import write_table  # noqa: E402
from spacy_bio_ner.annotate.inputs.sources import KINDS, find_sources, read_items, spool  # noqa: E402

from spacy_bio_ner.annotate.inputs.item import Fields, Refused, Text  # noqa: E402

COMPRESSIONS = {"": None, ".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
ROWS = [
    {"id": "a", "text": "Fever after rest.", "date": "2020-03-01"},
    {"id": "b", "text": 'A "quoted", text\nof two lines \u2028 and more', "date": "2021"},
    {"id": "c", "text": "", "date": "2021"},
]


def write(path, rows, columns=("id", "text", "date")):
    """Write rows in the format that the file's name tells."""
    kind = path.name.split(".")[1]
    if kind == "parquet":
        write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    if kind == "jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows)
    elif kind in ("csv", "tsv"):
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, columns, delimiter="\t" if kind == "tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
        content = buffer.getvalue()
    with pyarrow.output_stream(str(path), compression=COMPRESSIONS.get(path.suffix)) as file:
        file.write(content.encode("utf8"))
    return path


def read(*paths, fields=Fields(), kind=None):
    return list(read_items(find_sources(paths, kind)[0], fields))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet"])
def test_kinds_are_read_alike(tmp_path, kind, compression):
    path = write(tmp_path / f"x.{kind}{'' if kind == 'parquet' else compression}", ROWS)
    items = read(path)
    assert [{"id": item.id, "text": item.text, "date": item.date} for item in items] == ROWS
    assert items[0].place.startswith(f"{path.name}:")


texts = st.text(st.characters(codec="utf8", exclude_characters="\0"))


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=5),
    kind=st.sampled_from(["jsonl", "csv", "parquet"]),
)
def test_texts_come_back_as_they_were(tmp_path_factory, rows, kind):
    path = write(tmp_path_factory.mktemp("x") / f"x.{kind}", [{"id": i, "text": t} for i, t in rows], ("id", "text"))
    assert [(item.id, item.text) for item in read(path)] == rows


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=200)
    | st.text('{}[]":,\\u\nidtexd09\r\ttrue-', max_size=80).map(lambda text: text.encode("utf8")),
    kind=st.sampled_from(sorted(set(KINDS) - {"cord19"})),
    compression=st.sampled_from(sorted(COMPRESSIONS)),
)
def test_whatever_is_in_a_file_ends_as_items_or_an_error_with_words(tmp_path_factory, content, kind, compression):
    path = tmp_path_factory.mktemp("x") / f"x.txt{compression}"
    path.write_bytes(content)
    try:
        items = read(path, kind=kind)
    except InputError as err:
        assert "found the columns" in str(err)
    else:
        assert all(isinstance(item, Text) and item.text.encode("utf8") is not None or item.cause for item in items)


def test_plain_text(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfFever.\r\n\n  \nA\xff\nnew\x0cpage")
    first, bad, last = read(tmp_path / "x.txt")
    assert first == Text("x.txt:1", "Fever.", "x.txt:1") and last.text == "new\x0cpage"
    assert bad == Refused(None, "x.txt:4", "byte 0xff at position 2 is not UTF-8: save the file as UTF-8")
    [whole] = read(tmp_path, kind="files")
    assert whole.cause == r"found '\udcff' in the text, expected characters of UTF-8"
    (tmp_path / "x.txt").write_bytes(b"Fever.\n\nRest.")
    assert read(tmp_path, kind="files") == [Text(f"{tmp_path.name}/x.txt", "Fever.\n\nRest.", f"{tmp_path.name}/x.txt")]


@pytest.mark.parametrize(
    "line, cause",
    [
        (
            '{"id": "a", "text": "x"',
            "not JSON (Expecting ',' delimiter at character 24), expected an object on each line",
        ),
        ("[1]", "found [1], expected an object on each line"),
        ("[" * 100_000, "JSON that cannot be read"),
        ('{"id": "a"}', "found no 'text', expected the text in it"),
        ('{"id": "a", "text": 3}', "found 3 as text, expected a string"),
        ('{"id": true, "text": "x"}', "found the id True, expected a string or a whole number"),
        ('{"id": "a", "text": "\\ud800"}', r"found '\ud800' in the text, expected characters of UTF-8"),
        ('{"id": "\\ud800", "text": "x"}', r"found '\ud800' in the id, expected characters of UTF-8"),
        (b"\xff", "byte 0xff at position 1 is not UTF-8: save the file as UTF-8"),
    ],
)
def test_bad_lines_are_named_and_the_others_read(tmp_path, line, cause):
    line = line if isinstance(line, bytes) else line.encode()
    (tmp_path / "x.jsonl").write_bytes(b'{"text": "before"}\n' + line + b'\n{"text": "after", "id": 7}\n')
    before, bad, after = read(tmp_path / "x.jsonl")
    assert (before.id, before.text, after.id, after.text) == ("x.jsonl:1", "before", "7", "after")
    assert bad.place == "x.jsonl:2" and cause in bad.cause
    json.dumps(bad.id).encode("utf8")


def test_fields_by_other_names(tmp_path):
    rows = [{"pmid": 1, "title": "Fever", "abstract": "After rest.", "year": 2020}, {"pmid": 2, "title": "No abstract"}]
    path = write(tmp_path / "x.jsonl", rows)
    fields = Fields(("title", "abstract"), "pmid", "year")
    assert [(item.id, item.text, item.date) for item in read(path, fields=fields)] == [
        ("1", "Fever\n\nAfter rest.", "2020"),
        ("2", "No abstract", None),
    ]
    [bad, _] = read(path, fields=Fields(("title",), "doi"))[:2]
    assert bad.cause == "found no 'doi', expected the document's id in it"
    for name in ("x.csv", "x.parquet"):
        path = write(tmp_path / name, [{"id": "1", "body": "Fever", "date": ""}], ("id", "body", "date"))
        with pytest.raises(InputError, match=f"{name}: found the columns 'id', 'body', 'date', expected 'text'"):
            read(path)


def test_folders_and_names(tmp_path):
    folder = tmp_path / "pile"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "sub/a.txt", "notes.odt", ".hidden.txt"):
        (folder / name).write_text("Fever.")
    sources, unknown = find_sources([folder])
    assert [source.name for source in sources] == ["pile/a.txt", "pile/b.txt", "pile/sub/a.txt"]
    assert unknown == [folder / "notes.odt"]
    with pytest.raises(InputError, match="would be called a.txt in the output, as is"):
        find_sources([folder / "a.txt", folder / "sub" / "a.txt"])
    with pytest.raises(InputError, match="no such file or folder"):
        find_sources([folder / "c.txt"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found no input"):
        find_sources([tmp_path / "empty"])


def test_files_without_a_known_name_are_told_by_their_first_line(tmp_path):
    (tmp_path / "x").write_text('{"text": "Fever."}\n')
    (tmp_path / "y.log").write_text("Fever.\n")
    assert [source.kind for source in find_sources([tmp_path / "x", tmp_path / "y.log"])[0]] == ["jsonl", "text"]


def test_a_damaged_file_costs_no_other(tmp_path):
    content = [{"id": str(i), "text": f"Text {i * 7919}"} for i in range(20_000)]
    damaged = write(tmp_path / "a.jsonl.gz", content)
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nonsense")
    (tmp_path / "c.txt").symlink_to(tmp_path / "gone")
    write(tmp_path / "d.jsonl", ROWS)
    items = read(tmp_path)
    *_, last = [item for item in items if isinstance(item, Text) and item.place.split(":")[0].endswith("a.jsonl.gz")]
    causes = {item.place: item.cause for item in items if isinstance(item, Refused)}
    name = tmp_path.name
    assert causes.keys() == {f"{name}/a.jsonl.gz", f"{name}/b.parquet", f"{name}/c.txt"}
    assert causes[f"{name}/a.jsonl.gz"] == (
        f"cannot be read any further, after {int(last.id) + 1} inputs: Truncated compressed stream"
    )
    assert 10_000 < int(last.id) < 19_999
    assert [item.id for item in items[-3:]] == ["a", "b", "c"]


def test_standard_input_is_kept_and_never_mixed_up(tmp_path):
    path = tmp_path / "out" / "stdin"
    with pytest.raises(InputError, match="the standard input is empty"):
        spool(io.BytesIO(), path)
    spool(io.BytesIO(b"Fever.\n"), path)
    spool(io.BytesIO(b"Fever.\n"), path)
    spool(io.BytesIO(), path)
    assert path.read_bytes() == b"Fever.\n"
    with pytest.raises(InputError, match="the standard input is another than that of the run before"):
        spool(io.BytesIO(b"Rest.\n"), path)
    assert path.read_bytes() == b"Fever.\n" and [file.name for file in path.parent.iterdir()] == ["stdin"]


@pytest.fixture
def cord19(tmp_path):
    """A folder with the layout of CORD-19."""
    folder = tmp_path / "2020-05-26"
    for kind in ("pdf_json", "pmc_json"):
        (folder / "document_parses" / kind).mkdir(parents=True)

    def paper(name, **parts):
        entry = {"paper_id": name.split("/")[-1].split(".")[0], "metadata": {"title": parts["title"], "authors": []}}
        entry["body_text"] = [{"text": text, "section": "Intro", "cite_spans": []} for text in parts["body"]]
        if "abstract" in parts:
            entry["abstract"] = [{"text": text, "section": "Abstract"} for text in parts["abstract"]]
        (folder / "document_parses" / name).write_text(json.dumps(entry))
        return f"document_parses/{name}"

    pdf = paper("pdf_json/1f.json", title="Fever", abstract=["Seen."], body=["From", "a PDF."])
    pmc = paper("pmc_json/PMC1.xml.json", title="Fever", body=["From XML.", "Twice."])
    other = paper("pdf_json/2f.json", title="Untitled", abstract=["An abstract.", "In two."], body=["Body."])
    (folder / "document_parses" / "pdf_json" / "bad.json").write_text("{")
    columns = ("cord_uid", "sha", "title", "abstract", "publish_time", "pdf_json_files", "pmc_json_files", "url")
    rows = [
        (
            "u1",
            "1f",
            "Fever after rest",
            'In "two"\nlines.',
            "2020-03-01",
            f"{pdf}; document_parses/pdf_json/9f.json",
            pmc,
        ),
        ("u2", "", "Title alone", "", "2019", "", ""),
        ("u3", "2f", "", "", "", other, ""),
        ("u4", "", "Bad", "", "2020", "document_parses/pdf_json/bad.json", ""),
        ("u5", "", "Gone", "", "2020", "document_parses/pdf_json/gone.json", ""),
        ("u1", "", "Fever again", "", "2020", "", ""),
    ]
    write(folder / "metadata.csv", [dict(zip(columns, row)) for row in rows], columns)
    return folder


def test_cord19(cord19):
    items = read(cord19)
    assert [(item.id, item.text, item.date) for item in items if isinstance(item, Text)] == [
        ("u1", 'Fever after rest\n\nIn "two"\nlines.\n\nFrom XML.\n\nTwice.', "2020-03-01"),
        ("u2", "Title alone", "2019"),
        ("u3", "Untitled\n\nAn abstract.\n\nIn two.\n\nBody.", None),
        ("u1", "Fever again", "2020"),
    ]
    bad, gone = [item for item in items if isinstance(item, Refused)]
    assert (bad.id, gone.id) == ("u4", "u5")
    assert bad.cause.startswith("document_parses/pdf_json/bad.json: not JSON (Expecting property name")
    assert "gone.json" in gone.cause and "No such file" in gone.cause


def test_cord19_without_parses_and_parses_without_metadata(cord19):
    files = sorted((cord19 / "document_parses" / "pdf_json").glob("?f.json"))
    first, second = read(*files)
    assert (first.id, first.text) == ("1f", "Fever\n\nSeen.\n\nFrom\n\na PDF.") and second.id == "2f"
    [parses] = (path for path in cord19.iterdir() if path.is_dir())
    parses.rename(cord19.parent / "elsewhere")
    assert [item.text for item in read(cord19)][2:5] == ["", "Bad", "Gone"]
    (cord19 / "metadata.csv").write_text("cord_uid,title\nu1,Fever\n")
    with pytest.raises(InputError, match="expected 'abstract'"):
        read(cord19)


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "text", "metadata"]), inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.text(max_size=20) | st.sampled_from(["x.json", "x.json", "document_parses", "\0", "; ;"]),
        min_size=6,
        max_size=6,
    ),
    parse=values
    | st.fixed_dictionaries(
        {"paper_id": values, "metadata": st.fixed_dictionaries({"title": values}), "body_text": values}
    ),
)
def test_whatever_is_in_cord19_ends_as_an_item(tmp_path_factory, cells, parse):
    folder = tmp_path_factory.mktemp("x") / "cord"
    (folder / "document_parses").mkdir(parents=True)
    (folder / "x.json").write_text(json.dumps(parse))
    columns = ("cord_uid", "title", "abstract", "publish_time", "pdf_json_files", "pmc_json_files")
    write(folder / "metadata.csv", [dict(zip(columns, cells))], columns)
    [item, *_] = read(folder)
    assert isinstance(item, (Text, Refused))
    assert all(isinstance(item, (Text, Refused)) for item in read(folder / "x.json"))
