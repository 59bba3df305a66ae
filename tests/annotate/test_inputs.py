"""What is read, from whichever kind of input, and what is said of what cannot be."""

import csv
import gzip
import hashlib
import io
import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_bio_ner.util import InputError

pyarrow = pytest.importorskip("pyarrow")

from pyarrow.parquet import write_table  # noqa: E402

from spacy_bio_ner.annotate.inputs import delimited  # noqa: E402
from spacy_bio_ner.annotate.inputs.discovery import check_fields, find_sources, read_items  # noqa: E402
from spacy_bio_ner.annotate.inputs.item import Fields, Refused, Text  # noqa: E402
from spacy_bio_ner.annotate.inputs.standard_input import spool  # noqa: E402
from spacy_bio_ner.annotate.inputs.streams import Progress  # noqa: E402
from spacy_bio_ner.annotate.job import Kind  # noqa: E402

COMPRESSIONS = {"": None, ".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
ROWS = [
    {"id": "a", "text": "Fever after rest.", "date": "2020-03-01"},
    {"id": "b", "text": 'A "quoted", text\nof two lines \u2028 and more', "date": "2021"},
    {"id": "c", "text": "", "date": "2021"},
]


def write(path, rows, columns=("id", "text", "date")):
    """Write rows in the format that the file's name tells."""
    kind = path.name.split(".")[1].lower()
    if kind == "parquet":
        write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    if kind == "jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows)
    elif kind in ("csv", "tsv"):
        buffer = io.StringIO()
        if kind == "tsv":
            buffer.writelines("\t".join(row) + "\n" for row in (columns, *(row.values() for row in rows)))
        else:
            writer = csv.DictWriter(buffer, columns)
            writer.writeheader()
            writer.writerows(rows)
        content = buffer.getvalue()
    with pyarrow.output_stream(str(path), compression=COMPRESSIONS.get(path.suffix.lower())) as file:
        file.write(content.encode("utf8"))
    return path


def read(*paths, fields=Fields(), kind=None):
    """Read all items, and check what was said of the bytes."""
    sources, _ = find_sources(paths, kind)
    progress, so_far, items = Progress(), 0, []
    for item in read_items(sources, fields, progress):
        assert progress.n_bytes >= so_far
        so_far = progress.n_bytes
        items.append(item)
    files = [file for source in sources for file in source.files]
    assert so_far <= progress.n_bytes == sum(file.n_bytes or 0 for file in files)
    for file in files:
        if file.name in progress.checksums:
            assert progress.checksums[file.name] == hashlib.sha256(file.path.read_bytes()).hexdigest()
        elif len(files) == 1:  # of CORD-19, only some are read
            assert items[-1].cause.startswith("cannot be read any further")
    return items


def cases(*kinds):
    return [(kind, compression) for kind in kinds for compression in COMPRESSIONS] + [("parquet", "")]


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("kind, compression", cases("jsonl", "csv", "tsv"))
def test_kinds_are_read_alike(tmp_path, kind, compression, upper):
    suffix = f".{kind}{compression}"
    rows = ROWS if kind != "tsv" else [{**row, "text": " ".join(row["text"].splitlines())} for row in ROWS]
    path = write(tmp_path / f"x{suffix.upper() if upper else suffix}", rows)
    items = read(path)
    assert [{"id": item.id, "text": item.text, "date": item.date} for item in items] == rows
    assert items[0].place.startswith(f"{path.name}:")


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".bz2"])
def test_files_of_several_compressed_parts_are_read_to_the_end(tmp_path, suffix):
    path = tmp_path / f"x.txt{suffix}"
    parts = []
    for i in range(3):
        with pyarrow.output_stream(str(path), compression=COMPRESSIONS[suffix]) as file:
            file.write(f"part {i}\n".encode() * 1000)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    assert [item.text for item in read(path)] == [f"part {i}" for i in range(3) for _ in range(1000)]
    path.write_bytes(b"")
    assert len(read(path)) == bool(suffix)  # nothing compressed is something


texts = st.text(st.characters(codec="utf8", exclude_characters="\0"))


@given(
    rows=st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=5),
    kind=st.sampled_from(["jsonl", "csv", "parquet"]),
)
def test_texts_come_back_as_they_were(tmp_path_factory, rows, kind):
    path = write(tmp_path_factory.mktemp("x") / f"x.{kind}", [{"id": i, "text": t} for i, t in rows], ("id", "text"))
    assert [(item.id, item.text) for item in read(path)] == rows


@given(
    content=st.binary(max_size=200)
    | st.text('{}[]":,\\u\nidtexd09\r\ttrue-', max_size=80).map(lambda text: text.encode("utf8")),
    kind=st.sampled_from([kind for kind in Kind if kind != Kind.cord19]),
    compression=st.sampled_from(sorted(COMPRESSIONS)),
)
def test_whatever_is_in_a_file_ends_as_items_or_an_error_with_words(tmp_path_factory, content, kind, compression):
    path = tmp_path_factory.mktemp("x") / f"x.txt{compression}"
    path.write_bytes(content)
    try:
        items = read(path, kind=kind)
    except InputError as err:
        assert "found the column" in str(err) or "not CSV" in str(err)
    else:
        assert all(isinstance(item, Text) and item.text.encode("utf8") is not None or item.cause for item in items)


