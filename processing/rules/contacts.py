"""Addresses in texts: e-mail, web, telephone, IBAN and postcodes."""

import re
from collections.abc import Iterator, Sequence

from processing.rules.candidates import Candidate, blanked
from processing.rules.records import Passage

EMAIL, URL, PHONE, IBAN, POSTCODE = "email", "url", "phone", "iban", "postcode"

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+@-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_+-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9@])"
)
_URL = re.compile(r"(?<![A-Za-z0-9])https?://[^\s<>\"“”«»|\\^`{}\x00-\x1f]{1,2000}", re.IGNORECASE)
_WWW = re.compile(
    r"(?<![\w@./-])www\.[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){1,6}"
    r"(?:/[^\s<>\"“”]{0,1000})?",
    re.IGNORECASE,
)
_TOP_LEVELS = (
    "com|org|net|io|dev|app|ai|co|info|biz|edu|gov|eu|de|fr|uk|ch|at|it|es|nl|be|se|no|dk|fi|pl|cz"
    "|us|ca|au|nz|in|jp|cn|br|mx|shop|store|tech|cloud|online|xyz"
)
_BARE = re.compile(
    rf"(?<![\w@./-])(?:[a-z0-9][a-z0-9-]{{0,62}}\.){{1,4}}(?:{_TOP_LEVELS})(?![\w@-]|\.[a-z0-9])"
    r"(?:/[^\s<>\"“”]{0,1000})?"
)
_PHONE = re.compile(
    r"(?<![\w.,/:#$€£-])(?:\+[ ]?|\(?00|\()?[0-9(][0-9]{0,14}"
    r"(?:[ \u00a0./()-]{1,3}[0-9]{1,12}){0,8}"
    r"(?![\w]|[.,:/-][0-9]|[ \u00a0]?[%€£$°])"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{2,4}){3,8}(?: ?[A-Z0-9]{1,3})?")
_POSTCODES = (
    re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}(?![A-Za-z0-9])"),
    re.compile(r"(?<=[A-Z]{2} )[0-9]{5}(?:-[0-9]{4})?(?![0-9A-Za-z-])"),
    re.compile(r"(?<![\w.,-])[0-9]{5}(?= [A-ZÄÖÜÉ][a-zäöüéèß]{2})"),
    re.compile(r"(?<![A-Za-z0-9])[A-Z][0-9][A-Z] [0-9][A-Z][0-9](?![A-Za-z0-9])"),
)
_CLOSING = {")": "(", "]": "["}


def emails(passages: Sequence[Passage]) -> list[Candidate]:
    return [
        Candidate(passage, *match.span(), match[0], EMAIL)
        for passage in passages
        for match in _EMAIL.finditer(passage.text)
        if ".." not in match[0]
    ]


def urls(passages: Sequence[Passage]) -> list[Candidate]:
    """Web addresses. One without a scheme gets https, and is less certain."""
    return [candidate for passage in passages for candidate in _urls(passage)]


def _urls(passage: Passage) -> Iterator[Candidate]:
    text = passage.text
    for form, scheme, certainty in _WEB_FORMS:
        taken = []
        for match in form.finditer(text):
            start, end = match.start(), match.start() + len(_without_tail(match[0]))
            taken.append((start, end))
            value = scheme + passage.text[start:end]
            yield Candidate(passage, start, end, value, URL, certainty=certainty)
        text = blanked(text, taken)


_WEB_FORMS = ((_URL, "", 1.0), (_WWW, "https://", 0.93), (_BARE, "https://", 0.85))


def _without_tail(written: str) -> str:
    """Without the marks of the sentence around it; brackets stay when they belong to it."""
    while written:
        last = written[-1]
        if last in ".,;:!?'\u2019*_…" or (
            last in _CLOSING and written.count(last) > written.count(_CLOSING[last])
        ):
            written = written[:-1]
        else:
            break
    return written


def phones(passages: Sequence[Passage]) -> list[Candidate]:
    """What has the digits of a telephone number: 7 to 15. Without a plus or a label it is only a
    number, which its certainty says."""
    found = []
    for passage in passages:
        for match in _PHONE.finditer(passage.text):
            digits = re.sub(r"[^0-9]", "", match[0])
            groups = len(re.findall(r"[0-9]+", match[0]))
            if not 7 <= len(digits) <= 15 or match[0].count("(") != match[0].count(")"):
                continue
            abroad = match[0].startswith(("+", "00"))
            certainty = 1.0 if abroad else (0.9 if groups > 1 or match[0].startswith("0") else 0.6)
            found.append(Candidate(passage, *match.span(), match[0], PHONE, certainty=certainty))
    return found


def ibans(passages: Sequence[Passage]) -> list[Candidate]:
    """International bank account numbers whose check digits are right, without spaces."""
    found = []
    for passage in passages:
        for match in _IBAN.finditer(passage.text):
            end = match.end()
            while end > match.start():
                compact = passage.text[match.start() : end].replace(" ", "")
                if 15 <= len(compact) <= 34 and _checks(compact):
                    found.append(Candidate(passage, match.start(), end, compact, IBAN))
                    break
                end = passage.text.rfind(" ", match.start(), end)
    return found


def _checks(iban: str) -> bool:
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def postcodes(passages: Sequence[Passage]) -> list[Candidate]:
    """Postcodes of the United Kingdom, the United States, Canada, and five digits before a town."""
    return [
        Candidate(passage, *match.span(), match[0], POSTCODE, certainty=0.95)
        for passage in passages
        for form in _POSTCODES
        for match in form.finditer(passage.text)
    ]


def e164(written: str, country: str | None) -> str | None:
    """Plus and digits. A number without its country gets `country`, digits such as 49, in place of
    the leading zero; without a country it stays unknown."""
    digits = re.sub(r"[^0-9]", "", written.replace("(0)", ""))
    bare = written.strip().lstrip("(")
    if bare.startswith("+"):
        number = digits
    elif bare.startswith("00"):
        number = digits[2:]
    elif country is not None:
        number = (
            country + digits.removeprefix("0")
            if not (country == "1" and len(digits) == 11 and digits[0] == "1")
            else digits
        )
    else:
        return None
    return f"+{number}" if 7 <= len(number) <= 15 and number[0] != "0" else None
