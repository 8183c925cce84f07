"""Reviews with the sentiment that a person reads in them; None where persons would differ. Measured
once before anything was changed because of them."""

from typing import Any

from tests.rules_engine.labelled_texts import MOOD, Task

_CASES: list[tuple[str, Any]] = [
    ("Battery life is amazing, lasts two days.", "positive"),
    ("Screen cracked within a week, very poor build.", "negative"),
    ("Exactly as described and fast delivery.", "positive"),
    ("Would buy again in a heartbeat.", "positive"),
    ("Save your money and look elsewhere.", "negative"),
    ("The instructions were confusing and two screws were missing.", "negative"),
    ("My kids love it!", "positive"),
    ("It does the job.", None),
    ("Too small, had to return it.", "negative"),
    ("Five stars!", "positive"),
    ("Shipping took forever and nobody answered my emails.", "negative"),
    ("Comfortable shoes, true to size.", "positive"),
    ("The zipper got stuck on day one.", "negative"),
    ("Can't complain, good value.", "positive"),
    ("I expected more for this price.", None),
    ("Beautiful colours and great fabric.", "positive"),
    ("Smells awful, even after washing.", "negative"),
    ("Best purchase of the year.", "positive"),
    ("Does not fit my car although the description says so.", "negative"),
    ("Works fine so far.", "positive"),
    ("Not what I ordered.", "negative"),
    ("Really easy to assemble.", "positive"),
    ("Stopped charging after three weeks.", "negative"),
    ("Sound is okay, bass is weak.", "negative"),
    ("The hotel is located near the station.", "neutral"),
    ("Our waiter was lovely and the pasta delicious.", "positive"),
    ("Overall a disappointing experience.", "negative"),
    ("The kettle holds 1.7 litres.", "neutral"),
    ("I have nothing but good things to say.", "positive"),
    ("Never again!", "negative"),
    ("Hands down the worst app I have tried.", "negative"),
    ("No complaints whatsoever.", "positive"),
    ("Pretty useless without the subscription.", "negative"),
    ("It's a great product if you like returning things.", None),
    ("Was skeptical at first but now I use it every day.", None),
    ("The product is bad and I hate the color", "negative"),
    ("A must have for every kitchen", "positive"),
    ("Poor customer service, but the product itself is excellent.", None),
    ("not worth the hype", "negative"),
    ("Delivery was late; the vase arrived broken.", "negative"),
]

REVIEWS = [
    Task("more reviews", "Sentiment of {{text}}", "select", _CASES,
         {"options": MOOD, "label": "Sentiment"})
]  # fmt: skip
