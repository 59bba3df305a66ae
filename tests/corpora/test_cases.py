"""Files in the shape of what people reported: each shows a kind of fault, and what must come of it."""

import json
from collections import Counter

import pytest
import srsly

from spacy_bio_ner.corpora.convert import convert
from spacy_bio_ner.corpora.options import Offsets, Options
from spacy_bio_ner.util import InputError

from .reading import docs_of, write_file

EMOJI = '{"text":"\U0001f600 so \U0001f600 Lithium helps.","label":[[9,16,"DRUG"]]}'
GOOD_JSONL = '{"text":"Lithium helps.","spans":[{"start":0,"end":7,"label":"DRUG"}]}\n'
LABEL_STUDIO = """[{"id": 1, "annotations": [{"id": 3, "completed_by": 1, "result": [
  {"value": {"start": 0, "end": 7, "text": "Lithium", "labels": ["Drug"]}, "id": "aA1", "from_name": "label",
   "to_name": "text", "type": "labels"}], "was_cancelled": false}], "data": {"text": "Lithium helps."}, "project": 1}]
"""
PRODIGY = "\n".join(
    [
        '{"text":"Lithium helps.","tokens":[{"text":"Lithium","start":0,"end":7,"id":0}],'
        '"spans":[{"start":0,"end":7,"token_start":0,"token_end":0,"label":"DRUG"}],"answer":"accept"}',
        '{"text":"???","tokens":[],"spans":[],"answer":"ignore"}',
        '{"text":"Aspirin helps.","spans":[{"start":0,"end":7,"label":"DRUG"}],"answer":"reject"}',
    ]
)
TEACH = "\n".join(
    json.dumps({"text": "Lithium caused tremor and nausea.", "spans": [span], "_is_binary": True, "answer": verdict})
    for span, verdict in [
        ({"text": "Lithium", "start": 0, "end": 7, "label": "DRUG", "score": 0.8}, "accept"),
        ({"text": "tremor", "start": 15, "end": 21, "label": "DIS", "score": 0.5}, "accept"),
        ({"text": "nausea", "start": 26, "end": 32, "label": "DRUG", "score": 0.3}, "reject"),
    ]
)
RASA = (
    'version: "3.1"\nnlu:\n- intent: book\n  examples: |\n    - a table in [Rome](city) for [two]{"entity": "people"}\n'
)
CONLL = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n"

