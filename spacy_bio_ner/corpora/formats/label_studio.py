"""Label Studio's exports JSON and JSON-MIN. (What it calls CONLL2003 is read as columns.)"""

from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

from ...util import InputError
from ..entries import first_entry, read_entries
from ..json_values import Name, Text, find_offsets, to_id, validate
from ..ledger import Ledger
from ..lines import excerpt
from ..offsets import locate
from ..options import Options
from ..record import Mention, Record

SPAN_TYPES = ("labels", "hypertextlabels", "paragraphlabels")
MIN_KEYS = ("annotation_id", "annotator", "lead_time")  # which JSON-MIN has in every entry


class _Span(BaseModel):
    start: int
    end: int
    labels: List[Name] = Field(min_length=1, validation_alias=AliasChoices(*SPAN_TYPES))
    text: Optional[Text] = None


class _Result(BaseModel):
    type: str
    value: Any = None
    to_name: Optional[str] = None


class _Annotation(BaseModel):
    result: List[_Result]
    was_cancelled: bool = False
    ground_truth: bool = False


class _Task(BaseModel):
    data: Dict[str, Any]
    annotations: List[_Annotation] = Field(validation_alias=AliasChoices("annotations", "completions"))
    predictions: List[Any] = []


_TASK, _SPAN, _TEXT = TypeAdapter(_Task), TypeAdapter(_Span), TypeAdapter(Text)


def matches(path: Path) -> bool:
    """RETURNS (bool): Whether a file's first entry is a task with its data and annotations, or an entry of JSON-MIN."""
    entry = first_entry(path)
    if not isinstance(entry, dict):
        return False
    is_task = isinstance(entry.get("data"), dict) and any(key in entry for key in ("annotations", "completions"))
    return is_task or any(key in entry for key in MIN_KEYS)


def read(path: Path, ledger: Ledger, options: Options = Options()) -> Iterator[Record]:
    """Read a file.

    path (Path): The file.
    ledger (Ledger): Takes the labels, what cannot be read, and what is passed over: tasks that were skipped or that
        nobody annotated, relations, choices and the like, predictions.
    options (Options): What offsets count.
    YIELDS (Record): A record for each task that was annotated.
    """
    for line, record in read_entries(path, ledger, partial(_read_entry, options, ledger)):
        if record is not None:
            ledger.note_labels(record.mentions, line)
            yield record


def _read_entry(options: Options, ledger: Ledger, entry: Any) -> Optional[Record]:
    """RETURNS (Optional[Record]): What was annotated; None if nothing was."""
    if not isinstance(entry, dict):
        raise InputError(f"found {excerpt(entry)}, expected a task")
    read = _read_task if isinstance(entry.get("data"), dict) else _read_min
    record = read(entry, options, ledger)
    if record is not None:
        record.document = to_id(entry.get("id"))
    return record


def _read_task(entry: Dict[str, Any], options: Options, ledger: Ledger) -> Optional[Record]:
    task = validate(_TASK, entry)
    if task.predictions:
        ledger.passed_over["predictions"] += len(task.predictions)
    annotations = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    if not annotations:
        ledger.passed_over["tasks that were skipped" if task.annotations else "tasks that nobody annotated"] += 1
        return None
    truths = [annotation for annotation in annotations if annotation.ground_truth]
    if truths:
        ledger.passed_over["annotations that are no ground truth"] += len(annotations) - len(truths)
        annotations = truths
    records = [_read_annotation(annotation, task.data, options, ledger) for annotation in annotations]
    for other in records[1:]:
        if sorted(other.mentions) != sorted(records[0].mentions):
            raise InputError(f"found {len(records)} annotations that differ: mark one of them as ground truth")
        ledger.passed_over["annotations given before"] += 1
    return records[0]


def _read_annotation(annotation: _Annotation, data: Dict[str, Any], options: Options, ledger: Ledger) -> Record:
    spans, names = [], ["text"]
    for result in annotation.result:
        if result.type in SPAN_TYPES:
            spans.append(validate(_SPAN, result.value, "value"))
            names.append(result.to_name or "")
        else:
            ledger.passed_over[f"results of the type {excerpt(result.type)}"] += 1
    return _make_record(_find_text(data, spans, names[::-1]), spans, options, ledger)


def _read_min(entry: Dict[str, Any], options: Options, ledger: Ledger) -> Record:
    spans = []
    for key, value in entry.items():
        items = value if isinstance(value, list) else [value]
        for i, item in enumerate(items):
            if isinstance(value, list) and isinstance(item, dict) and "start" in item:
                spans.append(validate(_SPAN, item, f"{key}[{i}]"))
            elif find_offsets(item, key) is not None:
                raise InputError(f"found offsets under {find_offsets(item, key)}, expected a list of spans")
            elif isinstance(value, (list, dict)):
                ledger.passed_over["results that are no spans"] += 1
    return _make_record(_find_text(entry, spans, ["text"]), spans, options, ledger)


def _find_text(data: Dict[str, Any], spans: Sequence[_Span], names: Sequence[str]) -> str:
    """Find the text of a task: under the name that the labelling interface gives it, or else the only one that has the
    texts of all spans.

    RAISES (InputError): If it cannot be told.
    """
    for name in names:
        if name in data:
            return validate(_TEXT, data[name], name)
    texts = {name: value for name, value in data.items() if isinstance(value, str)}
    fitting = [
        name for name, text in texts.items() if all(span.text and _unescape(span.text, text) in text for span in spans)
    ]
    if len(fitting) != 1:
        raise InputError(f"found the data {excerpt(list(data))}, expected the text that was annotated under 'text'")
    return validate(_TEXT, texts[fitting[0]], fitting[0])


def _make_record(text: str, spans: Sequence[_Span], options: Options, ledger: Ledger) -> Record:
    record = Record(text=text)
    for span in spans:
        said = None if span.text is None else _unescape(span.text, text)
        [place] = locate(text, [(span.start, span.end)], options.offsets, ledger, said)
        record.mentions += [Mention(*place, label) for label in span.labels]
    return record


def _unescape(said: str, text: str) -> str:
    """RETURNS (str): The text of a span, in which Label Studio writes a line break as a backslash and an n."""
    return said if said in text else said.replace("\\n", "\n")
