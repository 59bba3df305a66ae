"""Sound files of every format, and ways to damage them."""

import copy
import io
import json
import random
import zlib

import numpy
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span

from .formats.test_bioc import DOCUMENT, XML
from .formats.test_columns import GERMEVAL, JNLPBA, LABEL_STUDIO, MULTICONER, UNER
from .formats.test_conllu import FILE as CONLLU
from .formats.test_hugging_face import CARD, ENTRY, NAMED
from .formats.test_label_studio import OTHERS, SPANS, min_entry, task
from .formats.test_massive import entry as utterance
from .formats.test_pubtator import PUBTATOR
from .formats.test_rasa import FILE as RASA
from .formats.test_train_data import PAIRS
from .formats.test_webanno import FILE as WEBANNO
from .formats.test_word_table import CSV
from .test_answers import LITHIUM, TREMOR, answer

TEXT = "Fever after aspirin \U0001f600 x"
MENTIONS = [{"start": 0, "end": 5, "label": "DIS"}, {"start": 12, "end": 19, "label": "CHEM", "text": "aspirin"}]
DOC_JSON = {
    "text": TEXT,
    "ents": MENTIONS,
    "tokens": [{"id": 0, "start": 0, "end": 5}],
    "cats": {"A": 0.5},
    "sents": [],
}
PRODIGY = {
    "text": TEXT, "meta": {"id": "a"}, "answer": "accept",
    "tokens": [{"text": "Fever", "start": 0, "end": 5}, {"text": "after", "start": 6, "end": 11}],
    "spans": [{"token_start": 0, "token_end": 1, "label": "X"}, {"start": 12, "end": 19, "label": "Y", "kb_id": "D"}],
}  # fmt: skip
DOCCANO = {"id": 3, "text": TEXT, "entities": [{"id": 1, "label": "DIS", "start_offset": 0, "end_offset": 5}],
           "relations": [{"id": 1, "from_id": 1, "to_id": 1}], "Comments": []}  # fmt: skip
BRAT = "T1\tX 0 5\tFever\nN1\tReference T1 D:1\tFever\nT2\tY 0 5;12 19\tFever aspirin\nR1\tr Arg1:T1 Arg2:T2\n"
ANSWERS = [
    answer("accept", LITHIUM),
    answer("reject", TREMOR),
    answer("ignore"),
    answer("accept", text="x", binary=False),
]


def json_lines(*entries):
    return "\n".join(map(json.dumps, entries)) + "\n"


# Entries as JSON, which are damaged by their keys and values too
JSON_FILES = {
    "prodigy": [PRODIGY, {**PRODIGY, "spans": []}],
    "answers": ANSWERS,
    "doccano": [DOCCANO, {"id": 4, "text": TEXT, "label": [[0, 5, "DIS"], [12, 19, "CHEM"]]}],
    "doc-json": [DOC_JSON],
    "label-studio": [task(SPANS + OTHERS), task(), task(SPANS, SPANS)],
    "json-min": [min_entry()],
    "train-data": PAIRS,
    "ner-annotator": {"classes": ["ORG"], "annotations": PAIRS},
    "hugging-face": [NAMED, {**NAMED, "tokens": ["a", " ", "b"], "ner_tags": ["B-X", "O", "B-PER"]}],
    "numbers": [ENTRY],
    "massive": [utterance(partition="dev"), utterance("hi", "hi", id="2", intent="greet", partition="dev")],
    "bioc-json": {"documents": [DOCUMENT, {**DOCUMENT, "id": 9}]},
}
FILES = {
    "pubtator": PUBTATOR, "jnlpba": JNLPBA, "multiconer": MULTICONER, "germeval": GERMEVAL, "uner": UNER,
    "label-studio-conll": LABEL_STUDIO, "conllu": CONLLU, "bioc-xml": XML, "rasa": RASA, "webanno": WEBANNO, "csv": CSV,
    "bio": "-DOCSTART- O\n\nFever\tB-DIS\nafter\t-\nrest\tO\n\nOld\tB-X\nage\tI-X\n",
    "iobes": "a S-X\nb B-Y\nc M-Y\nd E-Y\n\n",
    "list-table": "id,tokens,ner_tags\n1,\"['a', 'b']\",\"['B-X', 'O']\"\n2,\"['a' 'b']\",\"['O' 'B-X']\"\n",
    "tsv-table": "Sentence #\tWord\tTag\n1\ta\tB-X\n\t\"b\tI-X\n2\tc\tO\n",
}  # fmt: skip
FOLDERS = {
    "brat": {"a.txt": TEXT, "a.ann": BRAT, "b.txt": "x", "b.ann": ""},
    "slots": {"seq.in": "play Jazz now\nhi\n", "seq.out": "O B-genre O\nO\n", "label": "PlayMusic\nGreet\n"},
    "webanno-folder": {"a.tsv": WEBANNO, "b.tsv": WEBANNO},
    "bioc-folder": {"a.json": json.dumps(DOCUMENT), "b.json": json.dumps({**DOCUMENT, "id": 8})},
}
WITH_OFFSETS = {
    "pubtator", "bioc-xml", "bioc-json", "bioc-folder", "webanno", "webanno-folder", "brat", "label-studio", "json-min",
    "prodigy", "answers", "doccano", "doc-json", "train-data", "ner-annotator",
}  # fmt: skip
PIECES = [
    b"", b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\t", b" ", b",", b'"', b"'", b"{", b"}", b"[", b"]", b":", b";",
    b"|", b"\xff", b"\xc3", b"\x00", b"\xef\xbb\xbf", "\u00e9\u2028\U0001f637".encode(), b"#", b"-", b"_",
    b"<", b">", b"&",
    b"0", b"1", b"5", b"99", b"-1", b"1e999", b"NaN", b"null", b"true", b"O", b"B-X", b"I-X", b"S-X", b"-DOCSTART-",
    b"a", b"9" * 30, b"\\ud800", b"text", b"spans", b"T1\tX 0 1\ta\n", b"7|t|a\n", b'{"text": "a", "spans": []}\n',
    b"1-1\t0-1\ta\t",
]  # fmt: skip
VALUES = [
    None, True, False, 0, 1, -1, 5, 99, 10**30, 0.5, float("inf"), float("nan"), "", " ", "x", "0", "B-X", "\ud800",
    "\U0001f600", [], {}, [0, 1, "X"], {"start": 0, "end": 1, "label": "X"}, [[]], "accept", "reject",
]  # fmt: skip


