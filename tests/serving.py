"""Starts a real server on a free port and a folder of its own; stops it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def start(data: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """The server as `make run` starts it, logging beside its data folder."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with (data.parent / f"server-{port}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"],
            cwd=ROOT,
            env={
                **os.environ,
                "FOOTNOTE_DATA": str(data),
                "FOOTNOTE_SAMPLES": "false",
                "FOOTNOTE_PORT": str(port),
                **environment,
            },
            stdout=log,
            stderr=log,
        )


def wait_until_healthy(port: int, process: subprocess.Popen[bytes], timeout_s: float = 60) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            url = f"http://127.0.0.1:{port}/api/health"
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the server did not answer")


@contextmanager
def serve(data: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a server that runs for the length of the block."""
    port = free_port()
    process = start(data, port, **(environment or {}))
    try:
        wait_until_healthy(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
