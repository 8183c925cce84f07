"""Prompts become texts: asked patiently, with what they cost. Reading them is for others."""

import asyncio
import random

from domain.tool_records import Usage
from processing.providers.answering import patiently, plus
from processing.providers.clients import Client
from processing.providers.estimates import MOST_ATTEMPTS
from processing.providers.replies import Failed, Prompt, Told, TooLong, TooSlow


async def told(client: Client, prompt: Prompt, pause: float) -> Told:
    """What the model says. Connections that break and servers that fall over are tried again; what
    takes too long is not, since it would again. Raises `Failed`, and `TryLater`."""
    for attempt in range(MOST_ATTEMPTS):
        try:
            reply = await patiently(client, prompt)
        except (TooSlow, TooLong):
            raise
        except Failed as error:
            if not error.again or attempt == MOST_ATTEMPTS - 1:
                raise
            await asyncio.sleep(pause * 4**attempt * random.uniform(0.8, 1.2))  # noqa: S311
            continue
        break
    usage = plus(client, prompt, Usage(), reply)
    return Told(client.without_key(reply.text), reply.model, reply.finish, usage)
