"""How well the letters of a PDF's text layer read, judged by themselves.

A layer may look fine and be nonsense: fonts that say nothing of their letters' meaning, codes that
are shifted by a constant, text that a poor OCR left under a scan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_lowercase

_VOWEL = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûåæøœ]", re.IGNORECASE)
_COMMON = "eaionrstldu"
_FEW_WORDS = 12
_FEW_LETTERS = 120
_SAMPLE = 300
_ENOUGH_OF_A_SCAN = 30
"""Words; where there are fewer, the layer's OCR may have skipped most of the page."""
_OTHER_SCRIPT = 0.9
"""The traces below are those of Latin letters; other layers are taken for good."""
_JUNK = re.compile(r"(?=.*[A-Za-z])(?=.*[^\w.,;:!?'’‘“”\"()\[\]/&%$€£+\-–—…@#°§*])..+")
_MIXED = re.compile(r"[a-z][A-Z]+[a-z]|[A-Za-z][0-9]+[A-Za-z]|[a-z]{2}[A-Z]$")


def readable(texts: Sequence[str]) -> float:
    """1.0 where words look like words of a language in Latin letters, or of any other script.

    Falls when most of them have no vowel, or when the letters that make up most of every such
    language are rare, as they are where codes are shifted.
    """
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    words = [t for t in sample if len(t) >= 4 and t.isalpha() and t < "\u0250"]
    score = 1.0
    if len(words) >= _FEW_WORDS:
        share = sum(bool(_VOWEL.search(t)) for t in words) / len(words)
        score = min(1.0, share / 0.7)
    printed = "".join(sample).lower()
    letters = sum(map(printed.count, ascii_lowercase))
    if letters >= _FEW_LETTERS and letters > 0.4 * len(printed):
        # 0.65 to 0.75 in prose of European languages, over 0.55 in tables of names and figures.
        common = sum(map(printed.count, _COMMON)) / letters
        score = min(score, max(0.0, (common - 0.3) / 0.2))
    return score


def of_ocr_layer(texts: Sequence[str]) -> float:
    """An estimate of the share of words that a scan's own text layer has right.

    By its traces: words with signs or digits inside them, the same word twice, single letters,
    pages of text without a capital or a full stop.
    """
    sample = texts[: 3 * _SAMPLE]
    n = len(sample)
    if n < 8:
        return 0.5
    if sum(t < "\u0250" for t in sample) < 0.6 * n:
        return _OTHER_SCRIPT
    junk = sum(bool(_JUNK.fullmatch(t) or _MIXED.search(t)) for t in sample) / n
    single = sum(len(t) == 1 and t not in "aAIi&-–—•0123456789" for t in sample) / n
    words = [t for t in sample if len(t) > 3]
    twice = sum(a.isalpha() and a.lower() == b.lower() for a, b in pairwise(words))
    stops = sum(t[-1] in ".,;:!?" for t in sample) / n
    capitals = sum(t[0].isupper() for t in sample) / n
    doubt = 2.0 * junk + 1.5 * max(0.0, single - 0.03) + 4.0 * twice / n
    if n >= 60:
        doubt += 0.15 * (stops < 0.02) + 0.15 * (capitals < 0.02)
    most = 1.0 if n >= _ENOUGH_OF_A_SCAN else 0.75
    return round(max(0.0, min(most, (1.0 - doubt) * readable(texts))), 3)
