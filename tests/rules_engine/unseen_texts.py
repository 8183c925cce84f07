"""A second set of texts with their answers. The engine was measured on it before anything was
changed because of it; docs/rules-engine.md tells both figures."""

from tests.rules_engine.labelled_texts import Task

CONTRACT = (
    "This agreement is made on 7 January 2023 between Blue Harbour Ltd and Mr Tom Reyes. It starts "
    "on 1 February 2023 and ends on 31 January 2025. The monthly rent is £1,150.00, the deposit "
    "£2,300.00. Notice period: 3 months. Tenant's e-mail: tom.reyes@post.example.org"
)
RESUME = (
    "Maria Keller\nBorn: 12.08.1991\nPhone: +49 171 5550123\nmaria@keller.dev | https://keller.dev\n"
    "8 years of experience in logistics. Salary expectation: 68.000 €"
)
LISTING = (
    "Sunny flat, 3 rooms, 84 m², 2nd floor. Rent 1.250 € plus 180 € heating. Available from "
    "01.10.2024. Deposit: 2.500 €. Energy: 92 kWh"
)
ORDER = (
    "Order #77-1032\nPlaced: 2024/02/29 18:20\nQty: 12\nUnit price: $4.25\nTax 8.5%: $4.34\n"
    "Order total: $55.34\nShip to: 12 Elm St, Springfield, IL 62704"
)
FLIGHT = "Booking ref: X7KQ2P. LH 456 FRA-LAX departs 14 Jun 2024 10:05, fare EUR 1 049,90"
MEMO = "Meeting moved from 3 May 2024 to 10 May 2024. Budget stays at 20k EUR."

UNSEEN = [
    Task("start dates", "Extract the start date from {{text}}", "date",
         [(CONTRACT, "2023-02-01"), (LISTING, None), (MEMO, None), ("Start: 05/20/2024",
          "2024-05-20"), ("Starting date 2024-09-01, ending date 2025-08-31", "2024-09-01")],
         {"label": "Start date"}),
    Task("rents", "Extract the rent from {{text}}", "number",
         [(CONTRACT, 1150), (LISTING, 1250), (ORDER, None), ("rent: 900", 900)],
         {"label": "Rent"}),
    Task("deposits", "What is the deposit in this text? {{text}}", "number",
         [(CONTRACT, 2300), (LISTING, 2500), (RESUME, None), (ORDER, None)],
         {"label": "Deposit"}),
    Task("births", "Extract the date of birth", "date",
         [(RESUME, "1991-08-12"), (CONTRACT, None), ("DOB 1984-02-03", "1984-02-03"),
          ("Date of birth: March 9, 1970", "1970-03-09")], {"label": "Birthday"}),
    Task("quantities", "Read the quantity", "number",
         [(ORDER, 12), ("Quantity 3, price 5.00", 3), ("12 pcs", None), (FLIGHT, None)],
         {"label": "Quantity"}),
    Task("unit prices", "Extract the unit price from the order {{text}}", "number",
         [(ORDER, 4.25), ("Unit price: 1,99 €", 1.99), ("Total: $99", None)],
         {"label": "Unit price"}),
    Task("order numbers", "Extract the order number from {{text}}", "text",
         [(ORDER, "77-1032"), ("Your order no. 4521 has shipped", "4521"), (RESUME, None),
          ("Order of 25 chairs", None)], {"label": "Order number"}),
    Task("bookings", "Extract the booking reference from {{text}}", "text",
         [(FLIGHT, "X7KQ2P"), (MEMO, None), ("Booking reference: ABC123", "ABC123")],
         {"label": "Booking reference"}),
    Task("fares", "Extract the fare from {{text}}", "number",
         [(FLIGHT, 1049.9), ("Fare: $320", 320), (MEMO, None)], {"label": "Fare"}),
    Task("budgets", "Extract the budget from {{text}}", "number",
         [(MEMO, 20000), ("Budget: 1.5 million USD", 1500000), (CONTRACT, None)],
         {"label": "Budget"}),
    Task("areas", "Extract the living area in m² from {{text}}", "number",
         [(LISTING, 84), ("Area: 120 sqm", 120), (CONTRACT, None)], {"label": "Area"}),
    Task("salaries", "Extract the salary from {{text}}", "number",
         [(RESUME, 68000), ("Salary: $85k", 85000), (ORDER, None)], {"label": "Salary"}),
    Task("tax rates", "Extract the tax rate as a percentage from {{text}}", "number",
         [(ORDER, 8.5), ("incl. 19 % VAT", 19), (MEMO, None)], {"label": "Tax rate"}),
    Task("postcodes", "Extract the postcode from {{text}}", "text",
         [(ORDER, "62704"), ("10 Downing Street, London SW1A 2AA", "SW1A 2AA"),
          ("Hauptstr. 5, 10115 Berlin", "10115"), (MEMO, None)], {"label": "Postcode"}),
    Task("departures", "When does it leave? Extract the departure time from {{text}}", "datetime",
         [(FLIGHT, "2024-06-14T10:05:00.000Z"), ("departure: 2024-01-02 07:30",
          "2024-01-02T07:30:00.000Z")], {"label": "Departure"}),
    Task("departments", "Which department should handle {{text}}? Choose one.", "select",
         [("Please send me a copy of my payslip for payroll", "HR"),
          ("Our marketing campaign needs a new banner", "Marketing"),
          ("Legal has to check the contract", "Legal"), ("It is raining", None),
          ("Sales quote for 20 seats", "Sales"),
          ("The finance team asked for receipts", "Finance")],
         {"options": ["HR", "Marketing", "Legal", "Sales", "Finance"], "label": "Department"}),
    Task("languages", "Normalise the country {{text}} to one of the options", "select",
         [("germany", "Germany"), ("Untied States", "United States"), ("FRANCE ", "France"),
          ("Austrai", None), ("Itlay", "Italy"), ("Narnia", None)],
         {"options": ["Germany", "United States", "France", "Austria", "Australia", "Italy"],
          "label": "Country"}),
    Task("moods", "Sentiment of {{text}}", "select",
         [("Staff went above and beyond, we will definitely come back.", "positive"),
          ("Overpriced and underwhelming.", "negative"),
          ("The battery lasts forever and it looks stunning.", "positive"),
          ("I regret buying this, it stopped working within a month.", "negative"),
          ("Package contents: 1 charger, 1 cable.", None),
          ("Not as bad as the reviews say, but I will not buy again.", "negative"),
          ("This is exactly what I needed, thank you!", "positive"),
          ("Horrible smell, had to throw it away.", "negative"),
          ("Nothing works as promised and nobody answers my mails.", "negative"),
          ("We left on Monday and returned on Friday.", "neutral")],
         {"options": ["positive", "negative", "neutral"], "label": "Mood"}),
    Task("tags", "Tag the recipe {{text}} with all that apply", "multi_select",
         [("Vegan lentil soup, gluten-free", ["Vegan", "Gluten-free"]),
          ("Quick breakfast pancakes", ["Breakfast", "Quick"]), ("Roast beef", None),
          ("Not vegan: contains honey. Dessert for the holidays", ["Dessert"])],
         {"options": ["Vegan", "Gluten-free", "Breakfast", "Dessert", "Quick"], "label": "Tags"}),
    Task("ends", "Explain what {{text}} is about", "text", [(MEMO, None), (CONTRACT, None)]),
]  # fmt: skip