@pytest.mark.parametrize(
    "content, items",
    [  # a row, or the line that is refused and why
        (
            "id,text\n1,Aspirin caused hepatitis, then lithium toxicity followed.\n2,Fever\n3\n",
            ["2: found a row of 3 cells, expected 2", "Fever", "4: found a row of 1 cells, expected 2"],
        ),
        (
            'id,text\n1,Aspirin\n2,"Lithium is a drug, she said\n3,Metformin\n4,Ibuprofen\n',
            ["Aspirin", "3: not CSV (unexpected end of data)", "Metformin", "Ibuprofen"],
        ),
        (
            'id,text\n1,"Two\nlines"\n2,"Lithium, she said\n3,"Metformin"\n4,"Ibuprofen ""Advil"""\n',
            ["Two\nlines", "4: not CSV (',' expected after '\"')", "Metformin", 'Ibuprofen "Advil"'],
        ),
        ('id,text\n1,he "said" it\n\n2,"x" y\n3,z\n', ['he "said" it', "4: not CSV", "z"]),
        ('id,text\n1,"Two\nlines",x\n2,Fever\n', ["2: found a row of 3 cells, to line 3, expected 2", "Fever"]),
        ("id,text\r1,Old\r2,Macs\r", ["Old", "Macs"]),
        ("id,text,,\n1,Fever,,\n", ["Fever"]),
    ],
)
def test_rows_of_csv_are_whole_or_refused(tmp_path, content, items):
    (tmp_path / "x.csv").write_text(content, newline="")
    found = [
        item.text if isinstance(item, Text) else f"{item.place.split(':')[1]}: {item.cause}"
        for item in read(tmp_path / "x.csv")
    ]
    assert len(found) == len(items)
    assert all(said.startswith(expected) for said, expected in zip(found, items)), found


def test_a_cell_that_never_ends_does_not_take_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_CELL", 1000)
    content = ["id,text", '0,"open', *(f"{i},Fever" for i in range(1, 300)), f"300,{'x' * 2000}", "301,Rest"]
    (tmp_path / "x.csv").write_text("\n".join(content))
    items = read(tmp_path / "x.csv")
    refused = {item.place: item.cause for item in items if isinstance(item, Refused)}
    assert refused.keys() == {"x.csv:2", "x.csv:302"} and len(items) == 302
    assert all("field larger than field limit (1000)" in cause for cause in refused.values())


def test_tsv_has_no_quotes(tmp_path):
    rows = ["Aspirin caused bleeding.", '"Lithium is a drug, she said', 'Metformin, he "said".', 'Ibuprofen "Advil"']
    (tmp_path / "x.tsv").write_text("id\ttext\n" + "".join(f"{i}\t{row}\n" for i, row in enumerate(rows)))
    assert [item.text for item in read(tmp_path / "x.tsv")] == rows
    (tmp_path / "x.tsv").write_text("id\ttext\n1\ta\tb\n")
    [item] = read(tmp_path / "x.tsv")
    assert item.place == "x.tsv:2" and item.cause == "found a row of 3 cells, expected 2, as many as the header has"


@given(st.lists(st.text('ab",\n', max_size=6), min_size=1, max_size=8))
def test_every_line_of_csv_is_in_a_row_or_is_refused(tmp_path_factory, lines):
    """Whatever quotes are astray: each line that is not blank is the beginning of one item, or within one."""
    path = tmp_path_factory.mktemp("x") / "x.csv"
    path.write_text("text\n" + "\n".join(lines) + "\n", newline="")
    covered = []
    for item in read(path):
        first = last = int(item.place.split(":")[1])
        if isinstance(item, Text):
            last += item.text.count("\n")
        elif to_line := re.search("to line ([0-9]+)", item.cause):
            last = int(to_line[1])
        covered.extend(range(first, last + 1))
    assert covered == [i for i, line in enumerate(path.read_text().split("\n"), 1) if i > 1 and (line or i in covered)]


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.parquet"])
def test_columns_that_are_there_twice_are_refused(tmp_path, name):
    if name == "x.parquet":
        write_table(pyarrow.Table.from_arrays([["a"], ["b"], ["c"]], ["id", "text", "text"]), tmp_path / name)
    else:
        (tmp_path / name).write_text("id,text,text\na,b,c\n".replace(",", "\t" if name == "x.tsv" else ","))
    with pytest.raises(InputError, match=rf"{name}(:1)?: found the column 'text' 2 times"):
        read(tmp_path / name)


