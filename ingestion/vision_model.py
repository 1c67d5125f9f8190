"""Asking a vision model what one picture shows: one deadline, one retry policy, one repair.

The app asks, never a child: children have no network. What comes back is checked and is data.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ingestion.prompts import prompt
from store.models import Frozen

if TYPE_CHECKING:
    import httpx

    from store.settings import Settings

SeenKind = Literal["chart", "diagram", "photo", "table", "handwriting", "text", "nothing"]
OPENAI = "https://api.openai.com/v1"
MAX_ANSWER_BYTES = 1_000_000
MAX_CHARACTERS = 12_000
"""Of a transcription or description; a model that repeats itself writes on to its limit."""
FIRST_WAIT_S = 0.5
_MOST_TRIES = 4
_AWAY_S = 30.0
_LEAST_S = 1.0


class VisionOptions(Frozen):
    """Which model to ask, where, and how much it may cost.

    `timeout_s` bounds one picture with its retries, `max_regions` the pictures of one document,
    `parallel` how many are asked about at once, over all documents.
    """

    model: str
    base_url: str = OPENAI
    api_key: SecretStr | None = None
    max_regions: int = 20
    max_tokens: int = 1500
    timeout_s: float = 90.0
    parallel: int = 2

    @property
    def host(self) -> str:
        """The host that pictures are sent to, without whatever else an address may hold."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or self.base_url


class Seen(BaseModel):
    """What a model says of a picture. A text that it leaves out is empty."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: SeenKind
    transcription: str = Field("", max_length=MAX_CHARACTERS)
    description: str = Field("", max_length=MAX_CHARACTERS)

    @field_validator("transcription", "description", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return "" if value is None else value


class NoAnswer(Exception):
    """The server gave none. The text says why; `slow` when it only took too long."""

    def __init__(self, text: str, *, slow: bool = False):
        super().__init__(text)
        self.slow = slow


class BadAnswer(Exception):
    """The model's answer cannot be used, and neither could its second one."""


class _Again(Exception):
    """Worth another try, not before `after_s` seconds."""

    def __init__(self, text: str, after_s: float = 0.0):
        super().__init__(text)
        self.after_s = after_s


class _Away(_Again):
    """There is no server where one should be."""


class _Refused(Exception):
    """The server does not take the request in this form."""


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class VisionModel:
    """A model on an OpenAI-compatible server. Safe to use from several threads."""

    def __init__(self, options: VisionOptions):
        self.options = options
        self._seats = threading.BoundedSemaphore(max(1, options.parallel))
        self._closing = threading.Event()
        self._forms = _forms(options.max_tokens)
        self._form = 0  # the first that the server took
        self._away_until = 0.0

    @property
    def name(self) -> str:
        return self.options.model

    def look(self, png: bytes) -> Seen:
        """What the picture shows. Raises NoAnswer and BadAnswer."""
        url = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
        picture = {"type": "image_url", "image_url": {"url": url}}
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": prompt("describe").text},
            {"role": "user", "content": [picture]},
        ]
        with self._seats:
            import httpx  # the first import takes its time; the clock starts after it
            import openai  # noqa: F401

            deadline = time.monotonic() + self.options.timeout_s
            # A redirect would send the picture to a host that no screen has named.
            with httpx.Client(follow_redirects=False) as client:
                said, fault = self._said(client, messages, deadline)
                if isinstance(fault, Seen):
                    return fault
                kinds = ", ".join(get_args(SeenKind))
                repair = prompt("repair").text.format(fault=fault, kinds=kinds)
                messages += [
                    {"role": "assistant", "content": said[:MAX_CHARACTERS] or "-"},
                    {"role": "user", "content": repair},
                ]
                _, fault = self._said(client, messages, deadline)
                if isinstance(fault, Seen):
                    return fault
                raise BadAnswer("its answer could not be used")

    def close(self) -> None:
        """Whoever waits for another try waits no more."""
        self._closing.set()

    def _said(
        self, client: httpx.Client, messages: list[dict[str, Any]], deadline: float
    ) -> tuple[str, Seen | str]:
        """(what the model wrote, what it means or why it cannot be used)."""
        wait_s = FIRST_WAIT_S
        tries, form = 0, self._form
        while True:
            try:
                text, cut = self._completed(client, messages, self._forms[form], deadline)
                self._form = form
                return text, "it was cut off at the limit of tokens" if cut else _understood(text)
            except _Refused as refusal:
                form += 1
                if form == len(self._forms):
                    raise NoAnswer(str(refusal)) from refusal
            except _Again as fault:
                tries += 1
                now, pause_s = time.monotonic(), max(fault.after_s, wait_s)
                enough = tries == _MOST_TRIES or now + pause_s + _LEAST_S > deadline
                if isinstance(fault, _Away):
                    # Tried once only for a while: the next documents need not wait for it too.
                    enough |= now < self._away_until
                    self._away_until = now + _AWAY_S if enough else self._away_until
                if enough or self._closing.wait(pause_s):
                    raise NoAnswer(str(fault)) from fault
                wait_s *= 2

    def _completed(
        self,
        client: httpx.Client,
        messages: list[dict[str, Any]],
        form: dict[str, Any],
        deadline: float,
    ) -> tuple[str, bool]:
        """One request: (text, whether it ends at the limit of tokens)."""
        import httpx
        import openai

        options = self.options
        asking = openai.OpenAI(
            base_url=options.base_url,
            # The client insists on a key; servers on one's own machine often want none.
            api_key=options.api_key.get_secret_value() if options.api_key else "none",
            timeout=max(_LEAST_S, deadline - time.monotonic()),
            max_retries=0,
            http_client=client,
        )
        create: Any = asking.chat.completions.with_streaming_response.create
        body = bytearray()
        try:
            with create(model=options.model, messages=messages, **form) as response:
                for part in _in_time(response.iter_bytes(), deadline):
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        raise NoAnswer("the server's answer does not end")
        except openai.APIStatusError as error:
            raise _fault(error.status_code, error.response.headers) from error
        except (openai.APITimeoutError, httpx.TimeoutException) as error:
            raise NoAnswer("no answer in time", slow=True) from error
        except (openai.APIConnectionError, httpx.TransportError) as error:
            raise _Away("the connection failed") from error
        # No JSON where JSON was announced, an encoding that is none: a foreign server's faults.
        except (openai.OpenAIError, httpx.HTTPError, ValueError) as error:
            raise NoAnswer("the server's answer could not be read") from error
        try:
            choice = _Completion.model_validate_json(bytes(body)).choices[0]
        except ValidationError as error:
            raise NoAnswer("the server's answer could not be read") from error
        return choice.message.content or "", choice.finish_reason == "length"


