"""Every error, byte for byte."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from domain import extraction, keys
from domain.access import Role, Scope
from domain.extraction_commands import SchemaUpdate
from domain.extraction_records import SchemaStatus
from domain.keys import ApiKeyCreate
from domain.upload_links import LIFETIME, upload_path
from persistence.secret_box import SecretBox
from rest_compat.limai.routes import ENDPOINTS
from tests.limai.calls import Limai, Script, classifier, invoices, refused
from tests.serving import Site

UNKNOWN = "00000000-0000-0000-0000-000000000001"
NO_KEY = {"error": "Authentication required"}
NO_RIGHT = {"error": "Unauthorized: No access to this project"}
NO_SCHEMA = "Extraction schema not found"


def paths(schema: Any = UNKNOWN, file: str = UNKNOWN) -> list[tuple[str, str]]:
    """Every method and path with these ids."""
    return [
        (
            endpoint.method,
            endpoint.path.replace("{extractionSchemaId}", str(schema))
            .replace("{fileId}", file)
            .replace("{classifierId}", UNKNOWN),
        )
        for endpoint in ENDPOINTS
    ]


async def every(client: httpx2.AsyncClient) -> Sequence[httpx2.Response]:
    """The answers of all endpoints to a request that names nothing."""
    return [await client.request(method, path) for method, path in paths()]


async def test_without_a_key_or_with_a_wrong_one_nothing_is_told(site: Site) -> None:
    for key in ("", "tc_aaaaaaaa_" + "x" * 43, "nonsense"):
        async with site.client(key) as client:
            for answer in await every(client):
                refused(answer, 401, NO_KEY)
                assert answer.content == b'{"error":"Authentication required"}'


async def test_a_token_that_has_ended_or_was_revoked_is_no_key(site: Site) -> None:
    storage, viewer = site.gateway.storage, site.viewer
    soon = datetime.now(UTC) + timedelta(hours=1)
    ended = await keys.create_key(viewer, storage, ApiKeyCreate("token", Role.EDITOR, soon))
    revoked = await keys.create_key(viewer, storage, ApiKeyCreate("token", Role.EDITOR, soon))
    ends = "UPDATE api_key SET expires_at = created_at WHERE id = $1"
    await site.gateway.database.pool.execute(ends, ended.key.id)
    await keys.revoke_key(viewer, storage, revoked.key.id)
    for secret in (ended.secret, revoked.secret):
        async with site.client(secret) as client:
            refused(await client.get("/api/v1/document/get-file-data"), 401, NO_KEY)


async def test_a_low_role_or_a_narrow_scope_is_refused(site: Site) -> None:
    async with site.client(await site.new_key(Role.VIEWER)) as client:
        for (method, path), endpoint in zip(paths(), ENDPOINTS, strict=True):
            answer = await client.request(method, path)
            if method == "POST" or endpoint.operation == "fileUploadUrl":
                refused(answer, 403, NO_RIGHT)
                assert answer.content == b'{"error":"Unauthorized: No access to this project"}'
            else:
                assert answer.status_code in (400, 404), endpoint


async def test_what_a_scope_does_not_reach_does_not_exist(site: Site, limai: Limai) -> None:
    mine, other = await invoices(site, "Mine"), await invoices(site, "Other")
    scope = Scope(frozenset(), frozenset(table.table_id for table in mine.tables))
    command = ApiKeyCreate("narrow", Role.EDITOR, scope=scope)
    made = await keys.create_key(site.viewer, site.gateway.storage, command)
    async with site.client(made.secret) as client:
        path = "/api/v1/document/{}/get-url"
        answer = await client.get(path.format(mine.id), params={"filename": "a.pdf"})
        assert answer.status_code == 200, answer.text
        answer = await client.get(path.format(other.id), params={"filename": "a.pdf"})
        refused(answer, 404, NO_SCHEMA)


@pytest.mark.parametrize("unknown", [UNKNOWN, "es_001", "é"])
async def test_unknown_schemas_files_and_classifiers(
    site: Site, limai: Limai, unknown: str
) -> None:
    schema = await invoices(site)
    classifier_id = await classifier(site, schema.id)
    client = limai.client
    for path in ("get-url?filename=a.pdf", "get-url"):
        answer = await client.get(f"/api/v1/document/{unknown}/{path}")
        refused(answer, 404, NO_SCHEMA)
    for path in ("process-file/x", "process-file-async/x", "process-files-async"):
        answer = await client.post(f"/api/v1/document/{unknown}/{path}", content=b"{")
        refused(answer, 404, NO_SCHEMA)
    answer = await client.post(f"/api/v1/document/{unknown}/process-file/x/submit-corrections")
    refused(answer, 404, NO_SCHEMA)
    answer = await client.get(
        "/api/v1/extraction-schema/get-all-data", params={"extractionSchemaId": unknown}
    )
    refused(answer, 404, NO_SCHEMA)
    own = f"/api/v1/document/{schema.id}"
    for path in ("process-file", "process-file-async"):
        refused(await client.post(f"{own}/{path}/{unknown}"), 404, "File not found")
    answer = await client.post(f"{own}/process-file/{unknown}/submit-corrections")
    refused(answer, 404, "File not found")
    answer = await client.post(f"{own}/process-files-async", json={"fileIds": [unknown]})
    refused(answer, 404, "File not found")
    answer = await client.get("/api/v1/document/get-file-data", params={"fileId": unknown})
    refused(answer, 404, "File not found")
    answer = await client.get(f"/api/v1/classify/{unknown}/get-url", params={"filename": "a"})
    refused(answer, 404, "Classifier not found")
    for path in ("", "/async"):
        answer = await client.post(f"/api/v1/classify/{unknown}{path}", json={"fileId": UNKNOWN})
        refused(answer, 404, "Classifier not found")
        answer = await client.post(
            f"/api/v1/classify/{classifier_id}{path}", json={"fileId": unknown}
        )
        refused(answer, 404, "File not found")


async def test_requests_that_lack_something(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    classifier_id = await classifier(site, schema.id)
    client, own = limai.client, f"/api/v1/document/{schema.id}"
    missing = "Missing filename query parameter"
    for path in (f"{own}/get-url", f"{own}/get-url?filename="):
        answer = await client.get(path)
        refused(answer, 400, missing)
        assert answer.content == b'{"error":"Missing filename query parameter"}'
    refused(await client.get(f"/api/v1/classify/{classifier_id}/get-url"), 400, missing)
    answer = await client.get("/api/v1/document/get-file-data")
    refused(answer, 400, "Missing fileId query parameter")
    answer = await client.get("/api/v1/extraction-schema/get-all-data")
    refused(answer, 400, "Missing extractionSchemaId query parameter")
    answer = await client.post(f"{own}/process-files-async", json={})
    refused(answer, 400, "fileIds: Field required")
    answer = await client.post(f"{own}/process-files-async", json={"fileIds": []})
    assert answer.status_code == 400
    answer = await client.post(f"{own}/process-files-async", json={"fileIds": [UNKNOWN] * 501})
    assert answer.status_code == 400
    answer = await client.post(f"{own}/process-files-async", content=b"{")
    refused(answer, 400, "Invalid JSON body")
    answer = await client.post(f"{own}/process-files-async", json=[])
    assert answer.status_code == 400
    for body in ({}, {"fileId": ""}, {"fileId": None}):
        answer = await client.post(f"/api/v1/classify/{classifier_id}", json=body)
        refused(answer, 400, "fileId is required")


async def test_a_file_that_was_not_uploaded(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    classifier_id = await classifier(site, schema.id)
    file_id = (await limai.get(f"/document/{schema.id}/get-url", filename="a.pdf"))["fileId"]
    text, own = "File has not been uploaded", f"/api/v1/document/{schema.id}"
    for path in ("process-file", "process-file-async"):
        answer = await limai.client.post(f"{own}/{path}/{file_id}", json={})
        refused(answer, 400, text)
        assert answer.content == b'{"error":"File has not been uploaded"}'
    answer = await limai.client.post(f"{own}/process-files-async", json={"fileIds": [file_id]})
    refused(answer, 400, text)
    for path in ("", "/async"):
        answer = await limai.client.post(
            f"/api/v1/classify/{classifier_id}{path}", json={"fileId": file_id}
        )
        refused(answer, 400, text)


async def test_a_file_that_was_never_processed(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}")
    text = "No processed data found for this file"
    answer = await limai.client.get("/api/v1/document/get-file-data", params={"fileId": file_id})
    refused(answer, 404, text)
    answer = await limai.client.post(
        f"/api/v1/document/{schema.id}/process-file/{file_id}/submit-corrections",
        json={"acceptAll": True},
    )
    refused(answer, 404, text)
    assert (
        await limai.get("/extraction-schema/get-all-data", extractionSchemaId=str(schema.id)) == {}
    )


async def test_a_file_that_is_being_read(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}")
    job_id = await limai.start(schema, file_id)
    own = f"/api/v1/document/{schema.id}"
    told = {
        "error": "Job already in progress",
        "message": "A processing job for this file is already in progress.",
        "fileId": file_id,
        "existingJobId": job_id,
    }
    for path in ("process-file", "process-file-async"):
        answer = await limai.client.post(f"{own}/{path}/{file_id}", json={})
        refused(answer, 409, told)
    answer = await limai.client.post(
        f"{own}/process-file/{file_id}/submit-corrections", json={"acceptAll": True}
    )
    refused(answer, 409, told)
    many = await limai.post(f"/document/{schema.id}/process-files-async", {"fileIds": [file_id]})
    assert many["jobs"] == [{"fileId": file_id, "jobId": job_id}]


async def test_a_schema_that_takes_no_documents(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}")
    command = SchemaUpdate(status=SchemaStatus.PAUSED)
    await extraction.update_schema(site.viewer, site.gateway.storage, schema.id, command)
    answer = await limai.client.post(f"/api/v1/document/{schema.id}/process-file/{file_id}")
    assert answer.status_code == 409
    assert "paused" in answer.json()["error"]


async def test_another_schema_than_the_one_that_read_the_file(site: Site, limai: Limai) -> None:
    schema, other = await invoices(site), await invoices(site)
    file_id = await limai.upload(f"document/{schema.id}")
    await limai.read(await limai.start(schema, file_id), Script({"number": "1"}))
    text = "File does not belong to this extraction schema"
    for wrong in (str(other.id), UNKNOWN, "es_1"):
        query = {"fileId": file_id, "extractionSchemaId": wrong}
        answer = await limai.client.get("/api/v1/document/get-file-data", params=query)
        refused(answer, 400, text)
    path = f"/api/v1/document/{other.id}/process-file/{file_id}/submit-corrections"
    refused(await limai.client.post(path, json={"acceptAll": True}), 400, text)


async def test_addresses_for_bytes_end_and_cannot_be_made_up(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    made = await limai.get(f"/document/{schema.id}/get-url", filename="a.pdf")
    token = made["url"].rsplit("/", 1)[1]
    late = _path(site, UUID(made["fileId"]), timedelta(seconds=-1))
    forged = upload_path(SecretBox([b"x" * 32]), site.viewer.organization_id, UUID(int=1))
    async with httpx2.AsyncClient(base_url=site.url) as stranger:
        for path in (f"/upload/{token[:-2]}", "/upload/x", "/upload/%00", forged):
            refused(await stranger.put(path, content=b"x"), 403, "The link is not valid")
        refused(await stranger.put(late, content=b"x"), 403, "The link has expired")
        unknown = _path(site, UUID(int=1))
        refused(await stranger.put(unknown, content=b"x"), 404, "File not found")
        answer = await stranger.post(f"/upload/{token}", content=b"x")
        assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, PUT")


def _path(site: Site, file_id: UUID, lifetime: timedelta = LIFETIME) -> str:
    signer = site.gateway.storage.secret_box
    return upload_path(signer, site.viewer.organization_id, file_id, lifetime)


async def test_bytes_come_again_until_the_file_is_read(site: Site, limai: Limai) -> None:
    schema = await invoices(site)
    made = await limai.get(f"/document/{schema.id}/get-url", filename="a.pdf")
    await limai.put(made["url"], b"first")
    await limai.put(made["url"], b"second, and longer")
    job_id = await limai.start(schema, made["fileId"])
    async with httpx2.AsyncClient() as stranger:
        assert (await stranger.put(made["url"], content=b"third")).status_code == 409
    await limai.read(job_id, Script({"number": "1"}))
    async with httpx2.AsyncClient() as stranger:
        assert (await stranger.put(made["url"], content=b"third")).status_code == 409


async def test_paths_and_methods_that_do_not_exist(limai: Limai) -> None:
    for path in ("document/x", "document/x/y", "classify/a/b", "extraction-schema/x"):
        refused(await limai.client.get(f"/api/v1/{path}"), 404, "Not found")
    answer = await limai.client.delete("/api/v1/document/get-file-data")
    refused(answer, 405, "Method not allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
