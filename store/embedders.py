"""Each generation's own embedder, opened from what was noted when the generation was made.

What is noted holds no key. A server elsewhere is asked only while the settings still name it: who
takes its address or key out of them wants no more texts sent there.
"""

from __future__ import annotations

import threading
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from store.embedding import (
    TOKENIZER_SHA256,
    WEIGHTS_SHA256,
    Embedder,
    LocalEmbedder,
    OpenAICompatibleEmbedder,
)
from store.errors import FootnoteError
from store.models import Frozen, Generation
from store.settings import Settings

_OPENAI = "https://api.openai.com/v1"


class EmbedderGone(FootnoteError):
    """The embedder that an index was made by cannot be opened; says why."""


class Noted(Frozen):
    """What decides a vector, as it is kept with a generation. Keys are never part of it.

    `most` is how much of a text is embedded: tokens of a local model, characters sent to a server.
    """

    kind: Literal["local", "openai"]
    model: str
    base_url: str | None = None
    tokenizer: str | None = None
    normalised: Literal["unit"] = "unit"
    most: int


def describe(embedder: Embedder) -> str | None:
    """JSON by which `Embedders` can open it again; None for one that is of no kind that ships."""
    if isinstance(embedder, LocalEmbedder):
        return Noted(
            kind="local",
            model=WEIGHTS_SHA256,
            tokenizer=TOKENIZER_SHA256,
            most=embedder.max_tokens,
        ).model_dump_json()
    if isinstance(embedder, OpenAICompatibleEmbedder):
        return Noted(
            kind="openai",
            model=embedder.model,
            base_url=_without_secrets(embedder.base_url),
            most=embedder.max_chars,
        ).model_dump_json()
    return None


class Embedders:
    """Opens each embedder once; thread-safe."""

    def __init__(self, settings: Settings, today: Embedder):
        """`today` is the one that the settings choose now."""
        self.settings, self.today = settings, today
        self._lock = threading.Lock()
        self._opened: dict[str, Embedder] = {}

    def of(self, generation: Generation) -> Embedder:
        """The one that made a generation's vectors. Raises EmbedderGone where it cannot be had."""
        if generation.embedder == self.today.fingerprint:
            return self.today
        with self._lock:
            if generation.embedder not in self._opened:
                opened = self._open(generation)
                if opened.fingerprint != generation.embedder:
                    raise EmbedderGone(
                        "The embedding model that the index was made by is not in this Footnote "
                        "any more."
                    )
                self._opened[generation.embedder] = opened
            return self._opened[generation.embedder]

    def _open(self, generation: Generation) -> Embedder:
        if generation.opened_by is None:  # of an older Footnote, which noted nothing
            return LocalEmbedder(self.settings.model_dir, threads=self.settings.embed_threads)
        noted = Noted.model_validate_json(generation.opened_by)
        if noted.kind == "local":
            return LocalEmbedder(
                self.settings.model_dir,
                threads=self.settings.embed_threads,
                max_tokens=noted.most,
            )
        base_url, key = self._way_to(noted)
        # Questions wait for it: less patience than where documents are embedded by choice.
        return OpenAICompatibleEmbedder(
            model=noted.model,
            base_url=base_url,
            api_key=key,
            max_chars=noted.most,
            timeout_s=10.0,
            tries=2,
        )

    def _way_to(self, noted: Noted) -> tuple[str, str | None]:
        """Address and key of a noted server, as far as the settings still allow to ask it."""
        there, s = noted.base_url or _OPENAI, self.settings
        key = s.embedder_api_key.get_secret_value() if s.embedder_api_key else None
        named = s.embedder_base_url or (_OPENAI if key else None)
        if named is not None and _origin(named) == _origin(there):
            same = _without_secrets(named) == there
            return (named if same else there), key
        if _is_here(there):
            return there, None
        raise EmbedderGone(
            f"The index was made by {noted.model} at {urlsplit(there).hostname}, which the settings"
            " no longer name."
        )


def _without_secrets(url: str) -> str:
    """The address without a user, a password or a query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _is_here(url: str) -> bool:
    """Whether texts sent there stay on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
