"""The bytes of files: a local folder by default, S3-compatible storage by URL."""

from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from pathlib import Path

from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

#: How much of a file is in memory at once while it is read or written.
CHUNK_BYTES = 1_048_576
#: Parts of a multipart upload; S3 refuses parts below 5 MB.
_PART_BYTES = 5_242_880


class Blobs:
    """One store of blobs by key. A blob is written once and never changed."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    @classmethod
    def open(cls, place: Path | str) -> "Blobs":
        """The store in a folder, which is made if need be, or at a URL such as `s3://bucket/prefix`.

        Credentials and the endpoint of an S3-compatible service come from the `AWS_…` variables."""
        if isinstance(place, Path):
            return cls(LocalStore(place, mkdir=True, automatic_cleanup=True))
        return cls(from_url(place))

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Store a stream. It is there as a whole or, after any error, not at all."""
        failed: list[Exception] = []

        async def guarded() -> AsyncIterator[bytes]:
            # The store reports an error of its source in words only; the error itself is wanted.
            try:
                async for chunk in chunks:
                    if chunk:
                        yield chunk
            except Exception as error:
                failed.append(error)
                raise

        try:
            await self.store.put_async(key, guarded(), chunk_size=_PART_BYTES, max_concurrency=2)
        except Exception:
            if failed:
                raise failed[0] from None
            raise

    async def read(self, key: str, offset: int, size: int) -> AsyncIterator[bytes]:
        """The bytes from `offset` to the end of a blob of `size` bytes, in chunks of about 1 MB.

        Each chunk is a request of its own, so that a slow reader holds nothing open. Raises
        `FileNotFoundError` when the blob is not there, or not any more."""
        while offset < size:
            length = min(CHUNK_BYTES, size - offset)
            try:
                chunk = await self.store.get_range_async(key, start=offset, length=length)
            except NotFoundError:
                raise FileNotFoundError(key) from None
            yield bytes(chunk)
            offset += length

    async def get(self, key: str) -> bytes | None:
        """A whole blob, None when there is none. For small ones."""
        try:
            return bytes(await (await self.store.get_async(key)).bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None

    async def copy(self, key: str, other: str) -> None:
        """Put a blob under another key too; a folder keeps its bytes once."""
        await self.store.copy_async(key, other)

    async def size(self, key: str) -> int | None:
        """The size of a blob in bytes, None when there is none."""
        try:
            return int((await self.store.head_async(key))["size"])
        except (NotFoundError, FileNotFoundError):
            return None

    async def delete_all(self, folder: str, before: datetime | None = None) -> None:
        """Remove every blob whose key begins with this folder, or those that were written before a
        moment."""
        async for found in self.store.list(prefix=f"{folder}/"):
            for each in found:
                if before is None or each["last_modified"] < before:
                    await self.delete(each["path"])

    async def delete(self, key: str) -> None:
        """Remove a blob; one that is gone already is fine."""
        try:
            await self.store.delete_async(key)
        except (NotFoundError, FileNotFoundError):
            return
