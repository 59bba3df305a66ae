"""The reference says what the code does."""

from reference import REFERENCE, read_docstring, reference


def test_the_reference_is_made_from_the_present_code():
    assert REFERENCE.read_text(encoding="utf8") == reference(), "run python docs/make/reference.py"


def test_docstrings_are_read_in_spacy_s_form():
    def function():
        """Do a thing. It takes
        two lines.

        name (Optional[str]): A name: with a colon,
            and a second line.
        **values (Any): Others.
        RETURNS (Dict[str, int]): Some
            numbers.
        """

    text, items = read_docstring(function)
    assert text == "Do a thing. It takes two lines."
    assert items == [
        ("name", "Optional[str]", "A name: with a colon, and a second line."),
        ("**values", "Any", "Others."),
        ("RETURNS", "Dict[str, int]", "Some numbers."),
    ]
