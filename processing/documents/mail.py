"""Reads e-mails: headers and body as pages, and the files that they carry."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from domain.documents import Page, Unreadable
from domain.file_types import HEAD_BYTES, MAIL, identify
from processing.documents.bounds import ATTACHMENTS, MAIL_BYTES
from processing.documents.charset import decoded
from processing.documents.child import Contents, Options, main
from processing.documents.drawing import drawn_page
from processing.documents.html_text import html_pages, told_charset
from processing.documents.typewriter import Typewriter, plain_pages

_SHOWN = ("From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Date")
_LONGEST = 2_000
_NESTED = "The parts of the e-mail are nested too deep"


@dataclass(slots=True)
class _Mail:
    headers: list[tuple[str, str]]
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    carried: list[tuple[str, bytes]] = field(default_factory=list)


def read(path: Path, options: Options) -> Contents:
    mail = _parsed(path)
    return Contents(_pages(mail), mail.headers, _kept(mail, options.parts))


def draw(path: Path, number: int, width: int, options: Options) -> bytes:
    return drawn_page(_pages(_parsed(path)), number, width)


def _parsed(path: Path) -> _Mail:
    if path.stat().st_size > MAIL_BYTES:
        raise Unreadable(f"The e-mail has more than {MAIL_BYTES // 1_000_000} MB")
    try:
        with path.open("rb") as file:
            message = BytesParser(policy=policy.compat32).parse(file)
        mail = _Mail([(name, text) for name in _SHOWN for text in _header(message, name)])
        _walk(message, mail)
    except RecursionError:
        raise Unreadable(_NESTED) from None
    return mail


def _header(message: Message, name: str) -> Iterator[str]:
    """The header as people read it; as it stands when it cannot be decoded."""
    for told in message.get_all(name, []):
        raw = str(told)[:_LONGEST]
        try:
            text = str(make_header(decode_header(raw)))
        except (HeaderParseError, LookupError, UnicodeError, ValueError):
            text = raw
        text = " ".join(text.encode(errors="replace").decode().split())
        if text:
            yield text


def _walk(message: Message, mail: _Mail) -> None:
    """Sort the parts of a message, not those of messages in it."""
    left = [message]
    while left:
        part = left.pop()
        kind, name = part.get_content_type(), _file_name(part)
        inner = _parts(part)
        if inner and kind != MAIL:
            left += inner[::-1]
        elif inner:
            mail.carried += [(name or _subject(each), each.as_bytes()) for each in inner]
        elif name or part.get_content_disposition() == "attachment":
            mail.carried.append((name, _bytes(part)))
        elif kind == "text/html":
            content_of = _bytes(part)
            mail.html.append(decoded(content_of, _charset(part) or told_charset(content_of)))
        elif kind.startswith("text/"):
            mail.plain.append(decoded(_bytes(part), _charset(part)))
        else:
            mail.carried.append((name, _bytes(part)))


def _parts(part: Message) -> list[Message]:
    content = part.get_payload() if part.is_multipart() else []
    return [each for each in content if isinstance(each, Message)]


def _bytes(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, UnicodeError, AssertionError):
        return b""
    return content if isinstance(content, bytes) else b""


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, UnicodeError):
        return None


def _file_name(part: Message) -> str:
    try:
        told = part.get_filename() or ""
        text = str(make_header(decode_header(told))) if "=?" in told else told
    except (HeaderParseError, LookupError, UnicodeError, ValueError, TypeError):
        return ""
    return " ".join(text.encode(errors="replace").decode().split())[:255]


def _subject(message: Message) -> str:
    return f"{next(_header(message, 'Subject'), 'message')[:200]}.eml"


def _pages(mail: _Mail) -> Iterator[Page]:
    """HTML where it has tables or is all there is; else the plain text."""
    heads = [f"{name}: {text}" for name, text in mail.headers]
    html = "\n<hr>\n".join(mail.html)
    if html and (not any(text.strip() for text in mail.plain) or "<table" in html.lower()):
        paper = Typewriter()
        for head in heads:
            paper.line(head)
        paper.line("")
        yield from html_pages(html, paper)
        return
    body = [line for text in mail.plain for line in text.splitlines()]
    yield from plain_pages([*heads, "", *body])


def _kept(mail: _Mail, folder: str | None) -> list[Mapping[str, Any]]:
    """What is told of each file; its bytes are laid into the folder under its number."""
    if len(mail.carried) > ATTACHMENTS:
        raise Unreadable(f"The e-mail carries more than {ATTACHMENTS} files")
    told: list[Mapping[str, Any]] = []
    for number, (name, content) in enumerate(mail.carried):
        if folder is not None:
            (Path(folder) / str(number)).write_bytes(content)
        kind = identify(content[:HEAD_BYTES], name)
        told.append({"name": name or f"file {number + 1}", "kind": kind, "size": len(content)})
    return told


if __name__ == "__main__":
    sys.exit(main(read, draw))
