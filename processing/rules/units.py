"""Currencies and units of measurement by the ways in which people write them."""

from collections.abc import Mapping

#: Signs and words of currencies, as ISO 4217 codes. Words are in lower case.
CURRENCIES: Mapping[str, str] = {
    "$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW",
    "₽": "RUB", "₺": "TRY", "zł": "PLN", "kč": "CZK", "a$": "AUD", "c$": "CAD", "ca$": "CAD",
    "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "r$": "BRL", "fr.": "CHF", "sfr": "CHF",
    "rs.": "INR", "rs": "INR", "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD",
    "bucks": "USD", "pounds sterling": "GBP", "quid": "GBP", "yen": "JPY", "rupees": "INR",
    "usd": "USD", "eur": "EUR", "gbp": "GBP", "jpy": "JPY", "chf": "CHF", "inr": "INR",
    "cny": "CNY", "rmb": "CNY", "aud": "AUD", "cad": "CAD", "nzd": "NZD", "sek": "SEK",
    "nok": "NOK", "dkk": "DKK", "pln": "PLN", "czk": "CZK", "huf": "HUF", "brl": "BRL",
    "mxn": "MXN", "zar": "ZAR", "sgd": "SGD", "hkd": "HKD", "krw": "KRW", "rub": "RUB",
    "try": "TRY", "ils": "ILS", "aed": "AED", "thb": "THB",
}  # fmt: skip

_DIMENSIONS: Mapping[str, Mapping[str, str]] = {
    "weight": {
        "kg": "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes",
        "g": "g gr gram grams gramm gramme grammes", "mg": "mg milligram milligrams",
        "t": "t tonne tonnes ton tons tonnen", "lb": "lb lbs pound pounds", "oz": "oz ounce ounces",
    },
    "length": {
        "m": "m meter meters metre metres", "km": "km kilometer kilometers kilometre kilometres",
        "cm": "cm centimeter centimeters centimetre centimetres",
        "mm": "mm millimeter millimeters millimetre millimetres",
        "in": "in inch inches zoll pouces \"", "ft": "ft foot feet", "mi": "mi mile miles",
        "yd": "yd yard yards",
    },
    "area": {
        "m²": "m² m2 qm sqm", "km²": "km² km2", "ft²": "ft² ft2 sqft sq.ft. sf", "ha": "ha hectare "
        "hectares hektar", "acre": "acre acres",
    },
    "volume": {
        "l": "l liter liters litre litres ltr", "ml": "ml milliliter milliliters millilitres",
        "cl": "cl", "m³": "m³ m3 cbm", "gal": "gal gallon gallons",
    },
    "duration": {
        "h": "h hr hrs hour hours stunde stunden std heure heures", "min": "min mins minute "
        "minutes minuten", "s": "s sec secs second seconds sekunden", "ms": "ms milliseconds",
        "d": "d day days tag tage tagen jour jours", "wk": "week weeks woche wochen",
        "mo": "month months monat monate mois", "y": "year years yr yrs jahr jahre ans",
    },
    "temperature": {"°C": "°c celsius ℃", "°F": "°f fahrenheit ℉", "K": "kelvin"},
    "speed": {"km/h": "km/h kmh kph", "mph": "mph", "m/s": "m/s", "kn": "knots kts kn"},
    "power": {"W": "w watt watts", "kW": "kw kilowatt kilowatts", "MW": "mw", "hp": "hp bhp ps"},
    "energy": {"kWh": "kwh", "Wh": "wh", "kcal": "kcal calories cal", "kJ": "kj"},
    "electric": {"V": "v volt volts", "A": "amp amps ampere", "mAh": "mah", "Ah": "ah"},
    "frequency": {"Hz": "hz", "kHz": "khz", "MHz": "mhz", "GHz": "ghz"},
    "storage": {"KB": "kb", "MB": "mb", "GB": "gb", "TB": "tb"},
    "resolution": {"MP": "mp megapixel megapixels", "px": "px pixel pixels", "dpi": "dpi"},
}  # fmt: skip

#: Units by the ways to write them, in lower case.
UNITS: Mapping[str, str] = {
    written: unit
    for units in _DIMENSIONS.values()
    for unit, ways in units.items()
    for written in ways.split()
}

#: What each unit measures.
DIMENSION_OF: Mapping[str, str] = {
    unit: dimension for dimension, units in _DIMENSIONS.items() for unit in units
}

#: Words of labels that ask for a dimension.
DIMENSION_WORDS: Mapping[str, str] = {
    word: dimension
    for dimension, words in {
        "weight": "weight mass gewicht poids payload",
        "length": "length width height depth distance diameter elevation altitude size breite hohe "
        "lange",
        "area": "area floor",
        "volume": "volume",
        "duration": "duration runtime warranty lasts",
        "temperature": "temperature",
        "speed": "speed",
        "power": "power wattage horsepower",
        "energy": "energy calories",
        "electric": "voltage current battery",
        "frequency": "frequency",
        "storage": "storage memory ram disk",
    }.items()
    for word in words.split()
}

#: Words that multiply the number before them.
MULTIPLIERS: Mapping[str, int] = {
    "thousand": 10**3, "k": 10**3, "tsd": 10**3, "tausend": 10**3, "mille": 10**3,
    "million": 10**6, "millions": 10**6, "mio": 10**6, "mn": 10**6, "m": 10**6, "mm": 10**6,
    "millionen": 10**6, "billion": 10**9, "billions": 10**9, "bn": 10**9, "b": 10**9,
    "mrd": 10**9, "milliarden": 10**9, "milliard": 10**9, "milliards": 10**9,
    "trillion": 10**12, "lakh": 10**5, "crore": 10**7,
}  # fmt: skip

#: Multipliers of one or two letters, which are units too: they multiply money only.
SHORT_MULTIPLIERS = frozenset({"k", "m", "mm", "b", "mille"})


def unit_of(written: str) -> str | None:
    """The unit that is written so, None when there is no such one."""
    return UNITS.get(written.strip().lower())