def docbin_message():
    nlp = spacy.blank("en")
    docs = [nlp("Fever after aspirin (ASA)"), Doc(nlp.vocab, words=["More", "fever"]), nlp("Rest")]
    docs[0].set_ents([Span(docs[0], 0, 1, label="DIS", kb_id="D1")], missing=[docs[0][3:]])
    docs[0].spans["incorrect_spans"] = [Span(docs[0], 2, 3, label="DIS")]
    docs[1].set_ents([Span(docs[1], 1, 2, label="DIS")])
    docs[2].set_ents([])
    source = {
        "document": "7",
        "mentions": [[0, 5, "DIS", "D1", []]],
        "ents": [[0, 5, "DIS", "D1", []]],
        "labels": ["DIS"],
    }
    docs[0].user_data["bio_ner"] = source
    content = DocBin(docs=docs, store_user_data=True).to_bytes()
    return srsly.msgpack_loads(zlib.decompress(content))


def mutate_bytes(content: bytes, random: random.Random) -> bytes:
    """Damage a file in a few places."""
    for _ in range(random.randint(1, 3)):
        start = random.randint(0, len(content))
        end = min(len(content), start + random.choice([0, 0, 1, 1, 2, 5, 40]))
        kind = random.random()
        if kind < 0.6:
            content = content[:start] + random.choice(PIECES) + content[end:]
        elif kind < 0.7 and content:  # a bit
            at = random.randrange(len(content))
            content = content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]
        elif kind < 0.8:  # cut off
            content = content[:start]
        elif kind < 0.9:  # a piece again somewhere else
            at = random.randint(0, len(content))
            content = content[:at] + content[start:end] + content[at:]
        else:  # lines in another order
            lines = content.split(b"\n")
            a, b = random.randrange(len(lines)), random.randrange(len(lines))
            lines[a], lines[b] = lines[b], lines[a]
            content = b"\n".join(lines)
    return content