def vision_of(settings: Settings) -> VisionModel | None:
    """The vision model that settings name; None, and nothing is ever sent, where they name none.

    A key goes only to the server it belongs to: OPENAI_API_KEY not to a vision server of its own.
    """
    name = (settings.vision_model or "").strip()
    if not name:
        return None
    own = settings.vision_base_url
    key = settings.vision_api_key or (None if own else settings.openai_api_key)
    return VisionModel(
        VisionOptions(
            model=name,
            base_url=own or settings.openai_base_url or OPENAI,
            api_key=key,
            max_regions=settings.vision_max_regions,
            max_tokens=settings.vision_max_tokens,
            timeout_s=settings.vision_timeout_s,
            parallel=settings.vision_parallel,
        )
    )


def _forms(max_tokens: int) -> tuple[dict[str, Any], ...]:
    """Requests as servers take them, the strictest first; a refusal (400) leads to the next."""
    schema = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": list(get_args(SeenKind))},
            "transcription": {"type": "string"},
            "description": {"type": "string"},
        },
        "required": ["kind", "transcription", "description"],
        "additionalProperties": False,
    }
    shape = {
        "type": "json_schema",
        "json_schema": {"name": "reading", "strict": True, "schema": schema},
    }
    return (
        {"max_tokens": max_tokens, "temperature": 0.0, "response_format": shape},
        {"max_completion_tokens": max_tokens, "response_format": shape},
        {"max_tokens": max_tokens},
    )


def _understood(text: str) -> Seen | str:
    """What the model wrote as a value, or what is wrong with it; prose around the JSON is left."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return "it holds no JSON object"
    try:
        return Seen.model_validate_json(text[start : end + 1])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else "it is not valid JSON"


def _in_time(parts: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    """The parts, as long as the deadline has not passed: a byte a minute passes every time-out."""
    for part in parts:
        if time.monotonic() > deadline:
            raise NoAnswer("no answer in time", slow=True)
        yield part


def _fault(status: int, headers: Mapping[str, str]) -> Exception:
    if status == 429:
        return _Again("too many requests (429)", _retry_after_s(headers))
    if status in (408, 409) or status >= 500:
        return _Again(f"the server failed ({status})", _retry_after_s(headers))
    if status in (400, 422):
        return _Refused(f"the server refused the request ({status})")
    return NoAnswer(f"the server refused the request ({status})")


def _retry_after_s(headers: Mapping[str, str]) -> float:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return 0.0
