"""Running one operation of a websocket: a result, or a stream of events that others may share."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from graphql import GraphQLError

from domain.errors import DomainError
from gql.answers import result_json, to_json
from gql.context import Context
from gql.errors import Code, format_errors, plain_error
from gql.execution import Executor
from gql.feeds import Event, FailedFrame, Feed, LastFrame
from gql.operations import Document, Refused, execute_event, is_subscription, open_feed
from gql.transports.service import Request, Service
from gql.transports.socket_writer import SocketWriter
from persistence.jobs import out_of_reach
from realtime.events import Ended, Frame, Render, Started
from realtime.log import Unavailable


async def run_operation(
    service: Service, writer: SocketWriter, context: Context, id_: str, request: Request
) -> None:
    """Answer one `subscribe` message, up to its `complete` or `error`."""
    try:
        document, operation = service.prepare(request)
        if not is_subscription(operation):
            body = await service.answer(request, document, operation, context)
            await writer.next(_id_json(id_), body)
        else:
            executor, feed = await open_feed(document, operation, request.variables, context)
            key = _group_key(document, request, context)
            if not await _follow(service, writer, id_, executor, feed, key):
                return
    except Refused as refused:
        await _error(writer, id_, format_errors(refused.errors))
        return
    except DomainError as error:
        await _error(writer, id_, format_errors([_wrapped(error)]))
        return
    except Exception as error:
        # Told, masked and logged: a client that hears nothing would wait for ever.
        await _error(writer, id_, format_errors([_wrapped(error)], service.request_id()))
        return
    await writer.send({"id": id_, "type": "complete"})


async def _follow(
    service: Service, writer: SocketWriter, id_: str, executor: Executor, feed: Feed, key: Any
) -> bool:
    """Send the events of a feed until it ends; False when it ended with an error that was told."""
    id_json = _id_json(id_)
    render = _renderer(executor, feed)
    told = -1
    async with service.hub.subscribe(feed.topic, key, render, feed.after) as subscription:
        async for item in subscription:
            if isinstance(item, FailedFrame):
                await writer.send(
                    {"id": id_, "type": "error", "payload": orjson.Fragment(item.payload)}
                )
                return False
            if isinstance(item, Frame):
                # What a stream began with may be newer than the log was when it began.
                if item.revision > told or isinstance(item, LastFrame):
                    await writer.next(id_json, item.payload)
            elif isinstance(item, Started):
                event = await feed.begin(item)
                told = event.revision
                item = await _frame(executor, feed, event)
                await writer.next(id_json, item.payload)
            elif isinstance(item, Ended):
                return await _ended(writer, id_, item)
            if isinstance(item, LastFrame):
                return True
    return True


async def _ended(writer: SocketWriter, id_: str, ended: Ended) -> bool:
    if ended.reason == "error":
        told = plain_error(Code.INTERNAL, "The stream failed; subscribe again")
        await _error(writer, id_, [told])
        return False
    if ended.reason == "closed":
        await writer.close(1001, "The server is stopping; connect again")
    return True


def _renderer(executor: Executor, feed: Feed) -> Render:
    """Renders slices for all subscribers of a group, with the rights that they share."""

    async def render(entries: Sequence[Any]) -> list[Frame]:
        try:
            events = await feed.events(entries)
            return list(await asyncio.gather(*(_frame(executor, feed, event) for event in events)))
        except DomainError as error:
            # The filter names a column that was deleted: the same answer as to a new subscriber.
            told = to_json(format_errors([_wrapped(error)]))
            return [FailedFrame(entries[-1].revision, told)]
        except Exception as error:
            if out_of_reach(error):
                raise Unavailable from error
            raise

    return render


async def _frame(executor: Executor, feed: Feed, event: Event) -> Frame:
    result = await execute_event(executor, event)
    for error in result.errors or ():
        # Not an event with holes, which would never be sent again: the hub tries again.
        if error.original_error is not None and out_of_reach(error.original_error):
            raise error.original_error
    payload = result_json(result)
    kind = LastFrame if feed.is_last(event) else Frame
    return kind(event.revision, payload)


def _group_key(document: Document, request: Request, context: Context) -> tuple[Any, ...]:
    """Subscribers with equal keys get equal bytes: same text, same variables, same rights."""
    viewer = context.viewer
    # Where a subscriber begins is not what it gets: the variable for that must not split groups.
    start = document.start_variable(request.operation_name)
    names = sorted(name for name in request.variables if name != start)
    variables = to_json([(name, request.variables[name]) for name in names])
    rights = (viewer.organization_id, viewer.role, viewer.scope)
    return document.text, request.operation_name, variables, rights


def _id_json(id_: str) -> str:
    return to_json(id_).decode()


def _wrapped(error: Exception) -> GraphQLError:
    return GraphQLError(str(error), original_error=error)


async def _error(writer: SocketWriter, id_: str, errors: list[dict[str, Any]]) -> None:
    await writer.send({"id": id_, "type": "error", "payload": errors})
