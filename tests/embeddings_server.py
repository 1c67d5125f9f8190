"""A real HTTP server that speaks OpenAI's /embeddings: bags of words, or nonsense, by the model."""

from __future__ import annotations

import json
import random
import re
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMENSION = 48
SYNONYMS = {"remuneration": "salary", "vehicle": "car", "canine": "dog", "ocean": "sea"}


class EmbeddingsServer:
    """Use as a context manager; `base_url` is what FOOTNOTE_EMBEDDER_BASE_URL would hold.

    The model `bags` adds up one vector a word and knows some synonyms; any other answers with
    vectors that have nothing to do with the text. `asked` counts texts by model; `keys` are those
    that came with requests.
    """

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.keys: set[str | None] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.keys.add(self.headers.get("authorization"))
                texts, model = body["input"], body["model"]
                server.asked[model] = server.asked.get(model, 0) + len(texts)
                data = [{"index": i, "embedding": vector(x, model)} for i, x in enumerate(texts)]
                answer = json.dumps({"data": data, "object": "list", "model": model}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read their own output."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> EmbeddingsServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def vector(text: str, model: str) -> list[float]:
    if model != "bags":
        return _drawn(f"{model} {text}")
    found = [0.001] * DIMENSION
    for word in re.findall(r"\w+", text.lower()):
        for place, number in enumerate(_drawn(SYNONYMS.get(word, word))):
            found[place] += number
    return found


def _drawn(word: str) -> list[float]:
    chance = random.Random(zlib.crc32(word.encode()))
    return [chance.gauss(0, 1) for _ in range(DIMENSION)]