def nodes(value, path=()):
    """YIELDS: The paths of all that is inside of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from nodes(item, (*path, key))


def parent_of(value, path):
    for key in path[:-1]:
        value = value[key]
    return value


def mutate_json(value, random: random.Random):
    """Damage a JSON value by its keys and values."""
    value = copy.deepcopy(value)
    for _ in range(random.randint(1, 2)):
        paths = list(nodes(value))
        if not paths:
            return value
        path = random.choice(paths)
        parent, key = parent_of(value, path), path[-1]
        kind = random.random()
        if kind < 0.5:
            parent[key] = copy.deepcopy(random.choice(VALUES))
        elif kind < 0.6:
            del parent[key]
        elif kind < 0.75 and isinstance(parent, dict):
            parent[random.choice(["x", "text", "spans", "label", "start", key + "s"])] = parent.pop(key)
        elif kind < 0.9:
            parent[key] = copy.deepcopy(parent_of(value, other)[other[-1]]) if (other := random.choice(paths)) else None
        elif isinstance(parent, list):
            parent.insert(random.randint(0, len(parent)), copy.deepcopy(parent[key]))
        else:
            parent[key] = [parent[key]]
    return value


def dump(value, random: random.Random) -> bytes:
    """Write a JSON value as tools do: on a line, on many, as JSON Lines."""
    try:
        if isinstance(value, list) and random.random() < 0.6:
            return "\n".join(json.dumps(entry, ensure_ascii=random.random() < 0.5) for entry in value).encode("utf8")
        return json.dumps(value, indent=random.choice([None, 1])).encode("utf8")
    except (ValueError, UnicodeEncodeError):  # half of a pair that is not escaped
        return json.dumps(value).encode("utf8")


def mutate_docbin(sound, random: random.Random) -> bytes:
    """Damage what is inside of a DocBin."""
    message = copy.deepcopy(sound)
    n_attrs = len(message["attrs"])
    tokens = numpy.frombuffer(message["tokens"], dtype="uint64").reshape(-1, n_attrs).copy()
    for _ in range(random.randint(1, 2)):
        kind = random.random()
        if kind < 0.5:
            row, column = random.randrange(len(tokens)), random.randrange(n_attrs)
            other = tokens[random.randrange(len(tokens)), random.randrange(n_attrs)]
            tokens[row, column] = random.choice([0, 1, 2, 3, 4, 12345, 2**63, 2**64 - 1, int(other)])
            message["tokens"] = tokens.tobytes()
        elif kind < 0.6:
            strings = list(message["strings"])
            strings.pop(random.randrange(len(strings)))
            message["strings"] = strings
        elif kind < 0.8:
            key = random.choice([key for key in message if key != "tokens"])
            if isinstance(message[key], (bytes, bytearray)):
                message[key] = mutate_bytes(bytes(message[key]), random)
            elif isinstance(message[key], list) and message[key]:
                at = random.randrange(len(message[key]))
                item = message[key][at]
                if isinstance(item, (bytes, bytearray)) and random.random() < 0.8:
                    message[key][at] = mutate_bytes(bytes(item), random)
                else:
                    message[key][at] = mutate_json({"x": item}, random).get("x")
        else:
            at = random.randrange(len(message["user_data"]))
            data = srsly.msgpack_loads(sound["user_data"][at])
            message["user_data"][at] = srsly.msgpack_dumps(printable(mutate_json(data, random)))
    return zlib.compress(srsly.msgpack_dumps(printable(message)))


def printable(value):
    """RETURNS: A value without what msgpack cannot hold."""
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf8", "replace").decode("utf8")
    return 2**60 if isinstance(value, int) and value > 2**60 else value


def parquet(entries) -> bytes:
    """RETURNS (bytes): Entries as Parquet; what Parquet cannot hold raises an error of pyarrow's, or of Python's."""
    import pyarrow
    import pyarrow.parquet

    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(entries), file)
    return file.getvalue()


class Mutator:
    """Makes damaged files of all formats, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.docbin = docbin_message()
        self.kinds = [*FILES, *FOLDERS, *JSON_FILES, *JSON_FILES, "docbin", "docbin", "parquet", "splice"]

    def draw(self):
        """RETURNS: The kind, and the files, by their paths, of a source."""
        kind = self.random.choice(self.kinds)
        if kind == "docbin":
            return kind, {"dev.spacy": mutate_docbin(self.docbin, self.random)}
        if kind == "parquet":
            return kind, {"dev.parquet": self._parquet()}
        if kind == "splice":
            texts = [self._sound(self.random.choice([*FILES, *JSON_FILES])) for _ in range(2)]
            cuts = [self.random.randint(0, len(text)) for text in texts]
            return kind, {"dev.x": texts[0][: cuts[0]] + texts[1][cuts[1] :]}
        if kind in FOLDERS:
            files = {f"dev/{name}": text.encode("utf8") for name, text in FOLDERS[kind].items()}
            name = self.random.choice(list(files))
            files[name] = mutate_bytes(files[name], self.random)
            if self.random.random() < 0.1:
                del files[self.random.choice(list(files))]
            return kind, files
        if kind in JSON_FILES and self.random.random() < 0.75:
            content = dump(mutate_json(JSON_FILES[kind], self.random), self.random)
        else:
            content = mutate_bytes(self._sound(kind), self.random)
        card = {"README.md": CARD.encode("utf8")} if kind == "numbers" else {}
        return kind, {f"dev.{self.random.choice(['json', 'x', 'XML'])}": content, **card}

    def _sound(self, kind) -> bytes:
        return FILES[kind].encode("utf8") if kind in FILES else dump(JSON_FILES[kind], self.random)

    def _parquet(self) -> bytes:
        entries = JSON_FILES[self.random.choice(["prodigy", "doccano", "hugging-face", "numbers", "massive"])]
        if self.random.random() < 0.5:
            return mutate_bytes(parquet(entries), self.random)
        try:
            return parquet(mutate_json(entries, self.random))
        except Exception:  # not a table
            return mutate_bytes(parquet(entries), self.random)
