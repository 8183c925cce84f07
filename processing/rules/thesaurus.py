"""Words that usually speak for an option of this name. Weaker evidence than the option itself or
keywords of the prompt. Phrases are in lower case; they match by stem."""

from collections.abc import Mapping

USUAL_WORDS: Mapping[str, tuple[str, ...]] = {
    "billing": (
        "invoice", "refund", "charged", "payment", "credit card", "subscription fee", "receipt",
        "overcharged", "double charge", "billed",
    ),
    "payment": ("invoice", "charged", "credit card", "paid", "refund", "transaction", "paypal"),
    "refund": ("money back", "reimburse", "refunded", "chargeback"),
    "shipping": (
        "delivery", "delivered", "parcel", "package", "courier", "tracking", "shipment", "shipped",
    ),
    "delivery": (
        "parcel", "package", "courier", "tracking", "shipment", "shipped", "shipping", "arrived",
    ),
    "bug": (
        "crash", "crashes", "error", "exception", "stack trace", "broken", "not working", "freezes",
        "does not work",
    ),
    "technical": (
        "crash", "error", "exception", "not working", "bug", "freezes", "does not work", "timeout",
    ),
    "feature request": (
        "would be nice", "would be great", "please add", "could you add", "it would help",
        "would love", "wish list", "feature",
    ),
    "account": ("password", "login", "log in", "sign in", "username", "two factor", "locked out"),
    "login": ("password", "log in", "sign in", "locked out", "two factor"),
    "security": ("phishing", "vulnerability", "breach", "malware", "hacked", "leak"),
    "cancellation": ("cancel", "unsubscribe", "terminate", "close my account"),
    "returns": ("send it back", "return", "exchange"),
    "urgent": ("asap", "immediately", "emergency", "outage", "right now", "critical"),
    "spam": ("lottery", "viagra", "you have won", "click here", "casino"),
    "electronics": (
        "laptop", "smartphone", "headphones", "charger", "camera", "tablet", "usb", "tv", "monitor",
        "bluetooth", "keyboard",
    ),
    "clothing": (
        "shirt", "jeans", "dress", "jacket", "sweater", "trousers", "hoodie", "skirt", "t-shirt",
    ),
    "furniture": ("chair", "desk", "sofa", "table", "bookcase", "wardrobe", "shelf", "couch"),
    "food": ("bread", "cheese", "coffee", "chocolate", "pasta", "snack", "sauce"),
    "office supplies": (
        "stapler", "paper", "binder", "envelope", "pen", "pencil", "folder", "label",
    ),
    "travel": ("flight", "hotel", "airfare", "train ticket", "taxi", "rental car", "airline"),
    "meals": ("restaurant", "lunch", "dinner", "breakfast", "catering"),
    "software": ("saas", "licence", "license", "app", "cloud"),
    "rent": ("lease", "landlord", "office space"),
}  # fmt: skip
