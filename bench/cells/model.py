"""A model that takes 50 ms: `python -m bench.cells.model PORT`. It speaks the protocol of OpenAI's
chat completions, as far as a run needs it, and counts its calls at `GET /calls`."""

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

SECONDS = 0.05

_calls = 0


async def _complete(request: Request) -> JSONResponse:
    global _calls
    _calls += 1
    asked = await request.json()
    await asyncio.sleep(SECONDS)
    return JSONResponse(
        {
            "id": f"call-{_calls}",
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": '{"value": "fine"}'},
                }
            ],
            "usage": {"prompt_tokens": 200, "completion_tokens": 6, "total_tokens": 206},
        }
    )


async def _count(_: Request) -> JSONResponse:
    return JSONResponse(_calls)


app = Starlette(
    routes=[
        Route("/v1/chat/completions", _complete, methods=["POST"]),
        Route("/calls", _count),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", loop="uvloop")
