"""Texts with the answers that a careful person gives, for precision and recall. They were written
before the engine saw them. None says that the cell should stay empty, or that rules cannot know."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Task:
    """One prompt with its column, and texts with their answers."""

    name: str
    prompt: str
    type: str
    cases: list[tuple[str, Any]]
    column: dict[str, Any] = field(default_factory=dict)


TOPIC = ["Billing", "Technical", "Shipping", "Account", "Feature request"]
URGENCY = ["Urgent", "Normal", "Low"]
MOOD = ["positive", "negative", "neutral"]

TICKETS = Task(
    "topics of tickets",
    "Classify the support ticket {{text}} by topic.\n"
    "Billing: invoice, refund, charged, payment\n"
    "Technical: error, crash, bug, not working\n"
    "Shipping: parcel, delivery, tracking, courier\n"
    "Account: password, login, sign in, e-mail address\n"
    "Feature request: please add, would be nice, suggestion",
    "select",
    [
        ("Hi, I was charged twice for order 4411. Can you refund one of them?", "Billing"),
        ("My invoice from March shows the wrong company name.", "Billing"),
        ("Payments with my Visa card are declined since yesterday.", "Billing"),
        ("The app crashes as soon as I open the settings page.", "Technical"),
        ("Getting error 500 when saving a document", "Technical"),
        ("Export button isn't working in Firefox", "Technical"),
        ("Where is my parcel? The tracking has not moved in five days.", "Shipping"),
        ("The courier left the package at a neighbour's house", "Shipping"),
        ("Delivery was promised for Friday and nothing came", "Shipping"),
        ("I cannot log in any more, the password reset mail never arrives", "Account"),
        ("How do I change the e-mail address of my login?", "Account"),
        ("Would be nice to have a dark mode", "Feature request"),
        ("Suggestion: please add an export to CSV", "Feature request"),
        ("Good morning! Just wanted to say hello to the team.", None),
        ("Can somebody call me back this afternoon?", None),
        ("No errors, no crashes, all fine here. Thank you!", None),
        ("Is your office open on bank holidays?", None),
        ("We were billed in the wrong currency", "Billing"),
        ("Two-factor codes are rejected", "Account"),
        ("Bugs everywhere: the menu flickers and the page freezes", "Technical"),
    ],
    {"options": TOPIC, "label": "Topic"},
)

PRIORITIES = Task(
    "urgency",
    "How urgent is {{text}}? Choose one.\n- Urgent: outage, down, data loss, security breach\n"
    "- Normal: question, how do I, unclear\n- Low: typo, cosmetic, wording",
    "select",
    [
        ("The whole site is down, customers cannot check out!", "Urgent"),
        ("Possible data loss after last night's migration", "Urgent"),
        ("Outage in the Frankfurt region", "Urgent"),
        ("A question about your pricing tiers", "Normal"),
        ("How do I invite a colleague?", "Normal"),
        ("There is a typo on the imprint page", "Low"),
        ("Wording of the button is odd", "Low"),
        ("Servers are not down, this is only a test mail", None),
        ("Please send me the contract", None),
        ("The logo has a cosmetic glitch on mobile", "Low"),
    ],
    {"options": URGENCY, "label": "Urgency"},
)

PRODUCTS = Task(
    "categories of products",
    "Classify the product {{text}}",
    "select",
    [
        ("Oak dining chair, set of 2", "Furniture"),
        ("Furniture polish, lemon scent 500 ml", None),
        ("Noise-cancelling bluetooth headphones", "Electronics"),
        ("USB-C laptop charger 65W", "Electronics"),
        ("Men's denim jacket, blue, size L", "Clothing"),
        ("Wool sweater for women", "Clothing"),
        ("A4 printer paper, 500 sheets", "Office supplies"),
        ("Stapler with 1000 staples", "Office supplies"),
        ("Electronics gift card 50 EUR", "Electronics"),
        ("Corner sofa, grey velvet", "Furniture"),
        ("Unbranded surprise box", None),
        ("Elektronik-Bausatz für Kinder", None),
    ],
    {"options": ["Furniture", "Electronics", "Clothing", "Office supplies"], "label": "Category"},
)

REVIEWS = Task(
    "sentiment of reviews",
    "What is the sentiment of the review {{text}}?",
    "select",
    [
        ("Absolutely love it. Best coffee grinder I have ever owned.", "positive"),
        ("Arrived quickly, works perfectly, very happy with it!", "positive"),
        ("Cheap plastic, broke on the second day. Avoid.", "negative"),
        ("The worst customer service I have experienced in years.", "negative"),
        ("It's okay for the price.", None),
        ("The box contains a cable, a manual and two batteries.", "neutral"),
        ("Not bad at all, I am pleasantly surprised.", "positive"),
        ("I wouldn't recommend this hotel to anyone.", "negative"),
        ("Don't waste your money on this.", "negative"),
        ("Room was clean and the staff were friendly and helpful.", "positive"),
        ("The food was cold and the waiter was rude.", "negative"),
        ("Good screen, but the battery is terrible and it overheats.", "negative"),
        ("Never had a problem with it, highly recommend!", "positive"),
        ("Zipper ripped after a week. Very disappointed.", "negative"),
        ("We stayed three nights in a double room on the second floor.", "neutral"),
        ("Das Hotel war schrecklich und laut.", None),
        ("Great sound, comfortable fit, and the case is tiny. 5 stars!", "positive"),
        ("Useless. Sent it back and still waiting for my refund.", "negative"),
        ("The film isn't funny, and the plot is boring.", "negative"),
        ("A delightful read from beginning to end.", "positive"),
        ("Can't fault it. Brilliant little machine.", "positive"),
        ("Could have been better, honestly expected more.", None),
    ],
    {"options": MOOD, "label": "Sentiment"},
)

INVOICE = (
    "ACME Supplies Ltd\nInvoice no: INV-2024-0117\nInvoice date: 14 March 2024\n"
    "Due date: 13 April 2024\nCustomer no. 88123\nSubtotal: $1,200.00\nVAT (20%): $240.00\n"
    "Total: $1,440.00\nPlease pay to IBAN DE89 3704 0044 0532 0130 00\n"
    "Questions? billing@acme-supplies.com or +44 20 7946 0958"
)
RECHNUNG = (
    "Rechnung Nr. 2023-441\nRechnungsdatum: 05.12.2023\nFällig am 19.12.2023\n"
    "Zwischensumme 1.000,00 €\nMwSt 19 % 190,00 €\nGesamtbetrag: 1.190,00 €"
)
FACTURE = (
    "Facture n° F-7781\nDate : 3 février 2024\nMontant HT : 1 250,00 €\nTVA (20 %) : 250,00 €\n"
    "Total TTC : 1 500,00 €"
)
LINE = "2024-05-02 Order A-5501, 3 x desk lamp at 24.90 EUR, shipping 4.95 EUR, total 79.65 EUR"
COMPANY = (
    "Founded in 1998 in Lyon, Nordlys SAS has 250 employees and a revenue of €12.5 million. "
    "See www.nordlys.example.com or write to hello@nordlys.fr"
)

TOTALS = Task(
    "totals of invoices",
    "Extract the total amount to pay from {{text}}",
    "number",
    [
        (INVOICE, 1440), (RECHNUNG, 1190), (FACTURE, 1500), (LINE, 79.65), (COMPANY, None),
        ("Your order has been shipped.", None), ("Total: CHF 2'350.50", 2350.5),
        ("Grand total ......... 99,90 EUR", 99.9), ("Amount due: USD 18,000", 18000),
        ("Net 100.00, tax 19.00, total 119.00", 119),
    ],
    {"label": "Total"},
)  # fmt: skip

DUE_DATES = Task(
    "due dates",
    "Extract the due date from {{text}}",
    "date",
    [
        (INVOICE, "2024-04-13"), (RECHNUNG, "2023-12-19"), (FACTURE, None), (LINE, None),
        ("Payment due by March 1st, 2025.", "2025-03-01"), ("Due 2024-11-30", "2024-11-30"),
        ("Please pay tomorrow", None), ("Invoice date 1 May 2024, payable by 31 May 2024",
                                         "2024-05-31"),
    ],
    {"label": "Due date"},
)  # fmt: skip

INVOICE_NUMBERS = Task(
    "numbers of invoices",
    "Extract the invoice number from {{text}}",
    "text",
    [
        (INVOICE, "INV-2024-0117"), (RECHNUNG, "2023-441"), (FACTURE, "F-7781"), (LINE, None),
        ("Invoice #10045 is overdue", "10045"), ("Ref. invoice number 2024/77", "2024/77"),
        ("Your order number is 55120", None), ("We will send the invoice next week", None),
    ],
    {"label": "Invoice number"},
)  # fmt: skip

SHIPPING_COSTS = Task(
    "shipping costs",
    "Extract the shipping cost from {{text}}",
    "number",
    [
        (LINE, 4.95), (INVOICE, None), ("Free shipping on all orders over 50 EUR", None),
        ("Items 40.00 EUR\nShipping: 5,90 EUR\nTotal 45,90 EUR", 5.9),
    ],
    {"label": "Shipping cost"},
)  # fmt: skip

EMPLOYEES = Task(
    "numbers of employees",
    "Extract the number of employees from {{text}}",
    "number",
    [
        (COMPANY, 250), ("Employees: 1,200", 1200), ("A team of 45 people in Berlin", None),
        ("Mitarbeiter: 3.400 (2023)", 3400), ("Headcount 77, offices 3", 77),
        ("Started with 5 founders in 2015", None), ("over 10,000 employees worldwide", 10000),
    ],
    {"label": "Employees"},
)  # fmt: skip

REVENUES = Task(
    "revenues",
    "Extract the revenue from {{text}}",
    "number",
    [
        (COMPANY, 12500000), ("Revenue (2023): $4.2M", 4200000), ("Umsatz: 3,5 Mio. EUR", 3500000),
        ("Profit of $2M on sales of $30M", 30000000), ("No figures published", None),
    ],
    {"label": "Revenue"},
)  # fmt: skip

EMAILS = Task(
    "e-mail addresses",
    "Find the e-mail address in {{text}}",
    "email",
    [
        (INVOICE, "billing@acme-supplies.com"), (COMPANY, "hello@nordlys.fr"), (LINE, None),
        ("Jane Doe <jane.doe+news@mail.example.co.uk>", "jane.doe+news@mail.example.co.uk"),
        ("contact: me at example dot com", None), ("a@b.com or c@d.com", None),
        ("E-mail: sales@x.io, press: press@x.io", "sales@x.io"),
    ],
    {"label": "E-mail"},
)  # fmt: skip

WEBSITES = Task(
    "websites",
    "Extract the website from {{text}}",
    "url",
    [
        (COMPANY, "https://www.nordlys.example.com"), (INVOICE, None),
        ("Visit https://shop.example.org/a?b=1.", "https://shop.example.org/a?b=1"),
        ("(see http://example.com/x_(y))", "http://example.com/x_(y)"),
        ("Only by phone", None), ("more at acme.de!", "https://acme.de"),
    ],
    {"label": "Website"},
)  # fmt: skip

PHONES = Task(
    "telephone numbers",
    "Extract the phone number from {{text}}",
    "text",
    [
        (INVOICE, "+44 20 7946 0958"), (LINE, None), ("Tel.: 030 / 123 456 78", "030 / 123 456 78"),
        ("Call (415) 555-0132 before 5 pm", "(415) 555-0132"), ("Order 5512345 shipped", None),
        ("Phone 0171-2345678, fax 0171-2345679", "0171-2345678"),
    ],
    {"label": "Phone"},
)  # fmt: skip

WEIGHTS = Task(
    "weights",
    "Extract the weight of the product from {{text}}",
    "measurement",
    [
        ("Steel frame, 12.5 kg, 180 cm tall", 12.5), ("Gewicht: 1,25 kg", 1.25),
        ("Weight 800 g", None), ("Max load 120 kg, weight 9 kg", 9),
        ("Supports up to 150 kg. Net weight: 14kg", 14), ("180 x 90 cm", None),
    ],
    {"label": "Weight", "unit": "kg"},
)  # fmt: skip

ORDER_DATES = Task(
    "dates of orders",
    "Extract the date of the order in {{text}}",
    "date",
    [
        (LINE, "2024-05-02"), ("Ordered on 3rd of June 2023, shipped 5 June 2023", "2023-06-03"),
        ("Order placed Tuesday, 12 September 2023 at 14:05", "2023-09-12"),
        ("Bestelldatum: 01.02.2024", "2024-02-01"), ("Ordered yesterday", None),
        ("Order date: 31/01/2024", "2024-01-31"), ("Order date: 12/25/23", "2023-12-25"),
    ],
    {"label": "Order date"},
)  # fmt: skip

REFUNDS = Task(
    "mentions of refunds",
    'Does {{text}} mention "refund" or "money back"?',
    "boolean",
    [
        ("I want my money back", True), ("Please refund me", True), ("Where is my parcel?", False),
        ("Refunds take five days", True), ("I need a replacement", False),
    ],
    {"label": "Mentions refund"},
)  # fmt: skip

FOR_A_MODEL = [
    Task("summaries", "Summarise {{text}} in one sentence.", "text", [(COMPANY, None)]),
    Task("translations", "Translate {{text}} into German.", "text", [("Good morning", None)]),
    Task("capitals", "What is the capital of {{text}}?", "text", [("France", None)]),
    Task("populations", "What is the population of {{text}}?", "number", [("Paris 15", None)]),
    Task("chiefs", "Who is the CEO of {{text}}?", "text", [("Nordlys SAS", None)]),
    Task("replies", "Write a friendly reply to {{text}}.", "text", [("Where is it?", None)]),
    Task("public", "Is {{text}} listed on a stock exchange?", "boolean", [("Nordlys SAS", None)]),
]

TASKS = [
    TICKETS, PRIORITIES, PRODUCTS, REVIEWS, TOTALS, DUE_DATES, INVOICE_NUMBERS, SHIPPING_COSTS,
    EMPLOYEES, REVENUES, EMAILS, WEBSITES, PHONES, WEIGHTS, ORDER_DATES, REFUNDS, *FOR_A_MODEL,
]  # fmt: skip
