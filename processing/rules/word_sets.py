"""Lists of words, written as one text."""


def word_set(listed: str) -> frozenset[str]:
    """The words of a text between spaces."""
    return frozenset(listed.split())
