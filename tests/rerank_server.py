"""A real HTTP server that ranks passages, or does what its script says instead."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Say = Callable[[dict], object]


def by_word(word: str, low: float = 0.1, high: float = 0.9) -> Callable[[str], float]:
    """Scores of a cross-encoder that likes one word."""
    return lambda text: high if word in text else low


class RerankServer:
    """Use as a context manager; `base_url` is what FOOTNOTE_RERANK_BASE_URL would hold.

    `say` is a scorer of texts, which is answered in the form that was asked in (`documents` as
    Jina and Cohere do, `texts` as text-embeddings-inference does), or one of the behaviours
    `500`, `401`, `422`, `redirect`, `silent`, `drips`, `cut`, `endless`, `tei` (takes `texts` only
    and 32 at most; then `scorer` scores), or `raw …`, the very body.
    """

    def __init__(self, say: str | Callable[[str], float], scorer: Callable[[str], float] = len):
        self.say, self.scorer = say, say if callable(say) else scorer
        self.requests: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append(body)
                server.paths.append(self.path)
                server.headers.append({k.lower(): v for k, v in self.headers.items()})
                try:
                    server.answer(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Tests read their own output."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.base_url = f"http://{self.host}/v1"

    def __enter__(self) -> RerankServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, to: BaseHTTPRequestHandler, body: dict) -> None:
        say = self.say
        texts = body.get("texts") or body.get("documents")
        if say in ("500", "401", "422"):
            self._send(to, int(str(say)), b'{"error": "scripted"}')
        elif say == "redirect":
            self._send(to, 307, b"", location=f"{self.base_url}/elsewhere")
        elif say == "silent":
            self.closing.wait(60)
            to.close_connection = True
        elif say in ("drips", "endless"):
            to.send_response(200)
            to.end_headers()
            to.close_connection = True
            while not self.closing.wait(0.1 if say == "drips" else 0):
                to.wfile.write(b" " * (1 if say == "drips" else 100_000))
                to.wfile.flush()
        elif say == "cut":
            to.send_response(200)
            to.send_header("content-length", "500")
            to.end_headers()
            to.wfile.write(b'{"results": [')
            to.wfile.flush()
            to.connection.shutdown(2)
            to.close_connection = True
        elif isinstance(say, str) and say.startswith("raw "):
            self._send(to, 200, say.removeprefix("raw ").encode())
        elif say == "tei" and ("texts" not in body or len(body["texts"]) > 32):
            self._send(to, 422, b'{"error": "missing field `texts`"}')
        elif "texts" in body:
            found = [{"index": i, "score": self.scorer(t)} for i, t in enumerate(texts)]
            self._send(to, 200, json.dumps(found).encode())
        else:
            found = [
                {"index": i, "relevance_score": self.scorer(t), "document": {"text": t}}
                for i, t in enumerate(texts)
            ]
            found.sort(key=lambda result: -result["relevance_score"])
            shape = {"id": "x", "model": body.get("model"), "usage": {"total_tokens": 5}}
            self._send(to, 200, json.dumps(shape | {"results": found[: body["top_n"]]}).encode())

    def _send(self, to: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
        to.send_response(status)
        for name, value in ({"content-type": "application/json"} | headers).items():
            to.send_header(name, value)
        to.send_header("content-length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)
