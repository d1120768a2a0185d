"""The cache of derived bytes returns right bytes or none, whatever happens to its files."""

import sqlite3
import threading
from pathlib import Path

import pytest
from kit.zips import tree

from builder.layer import archive, packing, store
from builder.layer.hashed import Hashed, hashed
from builder.layer.store import Store


def test_what_was_put_comes_back_also_to_others(tmp_path: Path) -> None:
    with Store(tmp_path) as one:
        assert one.get(b"k") is None
        one.put({b"k": b"value"})
        assert one.get(b"k") == b"value"
    with Store(tmp_path) as two, Store(tmp_path) as three:
        assert two.get(b"k") == three.get(b"k") == b"value"


def test_a_file_that_is_no_database_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "young.sqlite").write_bytes(b"this is no database" * 1000)
    with Store(tmp_path) as broken:
        assert broken.get(b"k") is None
        broken.put({b"k": b"value"})
    for _ in range(2):
        with Store(tmp_path) as one:
            one.put({b"k": b"value"})
    with Store(tmp_path) as again:
        assert again.get(b"k") == b"value"


def test_damaged_bytes_are_a_miss(tmp_path: Path) -> None:
    with Store(tmp_path) as one:
        one.put({b"k": b"value"})
    database = sqlite3.connect(tmp_path / "young.sqlite")
    database.execute("UPDATE derived SET data = ?", (b"other",))
    database.commit()
    database.close()
    with Store(tmp_path) as one:
        assert one.get(b"k") is None


def test_a_folder_that_cannot_be_made_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Store(tmp_path / "file" / "store") as none:
        none.put({b"k": b"value"})
    with Store(tmp_path / "file" / "store") as none:
        assert none.get(b"k") is None


def test_two_generations_keep_what_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path) as one:
        one.put({b"used": bytes(1000), b"forgotten": bytes(1000)})
    monkeypatch.setattr(store, "_GENERATION", 1)
    with Store(tmp_path) as one:
        assert one.get(b"used") == bytes(1000)
    with Store(tmp_path) as one:
        assert one.get(b"used") == bytes(1000)
        assert one.get(b"forgotten") is None


def test_many_threads_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PENDING", 1000)
    with Store(tmp_path) as one:

        def work(number: int) -> None:
            for count in range(50):
                key = f"{number}-{count}".encode()
                one.put({key: key * 100})
                assert one.get(key) == key * 100

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with Store(tmp_path) as one:
        assert one.get(b"7-49") == b"7-49" * 100


def test_a_zip_from_the_store_is_the_same_zip(tmp_path: Path) -> None:
    import hashlib

    noise = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(300))
    content = tree({"python/a.py": b"print('a')\n" * 5000, "python/noise": noise, "python/small": b"x"})
    plain = archive.write(content, tmp_path / "0.zip")
    for name in ("1.zip", "2.zip"):
        with Store(tmp_path / "store") as kept:
            assert archive.write(content, tmp_path / name, kept) == plain
        assert (tmp_path / name).read_bytes() == (tmp_path / "0.zip").read_bytes()


def test_a_file_that_stays_large_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_MOST_KEPT", 100)
    files = [entry.content for entry in hashed(tree({"large": bytes(range(256)) * 2, "small": b"x" * 1000}))]
    digests = [content.sha256 for content in files if isinstance(content, Hashed)]
    with Store(tmp_path) as kept:
        packed = packing.pack(files, 7, kept)
        assert packing.present(digests, kept) == {digests[1]}
        assert packing.pack(files, 7, kept) == packed
