"""Writes the old container of Office, with its folders, for tests of what is read from it.

([MS-CFB] describes it.)
"""

from __future__ import annotations

import struct
from pathlib import Path

Tree = dict[str, "bytes | Tree"]

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def write_ole(path: Path, tree: Tree) -> Path:
    """Names to streams, or to folders of such."""
    sectors: list[bytes] = []
    chain: list[int] = []
    mini = bytearray()
    mini_chain: list[int] = []

    def store(data: bytes, unit: int, into: list[int]) -> int:
        first, count = len(into), max(1, -(-len(data) // unit))
        into.extend([*range(first + 1, first + count), _END])
        return first

    def big(data: bytes) -> int:
        first = store(data, _SECTOR, chain)
        count = len(chain) - first
        padded = data.ljust(count * _SECTOR, b"\0")
        sectors.extend(padded[i * _SECTOR : (i + 1) * _SECTOR] for i in range(count))
        return first

    entries: list[list] = [["Root Entry", 5, _FREE, _FREE, _FREE, 0, 0]]

    def fill(parent: int, folder: Tree) -> None:
        before = _FREE
        for name, content in sorted(folder.items(), key=lambda item: (len(item[0]), item[0])):
            number = len(entries)
            if isinstance(content, dict):
                entries.append([name, 1, _FREE, _FREE, _FREE, 0, 0])
                fill(number, content)
            elif len(content) >= _CUTOFF:
                entries.append([name, 2, _FREE, _FREE, _FREE, big(content), len(content)])
            else:
                first = store(content, _MINI, mini_chain)
                count = len(mini_chain) - first
                mini.extend(content.ljust(count * _MINI, b"\0"))
                entries.append([name, 2, _FREE, _FREE, _FREE, first, len(content)])
            # A chain of right neighbours is a lawful, if lopsided, tree.
            entries[parent if before == _FREE else before][4 if before == _FREE else 3] = number
            before = number

    fill(0, tree)
    entries[0][5], entries[0][6] = big(bytes(mini)), len(mini)
    mini_fat = big(b"".join(struct.pack("<I", one) for one in mini_chain).ljust(_SECTOR, b"\xff"))
    mini_fat_count = len(chain) - mini_fat
    packed = b"".join(_entry(*entry) for entry in entries)
    directory = big(packed.ljust(-(-len(packed) // _SECTOR) * _SECTOR, b"\0"))
    fat_count = 1
    while (len(chain) + fat_count) * 4 > fat_count * _SECTOR:
        fat_count += 1
    fat_first = len(chain)
    table = [*chain, *[_FAT] * fat_count]
    table += [_FREE] * (fat_count * _SECTOR // 4 - len(table))
    fat = struct.pack(f"<{len(table)}I", *table)
    places = [fat_first + n for n in range(fat_count)]
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII",
        bytes.fromhex("d0cf11e0a1b11ae1"), bytes(16), 0x3E, 3, 0xFFFE, 9, 6, bytes(6),
        0, fat_count, directory, 0, _CUTOFF, mini_fat, mini_fat_count, _END, 0, places[0],
    )  # fmt: skip
    head += struct.pack("<108I", *places[1:], *[_FREE] * (109 - len(places)))
    path.write_bytes(head + b"".join(sectors) + fat)
    return path


def _entry(name: str, kind: int, left: int, right: int, child: int, first: int, size: int) -> bytes:
    wide = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        wide, len(wide) + 2, kind, 1, left, right, child, bytes(16), 0, 0, 0, first, size,
    )  # fmt: skip


def outlook_message(
    subject: str, body: str, attached: dict[str, bytes] | None = None, inner: Tree | None = None
) -> Tree:
    """An Outlook message of 3 June 2024 with attachments, one of which may be a message."""
    submitted = 133_618_662_000_000_000
    properties = bytes(32) + struct.pack("<IIQ", 0x00390040, 6, submitted)
    tree: Tree = {
        "__properties_version1.0": properties,
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
        "__substg1.0_1000001F": body.encode("utf-16-le"),
        "__substg1.0_0C1A001F": "Ines".encode("utf-16-le"),
        "__substg1.0_5D01001F": "ines@mast.example".encode("utf-16-le"),
        "__substg1.0_0E04001F": "Jonas".encode("utf-16-le"),
    }
    for number, (name, data) in enumerate((attached or {}).items()):
        tree[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_3707001F": name.encode("utf-16-le"),
            "__substg1.0_37010102": data,
        }
    if inner is not None:
        tree["__attach_version1.0_#000000FF"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_3701000D": inner,
        }
    return tree
