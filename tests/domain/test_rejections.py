"""How error messages show values."""

import pytest

from domain.rejections import show


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("größe", '"größe"'),
        ("Größe\nund Maß", r'"Größe\nund Maß"'),
        ("a\u2028b\x7f\u200b“c”\ud800", r'"a\u2028b\u007f\u200b“c”\ud800"'),
        ("line\n" + "x" * 100, '"line\\n' + "x" * 55 + '…"'),
        (True, "true"),
        (["a"], "a list"),
    ],
)
def test_values_are_short_and_printable(value: object, shown: str) -> None:
    assert show(value) == shown
    assert show(value).isprintable()
