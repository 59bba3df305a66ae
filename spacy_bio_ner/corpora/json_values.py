"""JSON that other programs wrote: read strictly, and validated by pydantic's models."""

import json
from typing import Annotated, Any, Dict, Iterator, List, NoReturn, Optional, Tuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from ..util import InputError
from .lines import excerpt

# What pydantic expected, by its types of errors.
_EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a finite number",
    "finite_number": "a finite number",
    "string_type": "a string",
    "bool_type": "true or false",
    "list_type": "a list",
    "too_short": "at least one item",
    "dict_type": "an object",
    "model_type": "an object",
}


def _whole_characters(text: str) -> str:
    try:
        text.encode("utf8")
    except UnicodeEncodeError as err:
        raise ValueError(f"half of a surrogate pair ({ascii(text[err.start])}), expected whole characters") from None
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError(f"{text!r}, expected a name")
    return text


Text = Annotated[str, AfterValidator(_whole_characters)]
Name = Annotated[Text, AfterValidator(_not_blank)]
STRINGS = TypeAdapter(List[Text])
INTEGERS = TypeAdapter(List[int])
_ID = TypeAdapter(Text)


Value = TypeVar("Value")


class Known(BaseModel):
    """A part of a format's records. Under keys that are none of the format's nothing may have the offsets of a span."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _check_others(self) -> "Known":
        for key, value in (self.model_extra or {}).items():
            where = find_offsets(value, key)
            if where is not None:
                raise ValueError(f"offsets under {where}, expected them under {', '.join(type(self).model_fields)}")
        return self


class JsonError(InputError):
    """JSON that cannot be used.

    line (int): The line of the text on which that shows, from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def validate(kind: TypeAdapter[Value], value: Any, where: str = "") -> Value:
    """Validate a value. Nothing is changed into another type, and keys that a model has no field for are left alone.

    kind (TypeAdapter[Value]): What it must be.
    value (Any): What it is.
    where (str): The key that it stands under, if any.
    RETURNS (Value): The value.
    RAISES (InputError): If it is something else.
    """
    try:
        return kind.validate_python(value, strict=True)
    except ValidationError as err:
        error = err.errors(include_url=False)[0]
    for key in error["loc"]:
        where += f"[{key}]" if isinstance(key, int) else f".{key}" if where else str(key)
    where = f"{ascii(where)[1:-1]}: " if where else ""
    if error["type"] == "missing":
        raise InputError(f"{where}found nothing in {excerpt(error['input'])}")
    if error["type"] == "value_error":
        raise InputError(f"{where}found {error['ctx']['error']}")
    expected = _EXPECTED.get(error["type"]) or error.get("ctx", {}).get("expected", error["msg"])
    raise InputError(f"{where}found {excerpt(error['input'])}, expected {expected}")


def find_offsets(value: Any, where: str) -> Optional[str]:
    """RETURNS (Optional[str]): Where in a value there is something with the offsets of a span, None if nowhere."""
    if isinstance(value, dict):
        names = [key.lower() for key, item in value.items() if type(item) is int]
        starts = any("start" in name or "begin" in name or "offset" in name or name == "from" for name in names)
        ends = any("end" in name or "length" in name or "stop" in name or name in ("to", "len") for name in names)
        if starts and ends:
            return where
        found = (find_offsets(item, f"{where}.{key}") for key, item in value.items())
    elif isinstance(value, list):
        if len(value) >= 3 and type(value[0]) is type(value[1]) is int and isinstance(value[2], str):
            return where
        found = (find_offsets(item, f"{where}[{i}]") for i, item in enumerate(value))
    else:
        return None
    return next((place for place in found if place is not None), None)


def to_id(value: Any) -> Optional[str]:
    """RETURNS (Optional[str]): The id of a document, which may be a number; None if it has none.
    RAISES (InputError): If it is something else."""
    return None if value is None else str(value) if type(value) is int else validate(_ID, value, "id")


def parse(text: str) -> Any:
    """Parse a value. A key whose value is null is the same as none.

    text (str): The JSON.
    RETURNS (Any): The value.
    RAISES (JsonError): If it is not JSON, or if a key stands twice in an object, a number is not finite, or values are
        nested too deeply.
    """
    value, end = _parse_at(text, _skip_blanks(text, 0))
    _expect_end(text, end)
    return value


def parse_elements(text: str) -> Iterator[Tuple[int, Any]]:
    """Parse the elements of an array one by one, or another value as if it were the only one.

    text (str): The JSON.
    YIELDS (Tuple[int, Any]): The line on which each element starts, from 1, and the element.
    RAISES (JsonError): As parse does.
    """
    start = _skip_blanks(text, 0)
    if text[start : start + 1] != "[":
        yield text.count("\n", 0, start) + 1, parse(text)
        return
    line, counted = 1, 0
    at = _skip_blanks(text, start + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = _parse_at(text, at)
        yield line, value
        at = _skip_blanks(text, at)
        if text[at : at + 1] == ",":
            at = _skip_blanks(text, at + 1)
        elif text[at : at + 1] != "]":
            raise _not_json("Expecting ',' delimiter", text, at)
    _expect_end(text, at + 1)


def _parse_at(text: str, at: int) -> Tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as err:
        raise _not_json(err.msg, text, err.pos) from None
    except InputError as err:
        message = str(err)
    except ValueError:  # Python parses no integer of thousands of digits
        message = "found a number too large to read"
    except RecursionError:
        message = "found values nested too deeply"
    raise JsonError(message, text.count("\n", 0, at) + 1)


def _not_json(message: str, text: str, at: int) -> JsonError:
    return JsonError(
        f"not JSON ({message} at character {at - text.rfind(chr(10), 0, at)})", text.count("\n", 0, at) + 1
    )


def _skip_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at


def _expect_end(text: str, at: int) -> None:
    at = _skip_blanks(text, at)
    if at < len(text):
        raise _not_json("Extra data", text, at)


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    entry: Dict[str, Any] = {}
    for key, value in pairs:
        if key in entry:
            raise InputError(f"found the key {excerpt(key)} twice in an object, expected it once")
        entry[key] = value
    return {key: value for key, value in entry.items() if value is not None}


def _refuse_constant(name: str) -> NoReturn:
    raise InputError(f"found {name}, expected a finite number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
