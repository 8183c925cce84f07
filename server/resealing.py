"""What the operator does with sealed secrets."""

from persistence import resealing
from persistence.engine import Database
from server.settings import Settings


async def reseal(settings: Settings) -> str:
    """Seal all secrets with the first key; a sentence about it."""
    async with Database.connect(settings.database_url or "", pool_size=2) as database:
        done = await resealing.reseal(database, settings.secret_box())
    told = f"Sealed anew with the first key: {done.changed}."
    if done.lost:
        return f"{told} Not to be opened by any key: {done.lost}; `tablecast doctor` names them."
    return f"{told} The other keys are not needed any more."
