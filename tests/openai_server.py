"""A real HTTP server that speaks OpenAI's chat protocol and does what its script says.

Each model name has a list of behaviours, one a request; the last one repeats. What was asked is
kept in `requests`.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEN = json.dumps(
    {
        "kind": "chart",
        "transcription": "Station | Visitors\nKestrel | 420\nPlover | 275\nDunlin | 130",
        "description": "A bar chart of visitors by station. Kestrel has the most, 420.",
    }
)
"""What `normal` says of a picture."""


class OpenAIServer:
    """Use as a context manager; `base_url` is what OPENAI_BASE_URL would hold.

    Behaviours: `normal` (copies first sentences of the excerpts, with markers), `slow` (the same,
    a word at a time), `429`, `429 after N` (with Retry-After), `500`, `401`, `not json`,
    `broken stream`, `empty`, `nonsense`, `cut` (drops the connection after a sentence),
    `cut early` (before one is whole), `silent` (never answers), `stalls` (after a sentence),
    `invents` (a number nobody wrote), `refuses`, `unmarked` (no markers), `say TEXT`, `huge` (far
    more than anybody asked for), `endless` (a sentence that never ends), `hang after TEXT`.

    `usage` is how a stream tells its tokens, counted as words: `asked` (in a last chunk where the
    request wishes so), `grows` (in every chunk), `never`, `refuses` (400 for the wish), `odd`
    (numbers that nobody can use).

    A request that does not stream, as those with a picture, gets its answer whole: `normal` (a
    chart), `say TEXT`, `empty`, `nonsense`, `cut` (at the limit of tokens), `endless`, `drips`, and
    the faults above. `pictures` holds the bytes of every picture that was sent.
    """

    def __init__(self, usage: str = "asked", **scripts: Sequence[str]):
        self.usage = usage
        self.scripts = {name.replace("_", "-"): list(script) for name, script in scripts.items()}
        self.requests: list[dict] = []
        self.times: list[float] = []
        self.pictures: list[bytes] = []
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append(body)
                server.pictures += pictures_in(body)
                server.times.append(time.monotonic())
                try:
                    server.answer(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Tests read their own output."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> OpenAIServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def asked(self, model: str) -> int:
        return sum(request["model"] == model for request in self.requests)

    def answer(self, to: BaseHTTPRequestHandler, body: dict) -> None:
        script = self.scripts.get(body["model"], ["normal"])
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        if behaviour.startswith("429"):
            after = behaviour.partition(" after ")[2]
            self._error(to, 429, {"retry-after": after} if after else {})
        elif behaviour in ("500", "401", "400"):
            self._error(to, int(behaviour), {})
        elif behaviour == "redirect":
            self._send(to, 307, b"", "text/plain", {"location": f"{self.base_url}/elsewhere"})
        elif behaviour == "not json":
            self._send(to, 200, b"<html>It works!</html>", "text/html")
        elif behaviour == "silent":
            self.closing.wait(60)
            to.close_connection = True
        elif not body.get("stream"):
            self._whole(to, behaviour)
        elif self.usage == "refuses" and "stream_options" in body:
            script.insert(0, behaviour)  # it is still to be done
            self._error(to, 400, {})
        else:
            self._stream(to, behaviour, body)

    def _whole(self, to: BaseHTTPRequestHandler, behaviour: str) -> None:
        said = {"empty": "", "nonsense": "I am sorry, Dave.", "cut": SEEN[:40]}.get(behaviour, SEEN)
        if behaviour.startswith("say "):
            said = behaviour.removeprefix("say ")
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": said},
            "finish_reason": "length" if behaviour == "cut" else "stop",
        }
        answer = {"id": "scripted", "object": "chat.completion", "created": 0, "model": "scripted"}
        body = json.dumps(answer | {"choices": [choice]}).encode()
        if behaviour in ("endless", "drips"):
            to.send_response(200)
            to.send_header("content-type", "application/json")
            to.end_headers()
            while not self.closing.wait(0.2 if behaviour == "drips" else 0):
                to.wfile.write(b" " * (1 if behaviour == "drips" else 100_000))
                to.wfile.flush()
            to.close_connection = True
            return
        self._send(to, 200, body, "application/json")

    def _stream(self, to: BaseHTTPRequestHandler, behaviour: str, body: dict) -> None:
        to.send_response(200)
        to.send_header("content-type", "text/event-stream")
        to.send_header("connection", "close")
        to.end_headers()
        to.close_connection = True
        if behaviour == "broken stream":
            to.wfile.write(b'data: {"id": "x", "choices": [{"delta": {"con\n\ndata: {{{\n\n')
            return
        sent = sum(len(message["content"].split()) for message in body["messages"])
        written = 0
        for piece in self._pieces(behaviour, body["messages"][0]["content"]):
            written += 1
            chunk = _chunk(piece)
            if self.usage == "grows":
                chunk["usage"] = _usage(sent, written)
            to.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            to.wfile.flush()
        if behaviour.startswith("cut"):
            to.connection.shutdown(2)
            return
        to.wfile.write(b"data: " + json.dumps(_chunk(None)).encode() + b"\n\n")
        wished = (body.get("stream_options") or {}).get("include_usage")
        if (self.usage == "asked" and wished) or self.usage == "odd":
            usage = _usage(sent, written) if self.usage == "asked" else _usage(-5, "many")
            last = _chunk(None) | {"choices": [], "usage": usage}
            to.wfile.write(b"data: " + json.dumps(last).encode() + b"\n\n")
        to.wfile.write(b"data: [DONE]\n\n")

    def _pieces(self, behaviour: str, system: str) -> Iterator[str]:
        copied = copied_sentences(system)
        plain = " ".join(f"{text} [{n}]" for n, text in copied)
        said = {
            "empty": " \n ",
            "nonsense": "Purple elephants dance on Tuesdays [1]. Fish sing opera in Vienna [2].",
            "invents": f"{copied[0][1] if copied else ''} [1] The total was EUR 987,654 [1].",
            "refuses": "The documents do not say.",
            "unmarked": " ".join(text for _, text in copied),
            "cut early": (plain[:12]),
        }.get(behaviour, plain)
        if behaviour.startswith("say "):
            said = behaviour.removeprefix("say ")
        if behaviour == "huge":
            said = "Words follow words. " * 5000
        if behaviour.startswith("hang after "):
            yield behaviour.removeprefix("hang after ")
            self.closing.wait(60)
            return
        while behaviour == "endless" and not self.closing.wait(0.001):
            yield "on and on " * 40
        for i, word in enumerate(re.findall(r"\S+\s*", said) or [said]):
            if behaviour == "slow":
                time.sleep(0.03)
            if behaviour in ("cut", "stalls") and i and i == len(copied[0][1].split()) + 3:
                if behaviour == "stalls":
                    self.closing.wait(60)
                return
            yield word

    def _error(self, to: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        body = json.dumps({"error": {"message": f"scripted {status}", "type": "x"}}).encode()
        self._send(to, status, body, "application/json", headers)

    def _send(
        self,
        to: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        kind: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        to.send_response(status)
        for name, value in ({"content-type": kind} | (headers or {})).items():
            to.send_header(name, value)
        to.send_header("content-length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)


def pictures_in(body: dict) -> list[bytes]:
    """The pictures that a request carries."""
    parts = [
        part for m in body["messages"] if isinstance(m["content"], list) for part in m["content"]
    ]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [base64.b64decode(url.removeprefix("data:image/png;base64,")) for url in urls]


def copied_sentences(system: str, most: int = 3) -> list[tuple[int, str]]:
    """The first sentences of the first excerpts in a prompt, with the excerpt's number."""
    found: list[tuple[int, str]] = []
    for n, text in re.findall(r'<excerpt n="(\d+)">\n(.*?)\n</excerpt>', system, re.DOTALL):
        prose = re.sub(r"^(?:\w+: [^\n]*\n)+", "", text).strip()
        for sentence in re.findall(r"[^.!?\n][^.!?]*[.!?](?=\s|$)", prose)[:most]:
            found.append((int(n), " ".join(sentence.split())))
    return found[:most]


def _usage(prompt: object, completion: object) -> dict:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": 0}


def _chunk(text: str | None) -> dict:
    delta = {"role": "assistant", "content": text} if text is not None else {}
    choice = {"index": 0, "delta": delta, "finish_reason": None if text is not None else "stop"}
    return {
        "id": "scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "scripted",
        "choices": [choice],
    }
