"""Pages of connections: their arguments and what they say about themselves."""

import strawberry

from domain.paging import PageRequest
from domain.selection import RowsPage


@strawberry.type(description="Where a page lies in the whole.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows after this page.")
    has_previous_page: bool = strawberry.field(description="Whether more lies before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item, for `before`; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item, for `after`; null on an empty page."
    )


def page_info(request: PageRequest, page: RowsPage) -> PageInfo:
    """A page knows what lies ahead in its direction; behind it lies what its cursor came from."""
    before = request.before is not None
    after = request.after is not None
    return PageInfo(
        has_next_page=before if request.backward else page.has_more,
        has_previous_page=page.has_more if request.backward else after,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )
