"""The language of each chunk, from its letters: for stemming, so a wrong one must be rare.

py3langid's model is read when the first text with Latin, Cyrillic or Arabic letters comes and
takes 60 MB; other scripts tell their language by themselves.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_READ = 600
"""Characters looked at; more cost time and change nothing."""

_SURE_LETTERS = 60
_SURE = 0.5
_ODD_LETTERS = 100
_ODD_SURE = 0.9
"""Asked of a language that the document has not been in so far: a list of French names in an
English report is no French."""

_KNOWN = (
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it"
    " ka kk lt lv mk ml mr ms mt nb nl nn no pa pl pt ro ru sk sl sq sr sv sw ta te tl tr uk ur vi"
)
_ALSO_CALLED = {"nb": "no", "nn": "no"}
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]"), 0.1),
    ("ko", re.compile("[\uac00-\ud7af\u1100-\u11ff]"), 0.3),
    ("zh", re.compile("[\u3400-\u9fff\uf900-\ufaff]"), 0.3),
    ("th", re.compile("[\u0e00-\u0e7f]"), 0.3),
    ("el", re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), 0.5),
    ("he", re.compile("[\u0590-\u05ff]"), 0.5),
)
"""(language, its letters, the share of them that tells it): Japanese before Chinese, whose signs
it uses too; words of two letters' worth fill a sign."""

_LOADING = threading.Lock()
_NOT_LETTERS = re.compile(r"[\W\d_]+")


class _Guess(NamedTuple):
    """`letters` is how many were looked at; `sure` 0..1."""

    language: str | None
    sure: float
    letters: int


class Languages:
    """The languages of one document's chunks, window after window."""

    def __init__(self) -> None:
        self._letters: Counter[str] = Counter()
        self._last: str | None = None

    def of(self, texts: Sequence[str]) -> list[str | None]:
        """ISO 639-1 of each text; a short or doubtful one has that of its neighbours.

        None where neither it nor a neighbour tells.
        """
        guesses = [_guess(text) for text in texts]
        for guess in guesses:
            if guess.language and guess.sure >= _SURE and guess.letters >= _SURE_LETTERS:
                self._letters[guess.language] += guess.letters
        usual = self._usual()
        found = [guess.language if self._holds(guess, usual) else None for guess in guesses]
        # Forwards from the chunk before; those before the first that tells, from that one.
        for i, language in enumerate(found):
            self._last = found[i] = language or self._last
        first = next((language for language in found if language), None)
        return [language or first for language in found]

    def _usual(self) -> str | None:
        return self._letters.most_common(1)[0][0] if self._letters else None

    def _holds(self, guess: _Guess, usual: str | None) -> bool:
        if guess.language is None:
            return False
        if guess.language == usual:
            return guess.sure >= _SURE
        if usual is None:
            return guess.sure >= _SURE and guess.letters >= _SURE_LETTERS
        return guess.sure >= _ODD_SURE and guess.letters >= _ODD_LETTERS


def _guess(text: str) -> _Guess:
    letters = _NOT_LETTERS.sub(" ", text[: 4 * _READ])[:_READ].strip()
    count = len(letters) - letters.count(" ")
    if not count:
        return _Guess(None, 0.0, 0)
    for language, script, share in _SCRIPTS if not letters.isascii() else ():
        if len(script.findall(letters)) >= share * count:
            return _Guess(language, 1.0, 10 * count)
    language, sure = _identifier().classify(letters)
    return _Guess(_ALSO_CALLED.get(language, language), sure, count)


def _identifier() -> LanguageIdentifier:
    with _LOADING:  # several documents are chunked at once, and a second model would take 60 MB
        return _loaded()


@cache
def _loaded() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # 20 MB less, and no list of part numbers is Malagasy.
    kept = [i for i, name in enumerate(whole.nb_classes) if name in _KNOWN.split()]
    return LanguageIdentifier(
        whole.nb_ptc[:, kept].copy(),
        whole.nb_pc[kept],
        [whole.nb_classes[i] for i in kept],
        whole.tk_nextmove,
        whole.tk_output,
        norm_probs=True,
        tk_row=whole.tk_row,
    )
