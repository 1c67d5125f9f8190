"""The application as a process: both commands serve it behind its protection, once a folder."""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from serving import free_port, serve, wait_until_healthy
from streamlit.web.server.app_discovery import discover_asgi_app

from store.owner import read_owner
from store.settings import ROOT

IDLE_LIMIT_MB = 600


@contextmanager
def uvicorn_serves(data: Path) -> Iterator[str]:
    port = free_port()
    environment = {**os.environ, "FOOTNOTE_DATA": str(data), "FOOTNOTE_SAMPLES": "false"}
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_healthy(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module", params=[serve, uvicorn_serves], ids=["streamlit", "uvicorn"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    data = tmp_path_factory.mktemp("served") / "store"
    with request.param(data) as address:
        yield address, data


def test_streamlit_finds_the_application_in_its_source():
    found = discover_asgi_app(ROOT / "app.py")
    assert (found.is_asgi_app, found.app_name) == (True, "app")


def test_the_settings_streamlit_must_have():
    with (ROOT / ".streamlit" / "config.toml").open("rb") as file:
        config = tomllib.load(file)
    server = config["server"]
    assert server["address"] == "127.0.0.1"
    assert server["enableXsrfProtection"]
    assert server["enableCORS"]
    assert not server["enableAgentApi"]
    assert not server["enableStaticServing"]
    assert server["fileWatcherType"] == "none"
    assert config["client"]["showErrorDetails"] == "none"
    assert not config["browser"]["gatherUsageStats"]
    # Seconds of everybody's time while an answer is written: the screen is drawn often meanwhile.
    assert not config["runner"]["postScriptGC"]


def test_screens_viewer_and_api_are_served_with_policies(server: tuple[str, Path]):
    address, _ = server
    for path in ("/", "/documents", "/view/viewer.css", "/api/health", "/_stcore/health"):
        answer = httpx.get(address + path, trust_env=False)
        assert answer.status_code == 200, path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_name_is_refused_everywhere(server: tuple[str, Path]):
    address, _ = server
    for path in ("/", "/api/health", "/_stcore/health", "/static/x.js"):
        answer = httpx.get(address + path, headers={"host": "evil.example"}, trust_env=False)
        assert answer.status_code == 400, path


def test_the_agent_interface_of_streamlit_is_off(server: tuple[str, Path]):
    address, _ = server
    answer = httpx.post(f"{address}/_stcore/agent/interact", json={}, trust_env=False)
    assert answer.is_client_error


def test_the_owner_is_noted_for_command_lines(server: tuple[str, Path]):
    address, data = server
    owner = read_owner(data)
    assert owner is not None
    assert owner.address == address
    assert (data / "owner.json").stat().st_mode & 0o777 == 0o600


def test_a_second_server_ends_naming_the_owner(server: tuple[str, Path]):
    address, data = server
    environment = {**os.environ, "FOOTNOTE_DATA": str(data)}
    port = f"--server.port={free_port()}"
    began = time.monotonic()
    second = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", port],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    print(f"a second server ended after {time.monotonic() - began:.1f} s")  # noqa: T201
    assert second.returncode != 0
    assert f"is in use (process {read_owner(data).pid}, {address})" in second.stderr
    assert "Traceback" not in second.stdout + second.stderr
    assert httpx.get(f"{address}/api/health", trust_env=False).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_idles_in_little_memory(server: tuple[str, Path]):
    address, data = server
    httpx.post(f"{address}/api/ask", json={"question": "Anything?"}, timeout=60, trust_env=False)
    owner = read_owner(data)
    used = sum(_pss_mb(pid) for pid in _family(owner.pid))
    print(f"idle: {used:.0f} MB PSS")  # noqa: T201
    assert used < IDLE_LIMIT_MB


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for c in children for child in c.read_text().split()]
    return [pid, *(grandchild for child in found for grandchild in _family(child))]


def _pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
