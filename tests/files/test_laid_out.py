"""Texts of documents for the rules: labels and values side by side, citations in their places."""

import pytest

from processing.rules.laid_out import lay_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invoice number:\tA-17", "Invoice number: A-17"),
        ("Invoice number\tA-17", "Invoice number:A-17"),
        ("Number\tA-17\tDate\t2026-03-14", "Number:A-17\tDate:2026-03-14"),
        ("Customer\tSmith & Sons\nCity\tYork", "Customer:Smith & Sons\nCity:York"),
        # The header of a table, and its rows: a table row is no pair.
        ("Item\tAmount\nTea\t3.50\nCake\t2.00", "Item\tAmount\nTea:3.50\nCake:2.00"),
        ("Tea\t1\t3.50\t3.50", "Tea\t1\t3.50\t3.50"),
        ("Item\tQuantity\tPrice\tAmount\nTea\t1\t2\t2", None),
        ("no tabs\nat all", "no tabs\nat all"),
        ("", ""),
    ],
)
def test_labels_get_a_colon(text: str, expected: str | None) -> None:
    sheet = lay_out(text)
    assert sheet.text[: len(text)] == (text if expected is None else expected)
    assert sheet.origin(0, len(text)) == (0, len(text))


def test_values_under_their_labels_stand_beside_them_too() -> None:
    text = "Acme Ltd\n\nNumber\tDate\tDue:\nA-17\t2026-03-14\t2026-04-13\n\nThank you"
    sheet = lay_out(text)
    added = sheet.text[len(text) :].split("\n")[1:]
    assert added == ["Number: A-17", "Date: 2026-03-14", "Due: 2026-04-13"]
    start = sheet.text.rindex("2026-04-13")
    begin, end = sheet.origin(start, start + 10)
    assert text[begin:end] == "2026-04-13"
    assert begin == text.index("2026-04-13")
    # What spans a label that was said once more stands nowhere.
    assert sheet.origin(start - 3, start + 10) == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        # Further rows make it a table.
        "Number\tDate\nA-17\t2026-03-14\nA-18\t2026-03-15",
        "Name\tCity\nSmith\tYork",
        "1\t2\n3\t4",
    ],
)
def test_tables_say_nothing_twice(text: str) -> None:
    assert len(lay_out(text).text) == len(text)
