"""Characters as documents keep them."""

#: Joined letters that some fonts have, as the letters that people search for.
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
}
#: Control characters, marks that are never shown, and halves of pairs.
_DROPPED = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0xFEFF, 0xFFFE, 0xFFFF]
_TABLE: dict[int, str | None] = {
    **dict.fromkeys(_DROPPED),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    **_LIGATURES,
}


def clean(word: str) -> str:
    """A word without what no text holds. It may be empty then."""
    return word if word.isascii() and word.isprintable() else word.translate(_TABLE)
