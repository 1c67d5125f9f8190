"""Terms of a text without the endings of its language; a question's under each language held.

A stem carries its language (`de:haus`), so that the rules of one never join words of another:
German takes the s off `news`. Languages without rules here keep their words whole, as `-:`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache, lru_cache

import tantivy

from store.indexes.words import fold, spelled

ENGLISH = "en"
WHOLE = "-"

_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
_WITH_EMPTY_WORDS = ("da", "de", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ru", "sv")

_EMPTY_WORDS = (
    "a about above after again against all am an and any are as at be because been before being"
    " below between both but by can could did do does doing down during each few for from further"
    " had has have having he her here hers him his how i if in into is it its itself just me more"
    " most my no nor not of off on once only or other our out over own same she should so some"
    " such than that the their them then there these they this those through to too under until"
    " up very was we were what when where which while who whom whose why will with would you"
    " your"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())

# Words of a question that those lists lack: they match everywhere like the others.
_ASKING_WORDS = {
    "de": "wer wen wem wessen wo wann warum wie wieviel wieviele welche welcher welches welchem"
    " welchen wurde wurden gibt gab",
    "es": "qué quién quiénes cuál cuáles cuándo cuánto cuánta cuántos cuántas dónde cómo por fue"
    " son es",
    "fr": "quel quelle quels quelles qui que quoi où quand comment pourquoi combien est sont"
    " était étaient a",
    "it": "quale quali chi che cosa dove quando come perché quanto quanti quanta quante è sono",
    "nl": "wie wat waar wanneer waarom hoe hoeveel welke welk zijn werd werden",
    "pt": "qual quais quem que quando onde como quanto quantos quanta quantas é são foi",
}
_ASKING = {language: frozenset(some.split()) for language, some in _ASKING_WORDS.items()}


def stemmed_language(language: str | None) -> str:
    """The language under which a chunk's terms are kept; those of unknown language as English."""
    if language is None:
        return ENGLISH
    return language if language in _STEMMERS else WHOLE


def terms_of(text: str, language: str) -> list[str]:
    """What is indexed of a text of a `stemmed_language`, in reading order."""
    return [f"{language}:{stem}" for stems in _stems(spelled(text), language) for stem in stems]


def terms_asked(question: str, languages: Collection[str]) -> list[tuple[str, ...]]:
    """For each term of a question all its forms under these `stemmed_language`s."""
    asked_words = _with_subject(spelled(question))
    by_language = [(each, _stems(asked_words, each)) for each in sorted(languages)]
    return [
        tuple(f"{each}:{stem}" for each, stems in by_language for stem in stems[i])
        for i in range(len(asked_words))
    ]


def is_empty(word: str) -> bool:
    """Whether a word carries no subject, in English or another language that we know."""
    term = fold(word)
    return term in _EMPTY or any(
        term in _empty_words(each, frozenset([term])) for each in _WITH_EMPTY_WORDS
    )


def asked(question: str) -> list[str]:
    """A question's terms, unstemmed, without the words of its language that carry no subject.

    They match everywhere, and a hundred candidates is little: without them BM25 has the right
    page of the reports in benchmarks/retrieval.py among ten in .78 instead of .71 of cases.
    """
    return [fold(word) for word in _with_subject(spelled(question))]


def _stems(terms: Sequence[str], language: str) -> list[tuple[str, ...]]:
    """The stem of each term, and the one that it has without accents where that is another.

    Both, because a person may leave the accents out and a scan loses them.
    """
    if language == WHOLE:
        return [(fold(term),) for term in terms]
    plain = [fold(term) for term in terms]
    stems = _analysed(language, plain)
    if all(map(str.isascii, terms)):
        return [(stem,) for stem in stems]
    accented = [fold(stem) for stem in _analysed(language, terms)]
    return [tuple(dict.fromkeys(pair)) for pair in zip(accented, stems, strict=True)]


def _analysed(language: str, terms: Sequence[str]) -> list[str]:
    if not terms:
        return []
    stems = _stemmer(language).analyze(" ".join(terms))
    if len(stems) != len(terms):
        raise ValueError("The stemmer gave another number of words than it was given.")
    return stems


def _with_subject(terms: list[str]) -> list[str]:
    """Without the empty words of English and of the language that most of them are of."""
    said = frozenset(terms)
    empty = said & _EMPTY
    most = max((_empty_words(each, said) for each in _WITH_EMPTY_WORDS), key=len)
    if len(most) > len(empty):
        empty |= most
    return [term for term in terms if term not in empty] or terms


@lru_cache(maxsize=1024)
def _empty_words(language: str, said: frozenset[str]) -> frozenset[str]:
    kept = _sieve(language).analyze(" ".join(said)) if said else []
    return (said - frozenset(kept)) | (said & _ASKING.get(language, frozenset()))


@cache
def _stemmer(language: str) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer(_STEMMERS[language])).build()


@cache
def _sieve(language: str) -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stopword(_STEMMERS[language])).build()
