"""Texts to vectors: all-MiniLM-L6-v2 on this machine, or a server that speaks OpenAI's protocol.

Importing this file loads no model and no OpenVINO; the first vector asked for does.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import numpy as np

from store.errors import BadInput, FootnoteError, Transient

if TYPE_CHECKING:
    import openai
    import openvino
    from tokenizers import Tokenizer

    from store.settings import Settings

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_FIRST_TOKENIZER = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MODEL_FILES = ("model.xml", "model.bin", "tokenizer.json", "words.npy")
"""What a converted model consists of; model.json beside them holds their hashes."""
_MOST_RECENT = 64
"""Questions whose vectors are kept."""


class Embedder(Protocol):
    """Turns texts into vectors of unit length; calls may come from any thread."""

    @property
    def fingerprint(self) -> str:
        """Names everything that decides a vector; vectors of two fingerprints never mix."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def host(self) -> str | None:
        """The host that texts are sent to, None where they stay on this machine."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [n, dimension], rows in the order of `texts`, each of unit length."""
        ...

    def embed_query(self, text: str) -> np.ndarray:
        """float32 [dimension]."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the model's own marks, however long the text is."""
        ...


class ModelMissing(FootnoteError):
    """The local model is not converted yet, or its files are damaged; says what to run."""


def open_embedder(settings: Settings) -> Embedder:
    """The embedder that `settings` choose.

    Raises BadInput where they contradict themselves. The local model is not loaded here.
    """
    if settings.embedder == "local":
        return LocalEmbedder(settings.model_dir, threads=settings.embed_threads)
    if settings.embedder != "openai":
        raise BadInput(f"FOOTNOTE_EMBEDDER is {settings.embedder!r}; use local or openai.")
    if not settings.embedder_model:
        raise BadInput("FOOTNOTE_EMBEDDER is openai, but FOOTNOTE_EMBEDDER_MODEL names no model.")
    if not (settings.embedder_base_url or settings.embedder_api_key):
        raise BadInput(
            "FOOTNOTE_EMBEDDER is openai; set FOOTNOTE_EMBEDDER_BASE_URL, FOOTNOTE_EMBEDDER_API_KEY"
            " or both. OPENAI_API_KEY is for answers only and is not used to embed documents."
        )
    return OpenAICompatibleEmbedder(
        model=settings.embedder_model,
        base_url=settings.embedder_base_url or "https://api.openai.com/v1",
        api_key=settings.embedder_api_key.get_secret_value() if settings.embedder_api_key else None,
    )


def default_model_dir() -> Path:
    """Where `make setup` puts the converted model: inside the virtual environment."""
    return Path(sys.prefix) / "share" / "footnote" / "models" / "all-MiniLM-L6-v2"


