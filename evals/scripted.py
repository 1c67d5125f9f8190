"""A real HTTP server that speaks OpenAI's chat protocol; a function says what it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedServer:
    """Use as a context manager; `base_url` is what OPENAI_BASE_URL would hold.

    `say` gets the system's and the person's message and returns the answer, which is streamed a
    few characters at a time.
    """

    def __init__(self, say: Callable[[str, str], str]):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                system, user = (message["content"] for message in body["messages"][:2])
                said = say(system, user)
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                for i in range(0, len(said), 12):
                    self._send({"content": said[i : i + 12], "role": "assistant"}, None)
                self._send({}, "stop")
                self.wfile.write(b"data: [DONE]\n\n")

            def _send(self, delta: dict[str, str], ended: str | None) -> None:
                choice = {"index": 0, "delta": delta, "finish_reason": ended}
                chunk = {"id": "scripted", "object": "chat.completion.chunk", "created": 0}
                line = json.dumps(chunk | {"model": "scripted", "choices": [choice]})
                self.wfile.write(f"data: {line}\n\n".encode())

            def log_message(self, format: str, *args: object) -> None:
                """The evaluation prints its own figures."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._http.server_close()
