"""The words for numbers and units: scales, what a unit measures and how much, spelled numbers."""

from __future__ import annotations

from decimal import Decimal

SCALES = {
    "hundred": 100, "thousand": 1000, "k": 1000, "tausend": 1000, "mil": 1000, "m": 10**6,
    "mio": 10**6, "mn": 10**6, "million": 10**6, "millions": 10**6, "millionen": 10**6,
    "millón": 10**6, "millones": 10**6, "b": 10**9, "bn": 10**9, "mrd": 10**9, "billion": 10**9,
    "billions": 10**9, "milliarde": 10**9, "milliarden": 10**9, "trillion": 10**12,
}  # fmt: skip
WORD_SCALES = "|".join(sorted((s for s in SCALES if len(s) > 1), key=len, reverse=True))

_UNITS: dict[str, tuple[str, str]] = {
    # what is measured: how much of it each unit is, and how the unit is written
    "EUR": ("1", "eur euro euros €"),
    "GBP": ("1", "gbp £ pound pounds"),
    "USD": ("1", "usd $ us$ dollar dollars"),
    "CHF": ("1", "chf franc francs franken"),
    "JPY": ("1", "jpy ¥ yen"),
    "percent": ("1", "% percent prozent"),
    "points": ("1", "pp points"),
    "pence": ("1", "pence penny"),
}
_MEASURES = {
    "time": "1 second seconds sec secs s sekunde sekunden segundo segundos;"
    "60 minute minutes min mins minuten minuto minutos;"
    "3600 hour hours h hr hrs stunde stunden hora horas;"
    "86400 day days tag tage tagen día días; 604800 week weeks woche wochen semana semanas",
    "months": "1 month months monat monate monaten mes meses;"
    "3 quarter quarters quartal quartale trimestre;"
    "12 year years yr yrs jahr jahre jahren año años anniversary",
    "length": "0.001 mm millimetre millimetres; 0.01 cm centimetre centimetres;"
    "1 m metre metres meter meters metro metros; 1000 km kilometre kilometres kilometer kilometers;"
    "1609.344 mile miles mi; 0.3048 ft foot feet; 0.0254 inch inches",
    "mass": "0.000001 μg mcg microgram micrograms; 0.001 mg milligram milligrams;"
    "1 g gram grams gramm;"
    "1000 kg kilo kilos kilogram kilograms kilogramm; 1000000 t tonne tonnes tonnen tons",
    "volume": "0.000001 μl microlitre microlitres microliter microliters;"
    "0.001 ml millilitre millilitres milliliter milliliters; 0.01 cl centilitre centilitres;"
    "0.1 dl; 100 hl hectolitre hectolitres; 1 l litre litres liter liters litros",
    "power": "1 w watt watts; 1000 kw kilowatt kilowatts; 1000000 mw megawatt megawatts;"
    "1000000000 gw gigawatt gigawatts",
    "energy": "1 kwh; 1000 mwh; 1000000 gwh; 1000000000 twh",
    "pressure": "1 bar bars; 0.001 mbar",
    "torque": "1 nm", "blood pressure": "1 mmhg", "sound": "1 db decibel decibels",
    "temperature": "1 °c", "area": "1 m² sqm; 10000 ha hectare hectares",
    "data": "1 mb; 1000 gb; 1000000 tb",
}  # fmt: skip
UNITS: dict[str, tuple[str, Decimal]] = {
    word: (name, Decimal(factor))
    for name, (factor, written) in _UNITS.items()
    for word in written.split()
} | {
    word: (name, Decimal(line.split()[0]))
    for name, lines in _MEASURES.items()
    for line in lines.split(";")
    for word in line.split()[1:]
}
"""What a unit measures, and how much of it."""

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
)
SPELLED = (
    {word: i for i, word in enumerate(_TO_TWENTY.split())}
    | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80}
    | {"ninety": 90, "hundred": 100, "twice": 2, "double": 2, "dozen": 12}
    | {
        w: i
        for i, w in enumerate(
            ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"], 2
        )
    }
    | {w: i for i, w in enumerate(["tenth", "eleventh", "twelfth"], 10)}
    | {
        w: i
        for i, w in enumerate(
            ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"], 2
        )
    }
    | {
        w: i
        for i, w in enumerate(
            ["dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"], 2
        )
    }
)
FRACTIONS = {
    "half": "0.5", "third": "0.33", "quarter": "0.25", "fifth": "0.2", "tenth": "0.1",
    "hälfte": "0.5", "drittel": "0.33", "viertel": "0.25", "mitad": "0.5", "tercio": "0.33",
}  # fmt: skip
PERIODS = {
    "hour": "1", "day": "24", "week": "168", "fortnight": "336", "month": "730", "quarter": "2190",
    "half-year": "4380", "year": "8760", "annum": "8760", "night": "24",
    "hourly": "1", "daily": "24", "weekly": "168", "fortnightly": "336", "monthly": "730",
    "quarterly": "2190", "half-yearly": "4380", "semi-annual": "4380", "semi-annually": "4380",
    "biannual": "4380", "biannually": "4380", "annual": "8760", "annually": "8760",
    "yearly": "8760", "nightly": "24", "monatlich": "730", "jährlich": "8760", "wöchentlich": "168",
    "term": "2900", "semester": "4379", "season": "2190.5",
    "monat": "730", "jahr": "8760", "woche": "168", "mes": "730", "mensual": "730", "anual": "8760",
}  # fmt: skip
"""How many hours pass between what happens so often."""
