"""Verifies a published log with two programs that know nothing of starling.

    tlog.py FOLDER        as `LogProbe publish` writes it
    tlog.py TILES KEY     as `starling log export` writes it, with the key that it prints

aics-tlog checks the checkpoint, the cosignature, every tile, every entry bundle and the proofs;
pymerkle builds the tree again from the entries and must come to the same roots. Each must also
refuse what was changed.
"""

import base64
import pathlib
import sys

import pymerkle
from aics_tlog.checkpoint import checkpoint_from_note, verify_checkpoint
from aics_tlog.note import parse_note, parse_vkey
from aics_tlog.tiles import FileSystemTileReader, entry_bundle_path, parse_entry_bundle
from aics_tlog.tree import verify_consistency, verify_leaf_inclusion
from aics_tlog.verified import audit_tiles

PYMERKLE_MAX = 20_000


def head(note: bytes, key: str, witnesses=(), quorum=0):
    """The checkpoint of a note; the signatures must hold."""
    parsed = parse_note(note)
    keys = [parse_vkey(witness) for witness in witnesses]
    result = verify_checkpoint(parsed, parse_vkey(key), keys, quorum=quorum)
    assert result.ok, result
    return checkpoint_from_note(parsed)[0]


def entries(tiles: pathlib.Path, size: int):
    """All leaves, from the bundles."""
    leaves = []
    for index in range((size + 255) // 256):
        width = min(size - 256 * index, 256)
        path = entry_bundle_path(index, None if width == 256 else width)
        leaves += parse_entry_bundle((tiles / path).read_bytes())
    assert len(leaves) == size, (len(leaves), size)
    return leaves


def check_tiles(tiles: pathlib.Path, key: str, witnesses=()):
    checkpoint = head((tiles / "checkpoint").read_bytes(), key, witnesses, len(witnesses))
    size, root = checkpoint.size, checkpoint.root
    report = audit_tiles(FileSystemTileReader(tiles), size, root)
    print(f"tiles: {size} entries, {len(witnesses)} cosignatures, {report}")
    leaves = entries(tiles, size)
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves[:PYMERKLE_MAX]:
        tree.append_entry(leaf)
    if size <= PYMERKLE_MAX:
        assert tree.get_root() == root, "pymerkle comes to another root"
        print(f"pymerkle: the same root of {size} entries")
    return checkpoint, leaves, tree


def check_proofs(folder: pathlib.Path, key: str, checkpoint):
    size, root = checkpoint.size, checkpoint.root
    count = 0
    for path in sorted((folder / "proofs/inclusion").glob("*.proof")):
        leaf = path.with_suffix(".leaf").read_bytes()
        text, note = path.read_bytes().split(b"\n\n", 1)
        lines = text.decode().splitlines()
        assert lines[0] == "c2sp.org/tlog-proof@v1", lines[0]
        index = int(lines[1].removeprefix("index "))
        hashes = [base64.b64decode(line, validate=True) for line in lines[2:]]
        assert head(note, key).root == root
        assert verify_leaf_inclusion(leaf, index, size, hashes, root), path
        assert not verify_leaf_inclusion(leaf + b"x", index, size, hashes, root), path
        assert not verify_leaf_inclusion(leaf, index ^ 1, size, hashes, root), path
        count += 1
    print(f"inclusion: {count} proofs hold")
    count = 0
    for path in sorted((folder / "proofs/consistency").glob("*.hashes")):
        older = head(path.with_suffix(".checkpoint").read_bytes(), key)
        hashes = [bytes.fromhex(line) for line in path.read_text().split()]
        assert verify_consistency(older.size, size, older.root, root, hashes), path
        other = bytes([older.root[0] ^ 1]) + older.root[1:]
        assert not verify_consistency(older.size, size, other, root, hashes), path
        count += 1
    print(f"consistency: {count} proofs hold")


def check_refusals(tiles: pathlib.Path, checkpoint):
    """A changed entry must not pass."""
    path = tiles / "tile/entries/000"
    if not path.exists():
        path = next((tiles / "tile/entries").glob("000.p/*"))
    sound = path.read_bytes()
    try:
        path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        try:
            audit_tiles(FileSystemTileReader(tiles), checkpoint.size, checkpoint.root)
        except Exception as error:
            print(f"a changed entry is refused: {error}")
        else:
            raise SystemExit("a changed entry passed")
    finally:
        path.write_bytes(sound)


def main():
    folder = pathlib.Path(sys.argv[1])
    if len(sys.argv) == 3:
        checkpoint, _, _ = check_tiles(folder, sys.argv[2])
        check_refusals(folder, checkpoint)
        return
    key = (folder / "keys/log").read_text().strip()
    witness = (folder / "keys/witness").read_text().strip()
    checkpoint, leaves, tree = check_tiles(folder / "tiles", key, [witness])
    check_proofs(folder, key, checkpoint)
    for path in sorted((folder / "proofs/consistency").glob("*.checkpoint")):
        older = head(path.read_bytes(), key)
        if older.size <= min(PYMERKLE_MAX, len(leaves)):
            assert tree.get_root(older.size) == older.root, path
    check_refusals(folder / "tiles", checkpoint)


main()