def test_headers_of_all_tables_are_looked_at_before_anything_is_done(tmp_path):
    good, bad = write(tmp_path / "a.jsonl", ROWS), write(tmp_path / "b.csv", [{"id": "1", "body": "x"}], ("id", "body"))
    check_fields(find_sources([good])[0], Fields())
    with pytest.raises(InputError, match="b.csv:1: found the columns 'id', 'body', expected 'text'"):
        check_fields(find_sources([good, bad])[0], Fields())
    with pytest.raises(
        InputError, match="found no text in the first 1000 items of each input\na.jsonl:1: found no 'b'"
    ):
        check_fields(find_sources([good])[0], Fields(("b",)))


def test_what_is_no_text_in_parquet_is_named(tmp_path):
    texts = pyarrow.array([b"Fever", b"\xff", b"Rest"]).cast(pyarrow.string(), safe=False)
    write_table(pyarrow.table({"id": ["a", "b", "c"], "text": texts}), tmp_path / "x.parquet")
    first, bad, last = read(tmp_path / "x.parquet")
    assert (first.text, last.text, bad.place) == ("Fever", "Rest", "x.parquet:2") and "expected characters" in bad.cause


def test_plain_text(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfFever.\r\n\n  \nA\xff\nnew\x0cpage")
    first, bad, last = read(tmp_path / "x.txt")
    assert first == Text("x.txt:1", "Fever.", "x.txt:1") and last.text == "new\x0cpage"
    assert bad == Refused(None, "x.txt:4", "byte 0xff at position 2 is not UTF-8: save the file as UTF-8")
    [whole] = read(tmp_path, kind=Kind.files)
    assert whole.cause == r"found '\udcff' in the text, expected characters of UTF-8"
    (tmp_path / "x.txt").write_bytes(b"Fever.\n\nRest.")
    assert read(tmp_path, kind=Kind.files) == [
        Text(f"{tmp_path.name}/x.txt", "Fever.\n\nRest.", f"{tmp_path.name}/x.txt")
    ]


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
        ('{"id": "a", "text": "x", "text": "y"}', "JSON that cannot be read (the key 'text' is there twice)"),
        ('{"id": "a", "text": "x", "more": {"b": 1, "b": 1}}', "(the key 'b' is there twice)"),
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
        with pytest.raises(InputError, match=f"{name}.*: found the columns 'id', 'body', 'date', expected 'text'"):
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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_file_is_passed_over(tmp_path):
    (tmp_path / "x.txt").write_text("Fever.")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
    sources, unknown = find_sources([tmp_path])
    assert [source.path.name for source in sources] == ["x.txt"]
    assert unknown == [tmp_path / "linked", tmp_path / "pipe.txt"]
    with pytest.raises(InputError, match="pipe.txt: can be read once only"):
        find_sources([tmp_path / "pipe.txt"])


def test_folders_that_cannot_be_searched_are_named(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "x.txt").write_text("Fever.")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="locked"):
        find_sources([tmp_path])


def test_files_without_a_known_name_are_told_by_their_first_line(tmp_path):
    (tmp_path / "x").write_text('{"text": "Fever."}\n')
    (tmp_path / "y.log").write_text("Fever.\n")
    (tmp_path / "z.gz").write_bytes(gzip.compress(b'\n{"text": "Fever."}\n'))
    sources, _ = find_sources([tmp_path / "x", tmp_path / "y.log", tmp_path / "z.gz"])
    assert [source.kind for source in sources] == [Kind.jsonl, Kind.text, Kind.jsonl]


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
    assert path.read_bytes() == b"Fever.\n" and sorted(file.name for file in path.parent.iterdir()) == [
        "stdin", "stdin.json"
    ]  # fmt: skip


@pytest.mark.parametrize("damage", ["stdin", "stdin.json"])
@pytest.mark.parametrize("content", [None, b"", b"Rest.\n", b'{"sha256": 1}'])
def test_a_damaged_copy_of_the_standard_input_is_not_read(tmp_path, damage, content):
    path = tmp_path / "stdin"
    spool(io.BytesIO(b"Fever.\n"), path)
    (tmp_path / damage).write_bytes(content) if content is not None else (tmp_path / damage).unlink()
    with pytest.raises(InputError, match="stdin: is damaged: give the whole|the standard input is empty"):
        spool(io.BytesIO(), path)
    spool(io.BytesIO(b"Fever.\n"), path)
    assert path.read_bytes() == b"Fever.\n"
    spool(io.BytesIO(), path)


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
        ("u6", "", "Elsewhere", "", "2020", "document_parses/../../secret.json", ""),
        ("u7", "", "Everywhere", "", "2020", str(tmp_path / "secret.json"), ""),
        ("u8", "", "A folder", "", "2020", "document_parses/pdf_json", ""),
    ]
    (tmp_path / "secret.json").write_text((folder / other).read_text())
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
    bad, gone, *outside, is_folder = [item for item in items if isinstance(item, Refused)]
    assert (bad.id, gone.id, is_folder.id) == ("u4", "u5", "u8") and "is not a file" in is_folder.cause
    assert [item.id for item in outside] == ["u6", "u7"]
    assert all("is not in document_parses" in item.cause for item in outside)
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
