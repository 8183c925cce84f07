"""The endpoints of this dialect, all in one table. Whatever succeeds is answered with 200."""

from dataclasses import replace

from rest_compat.endpoints import Endpoint, Parameter, by_key_always
from rest_compat.limai import (
    all_data,
    answers,
    bodies,
    classify,
    data,
    processing,
    review,
    uploads,
)
from rest_compat.limai.requests import classifier_exists, schema_exists

#: The paths that belong to this dialect; what is under them and not in it does not exist.
PREFIXES = ("/api/v1/document", "/api/v1/classify", "/api/v1/extraction-schema")

_SCHEMA = "Extraction schema not found"
_SCHEMA_OR_FILE = "Extraction schema not found, or File not found"
_CLASSIFIER_OR_FILE = "Classifier not found, or File not found"
_TEXT = {"type": "string"}
_FILENAME = Parameter("filename", "The name of the file; required.", _TEXT)
_RUNNING = "A job reads the file already, which `existingJobId` names."

_DOCUMENTS = (
    Endpoint(
        "GET",
        "/api/v1/document/get-file-data",
        operation="extractedRows",
        graphql_field="extractedRows",
        summary="Where a file stands, and what was found in it.",
        failure="get file data",
        handler=data.get_file_data,
        answer=answers.Processing | answers.Completed | answers.Partial | answers.Failed,
        parameters=(
            Parameter("fileId", "The file; required.", _TEXT),
            Parameter("extractionSchemaId", "What must have read it.", _TEXT),
        ),
        missing="File not found, or No processed data found for this file",
    ),
    Endpoint(
        "GET",
        "/api/v1/document/{extractionSchemaId}/get-url",
        operation="fileUploadUrl",
        graphql_field="fileUploadUrl",
        summary="A new file, and the address that its bytes are put to.",
        failure="get upload URL",
        handler=uploads.for_schema,
        answer=answers.UploadAddress,
        parameters=(_FILENAME,),
        missing=_SCHEMA,
        exists=schema_exists,
    ),
    Endpoint(
        "POST",
        "/api/v1/document/{extractionSchemaId}/process-file/{fileId}",
        operation="extractionStart",
        graphql_field="extractionStart",
        summary="Read a file, and answer with what was found in it.",
        failure="process file",
        handler=processing.process_file,
        answer=answers.Processed,
        body=bodies.NothingBody,
        body_needed=False,
        missing=_SCHEMA_OR_FILE,
        errors={
            409: _RUNNING,
            500: "It could not be read, or not as a whole; `jobId` names the job.",
            504: "It takes longer than a request may; the job `jobId` goes on.",
        },
        exists=schema_exists,
    ),
    Endpoint(
        "POST",
        "/api/v1/document/{extractionSchemaId}/process-file-async/{fileId}",
        operation="extractionStart",
        graphql_field="extractionStart",
        summary="Have a file read.",
        failure="process file",
        handler=processing.process_file_async,
        answer=answers.Queued,
        body=bodies.NothingBody,
        body_needed=False,
        missing=_SCHEMA_OR_FILE,
        errors={409: _RUNNING},
        exists=schema_exists,
    ),
    Endpoint(
        "POST",
        "/api/v1/document/{extractionSchemaId}/process-files-async",
        operation="extractionStart",
        graphql_field="extractionStart",
        summary="Have up to 500 files read.",
        failure="process files",
        handler=processing.process_files_async,
        answer=answers.AllQueued,
        body=bodies.FilesBody,
        missing=_SCHEMA_OR_FILE,
        exists=schema_exists,
    ),
    Endpoint(
        "POST",
        "/api/v1/document/{extractionSchemaId}/process-file/{fileId}/submit-corrections",
        operation="reviewSubmit",
        graphql_field="reviewSubmit",
        summary="Accept all rows of a file, or correct some and accept the others.",
        failure="submit corrections",
        handler=review.submit_corrections,
        answer=answers.Reviewed,
        body=bodies.CorrectionsBody,
        missing="Extraction schema not found, File not found, Table not found, or No processed "
        "data found for this file",
        errors={409: _RUNNING},
        exists=schema_exists,
    ),
)

_CLASSIFICATION = (
    Endpoint(
        "GET",
        "/api/v1/classify/{classifierId}/get-url",
        operation="fileUploadUrl",
        graphql_field="fileUploadUrl",
        summary="A new file to be classified, and the address that its bytes are put to.",
        failure="get upload URL",
        handler=uploads.for_classifier,
        answer=answers.UploadAddress,
        parameters=(_FILENAME,),
        missing="Classifier not found",
        exists=classifier_exists,
    ),
    Endpoint(
        "POST",
        "/api/v1/classify/{classifierId}",
        operation="documentClassify",
        graphql_field="documentClassify",
        summary="Tell which extraction schema reads a file.",
        failure="classify document",
        handler=classify.classify,
        answer=answers.Classified | answers.Unclassified,
        body=bodies.FileBody,
        missing=_CLASSIFIER_OR_FILE,
        exists=classifier_exists,
    ),
    Endpoint(
        "POST",
        "/api/v1/classify/{classifierId}/async",
        operation="documentClassify",
        graphql_field="documentClassify",
        summary="Tell which extraction schema reads a file, and have it read.",
        failure="classify document",
        handler=classify.classify_async,
        answer=answers.Classified | answers.Unclassified,
        body=bodies.FileBody,
        missing=_CLASSIFIER_OR_FILE,
        errors={409: _RUNNING},
        exists=classifier_exists,
    ),
)

_SCHEMAS = (
    Endpoint(
        "GET",
        "/api/v1/extraction-schema/get-all-data",
        operation="extractedRows",
        graphql_field="extractedRows",
        summary="Everything that was found in all files of a schema, by the names of files.",
        failure="get all data",
        handler=all_data.get_all_data,
        answer=answers.AllData,
        parameters=(Parameter("extractionSchemaId", "The extraction schema; required.", _TEXT),),
        missing=_SCHEMA,
    ),
)

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    replace(endpoint, admit=by_key_always)
    for endpoint in (*_DOCUMENTS, *_CLASSIFICATION, *_SCHEMAS)
)
