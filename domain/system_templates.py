"""The twelve templates that come with the program. They are the same in every organisation."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.columns import ColumnType, NewColumn
from domain.ids import Kind
from domain.template_records import Template, TemplateCategory, TemplateScope

_MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
_MILLISECONDS = int(_MADE_AT.timestamp() * 1000)


def _id(number: int) -> UUID:
    """An id in the form of `domain.ids` that is the same everywhere and for ever."""
    free = (int(Kind.TEMPLATE) << 66) | number
    return UUID(int=(((_MILLISECONDS << 16) | 0x8000 | (free >> 62)) << 64) | (0b10 << 62) | number)


def _column(position: int, written: str) -> NewColumn:
    """A column from `key:type` or `key:select{One,Two}`."""
    key, _, kind = written.partition(":")
    name, _, options = kind.removesuffix("}").partition("{")
    return NewColumn(
        key=key,
        label=key.replace("_", " ").capitalize(),
        type=ColumnType(name),
        position=position,
        config={"options": options.split(",")} if options else None,
    )


def _template(
    number: int,
    category: TemplateCategory,
    name: str,
    icon: str,
    description: str,
    columns: Sequence[str],
    sample_data: Sequence[Mapping[str, Any]] = (),
) -> Template:
    return Template(
        id=_id(number),
        name=name,
        description=description,
        category=category,
        scope=TemplateScope.SYSTEM,
        icon=icon,
        columns=[_column(position, written) for position, written in enumerate(columns)],
        sample_data=sample_data,
        created_at=_MADE_AT,
        updated_at=_MADE_AT,
    )


#: Ids go by the number in front: never give one to another template.
SYSTEM_TEMPLATES: tuple[Template, ...] = (
    _template(
        1,
        TemplateCategory.BUSINESS,
        "Customer List",
        "users",
        "Customers, how to reach them, and where each one stands.",
        (
            "name:text",
            "email:email",
            "company:text",
            "status:select{Lead,Active,Churned}",
            "notes:text",
        ),
        (
            {
                "name": "Mira Halvorsen",
                "email": "mira@fjordworks.example",
                "company": "Fjordworks",
                "status": "Active",
                "notes": "Renews in spring.",
            },
            {
                "name": "Tomas Reyes",
                "email": "tomas@solarmill.example",
                "company": "Solar Mill",
                "status": "Lead",
                "notes": "Asked for a price list.",
            },
        ),
    ),
    _template(
        2,
        TemplateCategory.BUSINESS,
        "Product Inventory",
        "package",
        "What is in stock, and what it costs.",
        (
            "product:text",
            "sku:text",
            "quantity:number",
            "price:number",
            "category:select{Electronics,Clothing,Food,Other}",
        ),
    ),
    _template(
        3,
        TemplateCategory.BUSINESS,
        "Meeting Notes",
        "notebook",
        "Who met when, what was said, and what follows.",
        ("date:date", "title:text", "attendees:text", "notes:text", "action_items:text"),
    ),
    _template(
        4,
        TemplateCategory.PERSONAL,
        "Reading List",
        "book",
        "Books to read, and what you thought of them.",
        (
            "title:text",
            "author:text",
            "status:select{To Read,Reading,Finished}",
            "rating:number",
            "notes:text",
        ),
    ),
    _template(
        5,
        TemplateCategory.PERSONAL,
        "Habit Tracker",
        "repeat",
        "Habits, how often, and for how long without a break.",
        (
            "habit:text",
            "frequency:select{Daily,Weekly,Monthly}",
            "streak:number",
            "completed:boolean",
        ),
    ),
    _template(
        6,
        TemplateCategory.PM,
        "Sprint Board",
        "kanban",
        "The tasks of a sprint, who has them, and how far they are.",
        (
            "task:text",
            "assignee:text",
            "status:select{Backlog,In Progress,Review,Done}",
            "points:number",
            "due_date:date",
        ),
    ),
    _template(
        7,
        TemplateCategory.PM,
        "Bug Tracker",
        "bug",
        "Faults, how bad they are, and how to see them.",
        (
            "title:text",
            "severity:select{Critical,High,Medium,Low}",
            "status:select{Open,In Progress,Fixed,Closed}",
            "reported_by:text",
            "steps:text",
        ),
    ),
    _template(
        8,
        TemplateCategory.PM,
        "Feature Requests",
        "lightbulb",
        "What people wish for, and what becomes of it.",
        (
            "feature:text",
            "requester:text",
            "priority:select{P0,P1,P2,P3}",
            "votes:number",
            "status:select{Proposed,Approved,Building,Shipped}",
        ),
    ),
    _template(
        9,
        TemplateCategory.FINANCE,
        "Expense Tracker",
        "receipt",
        "What was spent, on what, with the receipt.",
        (
            "date:date",
            "description:text",
            "amount:number",
            "category:select{Food,Transport,Software,Office,Other}",
            "receipt_url:url",
        ),
    ),
    _template(
        10,
        TemplateCategory.FINANCE,
        "Invoice Log",
        "file-text",
        "Invoices, and whether they were paid.",
        (
            "invoice_number:text",
            "client:text",
            "amount:number",
            "issued_date:date",
            "status:select{Draft,Sent,Paid,Overdue}",
        ),
    ),
    _template(
        11,
        TemplateCategory.CONTENT,
        "Content Calendar",
        "calendar",
        "What is published where and when.",
        (
            "title:text",
            "channel:select{Blog,Twitter,LinkedIn,Newsletter,YouTube}",
            "publish_date:date",
            "status:select{Idea,Drafting,Review,Scheduled,Published}",
            "url:url",
        ),
    ),
    _template(
        12,
        TemplateCategory.CONTENT,
        "Research Notes",
        "search",
        "What was found out, where, and how much it matters.",
        (
            "topic:text",
            "source:url",
            "key_findings:text",
            "relevance:select{High,Medium,Low}",
            "date_added:date",
        ),
    ),
)