# What a person had: the files; and for each part what its Docs hold: entities by label, and the tokens.
CASES = {
    "unknown keys that hold entities": (
        {
            "train.jsonl": GOOD_JSONL,
            "dev.jsonl": '{"text": "Aspirin.", "annotations": [{"label": "DRUG", "start_offset": 0, "end_offset": 7}]}',
            "test.jsonl": '{"text": "Aspirin.", "tokens": [], "ents": [{"start": 0, "end": 7, "label": "DRUG"}]}',
        },
        {
            "train": [[("Lithium", "DRUG")]],
            "dev": [[("Aspirin", "DRUG")]],
            "test": [[("Aspirin", "DRUG")]],
        },
    ),
    "brat cuts a span at a line break": (
        {
            "train/a.txt": "on metoprolol\nsuccinate for atrial\n   fibrillation.",
            "train/a.ann": "T1\tDrug 3 13;14 23\tmetoprolol succinate\nT2\tReason 28 34;38 50\tatrial fibrillation\n",
        },
        {"train": [[("metoprolol\nsuccinate", "Drug"), ("atrial\n   fibrillation", "Reason")]]},
    ),
    "brat has fragments in another order": (
        {
            "train/a.txt": "pain in the left arm",
            "train/a.ann": "T1\tDrug 12 16;0 4\tleft pain\nT2\tSymptom 0 4\tpain\n",
        },
        {"train": [[("pain", "Symptom")]]},
    ),
    "a number for each sentence on every row": (
        {"train.csv": "Sentence #,Word,POS,Tag\n1,London,x,B-geo\n1,is,x,O\n2,Rome,x,B-geo\n2,too,x,O\n"},
        {"train": [[("London", "geo")], [("Rome", "geo")]]},
    ),
    "CoNLL's names of splits": (
        {"eng.train": CONLL, "eng.testa": CONLL, "eng.testb": CONLL},
        {"train": [[("EU", "ORG")]], "dev": [[("EU", "ORG")]], "test": [[("EU", "ORG")]]},
    ),
    "comments of MultiCoNER": (
        {"train.conll": "# id 4e7a\tdomain=en\nthe _ _ O\nfox _ _ B-CW\n\n# id 4e7b\tdomain=en\nparis _ _ B-LOC\n"},
        {"train": [[("fox", "CW")], [("paris", "LOC")]]},
    ),
    "comments of JNLPBA": (
        {"train.iob2": "###MEDLINE:1\n\nIL-2\tB-DNA\ngene\tI-DNA\n\n###MEDLINE:2\n\nB\tB-protein\n"},
        {"train": [[("IL-2 gene", "DNA")], [("B", "protein")]]},
    ),
    "a blank token of Label Studio": (
        {"train.conll": "-DOCSTART- -X- O\nLithium -X- _ B-Drug\n -X- _ O\ntremor -X- _ B-Side Effect\n\n"},
        {"train": [[("Lithium", "Drug"), ("tremor", "Side Effect")]]},
    ),
    "line ends of old Macs": (
        {"train.txt": "Lithium\tB-DRUG\rhelps\tO\r\rAspirin\tB-DRUG\r"},
        {"train": [[("Lithium", "DRUG")], [("Aspirin", "DRUG")]]},
    ),
    "Label Studio's JSON": ({"train-1.json": LABEL_STUDIO}, {"train": [[("Lithium", "Drug")]]}),
    "spaCy's TRAIN_DATA": (
        {"train.json": '[["Uber blew", {"entities": [[0, 4, "ORG"]]}], ["Google", {"entities": [[0, 6, "ORG"]]}]]'},
        {"train": [[("Uber", "ORG")], [("Google", "ORG")]]},
    ),
    "Prodigy's answers": ({"train.jsonl": PRODIGY}, {"train": [[("Lithium", "DRUG")]]}),
    "Prodigy's yes and no": ({"train.jsonl": TEACH}, {"train": [[("Lithium", "DRUG"), ("tremor", "DIS")]]}),
    "Rasa": ({"nlu-train.yml": RASA}, {"train": [[("Rome", "city"), ("two", "people")]]}),
}


def write_files(folder, files):
    for name, content in files.items():
        write_file(folder / name, content)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_files_as_people_have_them(tmp_path, case):
    files, expected = CASES[case]
    source = write_files(tmp_path / "corpus", files)
    convert(source, tmp_path / "out")
    found = {
        path.stem: [[(ent.text.strip(), ent.label_) for ent in doc.ents] for doc in docs_of(path)]
        for path in (tmp_path / "out").glob("*.spacy")
    }
    assert found == expected


REFUSED = {
    "offsets that count UTF-16": ({"train.jsonl": EMOJI}, "use --offsets utf16"),
    "a span whose text is another": (
        {"train.jsonl": '{"text":"Aspirin, Lithium.","spans":[{"text":"Lithium","start":0,"end":7,"label":"X"}]}'},
        "train.jsonl:1: spans[0]: found the mention 'Lithium', but the text has 'Aspirin' at 0-7",
    ),
    "an unknown key": (
        {"train.jsonl": '{"text":"Lithium.","named":[{"start":0,"end":7,"label":"X"}]}'},
        "train.jsonl:1: found offsets under named[0]: use --entity-key named if they are entities",
    ),
    "numbers without names": (
        {"train.jsonl": '{"tokens": ["EU", "rejects"], "pos_tags": [22, 42], "ner_tags": [3, 0]}'},
        "train.jsonl:1: found numbers as ner_tags, but no names of them",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_have_to_be_asked_about(tmp_path, case):
    files, message = REFUSED[case]
    source = write_files(tmp_path / "corpus", files)
    with pytest.raises(InputError) as err:
        convert(source, tmp_path / "out")
    assert message in str(err.value) and not (tmp_path / "out").exists()


def test_the_ways_out(tmp_path):
    write_files(tmp_path / "a", REFUSED["offsets that count UTF-16"][0])
    convert(tmp_path / "a", tmp_path / "out", options=Options(offsets=Offsets.utf16))
    assert [ent.text for ent in docs_of(tmp_path / "out" / "train.spacy")[0].ents] == ["Lithium"]
    write_files(tmp_path / "b", REFUSED["an unknown key"][0])
    convert(tmp_path / "b", tmp_path / "out", options=Options(entity_key="named"))
    assert [ent.text for ent in docs_of(tmp_path / "out" / "train.spacy")[0].ents] == ["Lithium"]
    write_files(tmp_path / "c", REFUSED["numbers without names"][0])
    convert(tmp_path / "c", tmp_path / "out", options=Options(tag_names=["O", "B-PER", "I-PER", "B-ORG"]))
    assert [ent.label_ for ent in docs_of(tmp_path / "out" / "train.spacy")[0].ents] == ["ORG"]


def test_what_is_passed_over_is_in_the_ledger(tmp_path):
    expected = {
        "Prodigy's answers": {"ignored answers": 1, "rejected texts": 1},
        "comments of JNLPBA": {"comment lines": 2},
        "a blank token of Label Studio": {"blank tokens": 1},
    }
    for case, passed_over in expected.items():
        convert(write_files(tmp_path / case, CASES[case][0]), tmp_path / "out")
        assert srsly.read_json(tmp_path / "out" / "ledger.json")["train"]["passed_over"] == passed_over


def test_what_is_passed_over_is_counted_once_where_a_file_is_divided(tmp_path):
    write_file(tmp_path / "corpus" / "all.iob", "".join(f"###MEDLINE:{i}\n\nword{i}\tB-X\n\n" for i in range(30)))
    ledgers = convert(tmp_path / "corpus", tmp_path / "out")
    assert sum((ledger.passed_over for ledger in ledgers.values()), start=Counter()) == {"comment lines": 30}


def test_yes_and_no_leave_the_rest_missing(tmp_path):
    convert(write_files(tmp_path / "corpus", CASES["Prodigy's yes and no"][0]), tmp_path / "out")
    [doc] = docs_of(tmp_path / "out" / "train.spacy")
    assert [token.ent_iob for token in doc] == [3, 0, 3, 0, 0, 0]
    assert [(span.text, span.label_) for span in doc.spans["incorrect_spans"]] == [("nausea", "DRUG")]


def test_twelve_texts_in_one_file_give_every_split_one(tmp_path):
    entry = '{"text": "Patient %d took metformin.", "label": [[%d, %d, "DRUG"]]}'
    for n_texts in range(3, 13):
        content = "\n".join(entry % (i, 14 + len(str(i)), 23 + len(str(i))) for i in range(n_texts))
        write_file(tmp_path / str(n_texts) / "all.jsonl", content)
        ledgers = convert(tmp_path / str(n_texts), tmp_path / "out")
        sizes = {split: ledger.documents for split, ledger in ledgers.items()}
        assert set(sizes) == {"train", "dev", "test"} and min(sizes.values()) > 0 and sum(sizes.values()) == n_texts


def test_too_few_texts_say_what_to_do(tmp_path):
    write_file(tmp_path / "corpus" / "all.jsonl", GOOD_JSONL * 5)
    with pytest.raises(InputError, match=r"all.jsonl: found 1 different text\(s\), too few for train, dev, test"):
        convert(tmp_path / "corpus", tmp_path / "out")
    write_file(tmp_path / "corpus" / "all.jsonl", "{}\n" + GOOD_JSONL)
    with pytest.raises(InputError, match=r"all.jsonl:1: text: found nothing in {}"):
        convert(tmp_path / "corpus", tmp_path / "out")
