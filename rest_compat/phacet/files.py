"""Files: PDFs come in, and go out through links that need no key."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from domain import files, keys
from domain.access import Viewer
from domain.errors import Unauthenticated
from domain.files import FileUpload
from rest_compat.downloads import file_answer
from rest_compat.endpoints import Call, Services
from rest_compat.phacet import shapes
from rest_compat.uploads import BrokenForm, chunks_of, form_of
from rest_compat.wire import Refused, json_response, moment, token_of

#: How long a link works.
LIFETIME = timedelta(minutes=15)

_PDF = b"%PDF-"
_PREFIX = re.compile(r"[a-z0-9_]{1,32}")
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


async def upload_file(call: Call) -> Response:
    """The part `file` of a form, which must be a PDF by its bytes."""
    try:
        async with form_of(call) as form:
            part = form.get("file")
            if not isinstance(part, UploadFile):
                raise Refused(400, "The form has no file in a part named file")
            head = await part.read(len(_PDF))
            await part.seek(0)
            if head != _PDF:
                raise Refused(400, "The file is not a PDF")
            upload = FileUpload(part.filename or "file.pdf", chunks_of(part))
            made = await files.upload_file(
                call.viewer, call.storage, upload, most_bytes=call.limits.upload_bytes
            )
    except BrokenForm:
        kind = call.request.headers.get("content-type", "").lower()
        if not kind.startswith("multipart/form-data"):
            raise Refused(415, "The body must be multipart/form-data") from None
        raise Refused(400, "The body is not a form that can be read") from None
    return json_response(shapes.file(made), 201)


async def download_file(call: Call) -> Response:
    """The bytes, for whoever has the link."""
    file_id = call.id("fileId", "File")
    file, chunks = await files.read_file(call.viewer, call.storage, file_id)
    return file_answer(file, chunks)


def link_to(request: Request, file_id: UUID) -> dict[str, str | None]:
    """A link to a file that carries the right of the request's key, for a while.

    It is signed with what is stored of that key. So nothing else must be kept, every web process
    can check it, and it ends with the key at the latest."""
    token = token_of(request)
    if token is None:
        raise Unauthenticated
    expires = datetime.now(UTC).replace(microsecond=0) + LIFETIME
    seconds = int(expires.timestamp())
    signature = _signature(keys.hash_of(token), file_id, seconds)
    query = f"key={keys.prefix_of(token)}&expires={seconds}&signature={signature}"
    url = str(request.base_url.replace(path=f"/api/v2/files/{file_id}", query=query))
    return {"url": url, "downloadUrl": url, "fileUrl": url, "expiresAt": moment(expires)}


async def by_link(services: Services, request: Request) -> Viewer:
    """The viewer whose right a link carries. Raises `Refused`."""
    query = request.query_params
    prefix, expires = query.get("key", ""), query.get("expires", "")
    broken = Refused(403, "The link is not valid")
    if not _PREFIX.fullmatch(prefix) or not _SECONDS.fullmatch(expires):
        raise broken
    found = await services.storage.keys.find_by_prefix(prefix)
    if found is None or not keys.is_working(found.key):
        raise broken
    file_id = str(request.path_params["fileId"])
    right = _signature(found.hash, file_id, int(expires))
    given = query.get("signature", "").encode("utf-8", "replace")
    if not hmac.compare_digest(right.encode(), given):
        raise broken
    if int(expires) <= datetime.now(UTC).timestamp():
        raise Refused(403, "The link has expired")
    key = found.key
    return Viewer(key.organization_id, key.role, key.id, key.expires_at, scope=key.scope)


def _signature(key_hash: bytes, file_id: UUID | str, expires: int) -> str:
    content = f"file\n{file_id}\n{expires}".encode("utf-8", "replace")
    digest = hmac.digest(key_hash, content, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
