"""Uploads: a file in, its bytes out, and gone."""

import pytest

from tests.rest.calls import UNKNOWN, Calls, fields, refused

KEYS = ["id", "filename", "originalName", "size", "type", "taskId"]
FILE_AS_TEXT = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--b--\r\n'
OTHER_FILE = FILE_AS_TEXT.replace(b'name="file"', b'name="document"; filename="a"')
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
BOUNDARY = "multipart/form-data; boundary=b"


async def test_a_file_comes_back_as_it_went_in(calls: Calls) -> None:
    content = bytes(range(256)) * 300
    made = await calls.upload(content, "raw.bin", "application/x-mine", taskId="task-1")
    assert list(made) == KEYS
    assert {key: made[key] for key in KEYS[1:]} == {
        "filename": "raw.bin",
        "originalName": "raw.bin",
        "size": len(content),
        "type": "application/octet-stream",
        "taskId": "task-1",
    }
    answer = await calls.client.get(f"/api/uploads/{made['id']}")
    assert (answer.status_code, answer.content) == (200, content)
    expected = {
        "content-type": "application/octet-stream",
        "content-length": str(len(content)),
        "content-disposition": 'attachment; filename="raw.bin"',
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    assert {name: answer.headers[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "content", "type_"),
    [
        ("a.csv", b"a,b\n1,2\n", "text/csv"),
        ("a.csv", PNG, "image/png"),
        ("a.tsv", b"a\tb\n1\t2\n", "text/tab-separated-values"),
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.html", b"<script>alert(1)</script>", "text/plain"),
        ("empty", b"", "text/plain"),
    ],
)
async def test_the_type_is_told_from_the_bytes(
    calls: Calls, name: str, content: bytes, type_: str
) -> None:
    made = await calls.upload(content, name, "text/csv")
    assert (made["type"], made["size"], made["taskId"]) == (type_, len(content), None)
    answer = await calls.client.get(f"/api/uploads/{made['id']}")
    assert (answer.headers["content-type"].split(";")[0], answer.content) == (type_, content)


@pytest.mark.parametrize(
    ("name", "kept", "disposition"),
    [
        ("../../etc/passwd", "passwd", 'attachment; filename="passwd"'),
        ("C:\\files\\a b.csv", "a b.csv", 'attachment; filename="a b.csv"'),
        (
            "naïve.csv",
            "naïve.csv",
            "attachment; filename=\"na_ve.csv\"; filename*=UTF-8''na%C3%AFve.csv",
        ),
        (
            "semi;colon.csv",
            "semi;colon.csv",
            "attachment; filename=\"semi_colon.csv\"; filename*=UTF-8''semi%3Bcolon.csv",
        ),
    ],
)
async def test_names_cannot_break_out(calls: Calls, name: str, kept: str, disposition: str) -> None:
    made = await calls.upload(b"a,b\n1,2\n", name)
    assert (made["filename"], made["originalName"]) == (kept, kept)
    answer = await calls.client.get(f"/api/uploads/{made['id']}")
    assert answer.headers["content-disposition"] == disposition


async def test_a_deleted_file_is_gone(calls: Calls) -> None:
    made = await calls.upload(b"a,b\n1,2\n")
    path = f"/api/uploads/{made['id']}"
    answer = await calls.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await calls.client.get(path), 404, "File not found")
    refused(await calls.client.delete(path), 404, "File not found")


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_unknown_files(calls: Calls, unknown: str) -> None:
    refused(await calls.client.get(f"/api/uploads/{unknown}"), 404, "File not found")
    refused(await calls.client.delete(f"/api/uploads/{unknown}"), 404, "File not found")


@pytest.mark.parametrize(
    ("type_", "body", "told"),
    [
        ("application/json", b"{}", "Invalid form data"),
        ("", b"", "Invalid form data"),
        ("multipart/form-data", b"", "Invalid form data"),
        (BOUNDARY, b"--x\r\n", "Invalid form data"),
        (BOUNDARY, b"", "No file provided"),
        (BOUNDARY, FILE_AS_TEXT, "No file provided"),
        (BOUNDARY, OTHER_FILE, "No file provided"),
    ],
)
async def test_what_is_no_form_with_a_file(
    calls: Calls, type_: str, body: bytes, told: str
) -> None:
    answer = await calls.client.post("/api/uploads", content=body, headers={"content-type": type_})
    refused(answer, 400, told)


async def test_bad_fields_are_told(calls: Calls) -> None:
    answer = await calls.client.post(
        "/api/uploads", files={"file": ("n" * 257, b"x")}, data={"taskId": "t" * 257}
    )
    told = {
        "filename": ["filename is longer than 256 characters"],
        "taskId": ["taskId is longer than 256 characters"],
    }
    refused(answer, 400, fields(**told))