class LocalEmbedder:
    """all-MiniLM-L6-v2 on OpenVINO: 384 numbers, texts cut at `max_tokens` tokens.

    The model loads at the first call. All computing happens in one thread of its own, batch by
    batch in the order asked: an infer request serves one caller at a time, and so a question
    waits for one batch of a running ingestion, not for all of it.
    """

    dimension = 384
    host = None

    def __init__(
        self,
        model_dir: Path | None = None,
        *,
        threads: int | None = None,
        max_tokens: int = 256,
        precision: str | None = None,
    ):
        """`precision` is OpenVINO's `bf16` or `f32`; None takes what this CPU computes fastest."""
        self.model_dir = model_dir or default_model_dir()
        self.max_tokens = max_tokens
        self.precision = precision or ("bf16" if _computes_bf16() else "f32")
        self.threads = threads or _usable_cores()
        # Not the precision: bf16 and f32 differ by less than 1e-4 in cosine, and a data folder
        # must survive a move to another machine. The first tokenizer needs no name: data folders
        # were made by it before tokenizers were named.
        pieces = "" if TOKENIZER_SHA256 == _FIRST_TOKENIZER else f"-{TOKENIZER_SHA256[:8]}"
        self.fingerprint = (
            f"minilm-{WEIGHTS_SHA256[:8]}{pieces}-{self.dimension}-unit-{max_tokens}tokens"
        )
        self._loading = threading.Lock()
        self._tokenizer: Tokenizer | None = None
        self._request: openvino.InferRequest | None = None
        self._queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embed")
        self._recent = _Recent(self.embed)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        # A token is at least one character and a word of over 100 characters is one token, so
        # what is cut here lies beyond `max_tokens` in anything but pages of blanks.
        texts = [text[: self.max_tokens * 128] for text in texts]
        encodings = self._load_tokenizer().encode_batch(texts)
        ids = [_shorten(encoding.ids, self.max_tokens) for encoding in encodings]
        vectors = np.empty((len(ids), self.dimension), dtype=np.float32)
        for rows in _batches([len(i) for i in ids]):
            batch = [ids[row] for row in rows]
            vectors[rows] = self._queue.submit(self._compute, batch).result()
        return vectors

    def embed_query(self, text: str) -> np.ndarray:
        return self._recent.get(text)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self.pieces(texts)]

    def pieces(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """The ids in the model's vocabulary of each text, without the model's own marks."""
        tokenizer = self._load_tokenizer()
        for start in range(0, len(texts), 256):  # an encoding is 100 times its text in memory
            part = list(texts[start : start + 256])
            for encoding in tokenizer.encode_batch(part, add_special_tokens=False):
                yield encoding.ids

    def embed_vocabulary(self) -> np.ndarray:
        """float32 [pieces, dimension]: the vector of each piece of the vocabulary alone."""
        tokenizer = self._load_tokenizer()
        first, last = tokenizer.encode("").ids
        ids = [[first, piece, last] for piece in range(tokenizer.get_vocab_size())]
        rows = [
            self._queue.submit(self._compute, ids[start : start + 256]).result()
            for start in range(0, len(ids), 256)
        ]
        return np.concatenate(rows)

    def _compute(self, ids: list[list[int]]) -> np.ndarray:
        """One batch; runs in the embedder's own thread only."""
        if self._request is None:
            self._request = self._load_model()
        # Lengths in steps: OpenVINO keeps compiled kernels for every shape it has seen.
        longest = max(len(i) for i in ids)
        step = 4 if longest <= 32 else 8
        length = -(-longest // step) * step
        tokens = np.zeros((len(ids), length), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, found in enumerate(ids):
            tokens[row, : len(found)] = found
            mask[row, : len(found)] = 1
        return unit_rows(self._request.infer([tokens, mask])[0])

    def _load_tokenizer(self) -> Tokenizer:
        with self._loading:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                self.check_files(("tokenizer.json",))
                tokenizer = Tokenizer.from_file(str(self.model_dir / "tokenizer.json"))
                # The file's own settings cut at 128 tokens and pad every text to 128.
                tokenizer.no_truncation()
                tokenizer.no_padding()
                self._tokenizer = tokenizer
            return self._tokenizer

    def _load_model(self) -> openvino.InferRequest:
        import openvino

        self.check_files(("model.xml", "model.bin"))
        settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
        }
        core = openvino.Core()
        compiled = core.compile_model(self.model_dir / "model.xml", "CPU", settings)
        return compiled.create_infer_request()

    def check_files(self, names: Sequence[str]) -> None:
        try:
            manifest = json.loads((self.model_dir / "model.json").read_text(encoding="utf-8"))
            expected: dict[str, str] = manifest["files"]
            right = manifest["source_sha256"] == WEIGHTS_SHA256 and all(
                file_sha256(self.model_dir / name) == expected[name] for name in names
            )
        except FileNotFoundError:
            raise ModelMissing(
                f"The embedding model is not in {self.model_dir}. Run: make setup"
            ) from None
        except (KeyError, ValueError):
            right = False
        if not right:
            raise ModelMissing(
                f"The embedding model in {self.model_dir} is damaged."
                " Delete that folder and run: make setup"
            )


class OpenAICompatibleEmbedder:
    """Vectors from a server's /embeddings; every text is sent to `host`.

    Texts are cut at `max_chars` characters, for servers refuse what their model cannot hold.
    `wait` is how it sleeps between tries: a test passes its own.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        tries: int = 5,
        batch_texts: int = 64,
        max_chars: int = 8_000,
        wait: Callable[[float], None] = time.sleep,
    ):
        self.model, self.base_url = model, base_url
        self.host = urlsplit(base_url).hostname or base_url
        self.fingerprint = f"{self.host}-{model}-unit-{max_chars}chars"
        self.tries, self.batch_texts, self.max_chars = tries, batch_texts, max_chars
        self._api_key, self._timeout_s, self._wait = api_key, timeout_s, wait
        self._recent = _Recent(self.embed)
        self._client: openai.OpenAI | None = None
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        """Learned from the server's first answer; asks for one where none came yet."""
        if self._dimension is None:
            self._dimension = self.embed(["dimension"]).shape[1]
        return self._dimension

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """As `Embedder.embed`.

        Raises Transient where the server is busy or away after all tries, BadInput where it
        refuses (a wrong key, an unknown model) or answers with something that is not vectors.
        """
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        # Servers refuse an empty text; a full stop is the least they take.
        cut = [text[: self.max_chars].strip() or "." for text in texts]
        parts = [
            self._ask(cut[start : start + self.batch_texts])
            for start in range(0, len(cut), self.batch_texts)
        ]
        return unit_rows(np.concatenate(parts))

    def embed_query(self, text: str) -> np.ndarray:
        return self._recent.get(text)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate on the high side: the tokenizer of the server's model is not known here."""
        return [-(-len(text.encode()) // 3) for text in texts]

    def _ask(self, texts: list[str]) -> np.ndarray:
        import openai

        if self._client is None:
            # The client insists on a key; servers on one's own machine often want none.
            # Its own retries are off: one policy, below.
            self._client = openai.OpenAI(
                base_url=self.base_url,
                api_key=self._api_key or "none",
                timeout=self._timeout_s,
                max_retries=0,
            )
        pause_s = 0.5
        for attempt in range(1, self.tries + 1):
            try:
                answer = self._client.embeddings.create(
                    model=self.model, input=texts, encoding_format="float"
                )
                return self._vectors(answer, len(texts))
            except (
                openai.APIConnectionError,  # time-outs are among these
                openai.RateLimitError,
                openai.InternalServerError,
            ) as problem:
                if attempt == self.tries:
                    raise Transient(
                        f"The embeddings server {self.host} gave no answer in {self.tries} tries"
                        f" ({_reason(problem)})."
                    ) from problem
                self._wait(_asked_pause(problem) or pause_s * random.uniform(0.5, 1.5))
                pause_s *= 2
            except openai.APIStatusError as refusal:
                raise BadInput(
                    f"The embeddings server {self.host} refused ({_reason(refusal)}). Check"
                    " FOOTNOTE_EMBEDDER_BASE_URL, _API_KEY and _MODEL."
                ) from refusal
            except (openai.APIError, ValueError) as nonsense:  # no JSON, or none of the protocol
                raise self._not_vectors() from nonsense
        raise AssertionError("unreachable: the last try returns or raises")

    def _vectors(self, answer: object, expected: int) -> np.ndarray:
        """The answer's vectors in the order asked, checked for number, width and finiteness."""
        try:
            rows = sorted(answer.data, key=lambda row: row.index)  # type: ignore[attr-defined]
            vectors = np.array([row.embedding for row in rows], dtype=np.float32)
        except (AttributeError, TypeError, ValueError) as wrong:
            raise self._not_vectors() from wrong
        if vectors.ndim != 2 or len(vectors) != expected or not np.isfinite(vectors).all():
            raise self._not_vectors()
        if self._dimension not in (None, vectors.shape[1]):
            raise BadInput(
                f"The embeddings server {self.host} now answers with {vectors.shape[1]} numbers a"
                f" text instead of {self._dimension}; its model has changed. Re-index."
            )
        self._dimension = vectors.shape[1]
        return vectors

    def _not_vectors(self) -> BadInput:
        return BadInput(
            f"What {self.base_url} answered is not embeddings. Check FOOTNOTE_EMBEDDER_BASE_URL;"
            " it usually ends in /v1."
        )


class _Recent:
    """Vectors of the newest questions: one is asked for by the search, then by the answer."""

    def __init__(self, embed: Callable[[Sequence[str]], np.ndarray]):
        self._embed = embed
        self._lock = threading.Lock()
        self._vectors: dict[str, np.ndarray] = {}

    def get(self, text: str) -> np.ndarray:
        with self._lock:
            known = self._vectors.get(text)
        if known is None:
            known = self._embed([text])[0]
            known.setflags(write=False)
            with self._lock:
                self._vectors[text] = known
                for old in list(self._vectors)[:-_MOST_RECENT]:
                    del self._vectors[old]
        return known


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """float32 copies of the rows at unit length; a row of zeros stays zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shorten(ids: list[int], most: int) -> list[int]:
    """At most `most` tokens, the closing mark kept at the end."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def _batches(lengths: Sequence[int], tokens: int = 2048, texts: int = 64) -> Iterator[list[int]]:
    """Row numbers sorted by length, at most `tokens` with padding and `texts` in a batch.

    2,048 tokens compute as fast as 4,096, and a question waits half as long behind them.
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        full = len(batch) == texts or (len(batch) + 1) * lengths[row] > tokens
        # A short text among long ones computes as long as they do.
        if batch and (full or lengths[row] > 1.5 * lengths[batch[0]] + 8):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _computes_bf16() -> bool:
    """Whether this CPU has bf16 in hardware; elsewhere it is emulated, 20 times slower."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return " amx_bf16" in flags or " avx512_bf16" in flags


def _usable_cores() -> int:
    # Not os.cpu_count() where it can be helped: in a container it counts the host's.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _reason(problem: openai.APIError) -> str:
    status = getattr(problem, "status_code", None)
    return f"{status}" if status else str(problem).rstrip(".")


def _asked_pause(problem: openai.APIError) -> float | None:
    """Seconds that a Retry-After header asks for, up to a minute."""
    response = getattr(problem, "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    return min(float(asked), 60.0) if asked.isdecimal() else None
