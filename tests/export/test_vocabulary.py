"""Tokenizers that others made: the same ids and text as AutoTokenizer, in, around, and out again."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as TheirTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer

from slmlib.config import Sampling
from slmlib.errors import DataError
from slmlib.export.folders import export_folder, import_folder
from slmlib.export.sentencepiece import read_sentencepiece
from slmlib.export.vocabulary import from_hf_tokenizer, read_hf_tokenizer
from slmlib.generation import generate, generate_tokens, stream
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.text.imported_tokenizer import ImportedTokenizer, load_tokenizer
from slmlib.text.stream import TokenStream
from slmlib.training.checkpoint import load_checkpoint
from tests.export.layouts import LAYOUTS, ODD_TEXTS, STORIES
from tests.model.tiny import random_decoder, tiny

SIZE = 512  # of the model: more rows than any of the tokenizers uses
DATA = Path(__file__).parent / "data"
every_layout = pytest.mark.parametrize("name", LAYOUTS)
texts = st.lists(
    st.sampled_from(
        [
            "  ",
            "\n",
            "\t\t",
            " the",
            "The",
            "'s",
            "42",
            "é",
            "e\u0301",
            "漢",
            "🦊",
            "▁",
            "<tool_call>",
            "\x00",
        ]
    )
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    max_size=8,
).map("".join)


@cache
def imported(name: str) -> ImportedTokenizer:
    layout = LAYOUTS[name]()
    tokenizer = from_hf_tokenizer(layout.rules, SIZE, layout.tokenizer_config)
    assert isinstance(tokenizer, ImportedTokenizer)
    return tokenizer


@cache
def theirs(name: str) -> TheirTokenizer:
    return TheirTokenizer.from_str(json.dumps(LAYOUTS[name]().rules))


def model_for(name: str) -> Decoder:
    """A tiny model of the family that brings this tokenizer."""
    family_name = dict(llama2="tinyllama", llama3="llama-3.1-8b", mistral="mistral-7b", qwen2="qwen2.5-0.5b")
    config = tiny(family(family_name.get(name, "pythia-160m")))
    return random_decoder(config.change({"vocab_size": SIZE}))


@every_layout
def test_the_ids_and_the_text_are_those_of_autotokenizer(name, tmp_path):
    from transformers import AutoTokenizer

    folder = LAYOUTS[name]().write(tmp_path)
    ours, auto = read_hf_tokenizer(folder, SIZE), AutoTokenizer.from_pretrained(folder)
    for text in [*STORIES[:10], *ODD_TEXTS]:
        ids = auto.encode(text, add_special_tokens=False)
        assert ours.encode(text) == ids
        assert ours.decode(ids) == auto.decode(ids)
    assert ours.encode_batch(ODD_TEXTS) == [ours.encode(text) for text in ODD_TEXTS]
    layout = LAYOUTS[name]()
    assert (ours.begin_of_text, ours.end_of_text) == tuple(
        auto.convert_tokens_to_ids([layout.begin, layout.end])
    )


@every_layout
@settings(max_examples=25)
@given(text=texts)
def test_any_text_has_their_ids_and_its_tokens_spell_it(name, text):
    ours = imported(name)
    ids = ours.encode(text)
    assert ids == theirs(name).encode(text, add_special_tokens=False).ids
    assert ours.decode(ids) == theirs(name).decode(ids, skip_special_tokens=False)
    # What `stream` tells piece by piece is the text, but for the space that SentencePiece puts in front.
    told, spelled = ours.decode(ids), ours.decode_bytes(ids).decode("utf-8")
    assert spelled in (told, " " + told)
    assert spelled == told or name in ("llama2", "mistral")


@every_layout
@settings(max_examples=25)
@given(ids=st.lists(st.integers(0, SIZE - 1), max_size=8))
def test_any_ids_decode_as_theirs(name, ids):
    """Characters cut in half, marks in the middle, and rows of the model that no token uses."""
    assert imported(name).decode(ids) == theirs(name).decode(ids, skip_special_tokens=False)


@every_layout
def test_a_folder_goes_in_and_out_with_the_same_ids(name, tmp_path):
    from transformers import AutoTokenizer

    model, tokenizer = model_for(name), imported(name)
    exported = export_folder(tmp_path / "out", model, tokenizer)
    auto = AutoTokenizer.from_pretrained(exported)
    for text in [STORIES[0], *ODD_TEXTS]:
        assert auto.encode(text, add_special_tokens=False) == tokenizer.encode(text)
        assert auto.encode(text) == theirs(name).encode(text).ids  # with the marks that they put there
    assert (auto.bos_token_id, auto.eos_token_id) == (tokenizer.begin_of_text, tokenizer.end_of_text)
    back = load_checkpoint(import_folder(exported, tmp_path / "back"))
    assert back.tokenizer == tokenizer
    assert back.tokenizer.fingerprint == tokenizer.fingerprint


@pytest.mark.parametrize("name", ["pythia", "llama2"])
def test_a_story_begins_at_the_mark_and_streams_as_it_is_generated(name):
    model, tokenizer = model_for(name), imported(name)
    sampling = Sampling(temperature=1.0, max_tokens=30, seed=3)
    prompt = [tokenizer.begin_of_text, *tokenizer.encode("Once")]
    [told] = generate(model, tokenizer, "Once", sampling)
    assert told == "Once" + "".join(stream(model, tokenizer, "Once", sampling))
    new = [row[0] for row in generate_tokens(model, [prompt], sampling, tokenizer.end_of_text)]
    assert told == "Once" + tokenizer.decode_bytes(new).decode("utf-8", errors="replace")
    # Where a text begins SentencePiece's first space is not told; where one goes on, it is.
    word = tokenizer.encode("upon")
    assert tokenizer.decode(word) == "upon"
    assert tokenizer.decode_bytes(word) == {"pythia": b"upon", "llama2": b" upon"}[name]


@pytest.mark.parametrize("name", ["pythia", "llama3"])
def test_a_row_of_texts_has_the_marks_that_generation_begins_with(name, tmp_path):
    tokenizer = imported(name)
    between = {"pythia": [0], "llama3": [tokenizer.end_of_text, tokenizer.begin_of_text]}[name]
    expected = [token for text in STORIES[:3] for token in [*tokenizer.encode(text), *between]]
    assert tokenizer.encode_row(STORIES[:3]).tolist() == expected
    written = TokenStream.write(tmp_path / "a.bin", STORIES[:3], tokenizer)
    assert written.tokens.tolist() == expected
    assert tokenizer.encode_row([]).tolist() == []


def test_special_tokens_in_text_are_refused_unless_allowed():
    tokenizer = imported("llama3")
    with pytest.raises(DataError, match=r"special token <\|eot_id\|> at character 1"):
        tokenizer.encode("a<|eot_id|>")
    with pytest.raises(DataError, match="special token"):
        tokenizer.encode_batch(["a", "a<|eot_id|>"])
    with pytest.raises(DataError, match=r"special token <\|end_of_text\|>"):
        tokenizer.encode("a<|eot_id|><|end_of_text|>", allowed_special=["<|eot_id|>"])
    ids = tokenizer.encode("a<|eot_id|>b", allowed_special=["<|eot_id|>"])
    assert tokenizer.special_tokens["<|eot_id|>"] in ids
    with pytest.raises(DataError, match="no special token '<pad>'"):
        tokenizer.encode("x", allowed_special=["<pad>"])
    for encode in (tokenizer.encode, lambda text: tokenizer.encode_batch([text])):
        with pytest.raises(DataError, match="half a surrogate pair"):
            encode("a\ud800")


def test_an_id_outside_the_vocabulary_is_refused():
    tokenizer = imported("pythia")
    assert tokenizer.vocab_size == SIZE
    assert tokenizer.token_bytes(SIZE - 1) == b""
    for wrong in (SIZE, -1):
        with pytest.raises(DataError, match=f"Token {wrong} is not in this vocabulary of {SIZE}"):
            tokenizer.decode([1, wrong])


def test_it_is_saved_whole_and_a_damaged_file_is_one_sentence(tmp_path):
    tokenizer, path = imported("qwen2"), tmp_path / "tokenizer.json"
    tokenizer.save(path)
    assert load_tokenizer(path) == tokenizer
    whole = json.loads(path.read_text(encoding="utf-8"))
    assert len({imported(name).fingerprint for name in LAYOUTS}) == len(LAYOUTS)
    for change, told in (
        ({"begin_of_text": 3}, "does not match its fingerprint"),
        ({"vocab_size": None}, "its sizes are missing"),
        ({"vocab_size": 300}, "and the model has 300"),
        ({"rules": {}}, r"not a tokenizer\.json"),
        ({"rules": {"model": {}}}, "tokenizer"),
        ({"version": 2}, "has version 2"),
        ({"format": "slmlib tokenizer"}, "splits text in a way"),
    ):
        path.write_text(json.dumps(whole | change), encoding="utf-8")
        with pytest.raises(DataError, match=told) as refusal:
            load_tokenizer(path)
        assert str(path) in str(refusal.value)


def rules_of(model, before=None, after=None, normalizer=None) -> dict:
    tokenizer = TheirTokenizer(model)
    if before:
        tokenizer.pre_tokenizer = before
    if after:
        tokenizer.decoder = after
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return json.loads(tokenizer.to_str())


def changed(name: str, *path: str, value) -> dict:
    """The rules of a layout with one value exchanged."""
    rules = json.loads(json.dumps(LAYOUTS[name]().rules))
    place = rules
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return rules


def without_an_alphabet() -> dict:
    """Byte-level, but trained on ASCII alone: what it has not met, it would leave out of every text."""
    tokenizer = TheirTokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        ["Once upon a time, 2 cats sat.\nThe end."], BpeTrainer(vocab_size=400, show_progress=False)
    )
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return json.loads(tokenizer.to_str())


def without_a_byte(byte: str) -> dict:
    """SentencePiece's, with one byte renamed."""
    vocab = LAYOUTS["llama2"]().rules["model"]["vocab"]
    named = {piece if piece != byte else "never": index for piece, index in vocab.items()}
    return changed("llama2", "model", "vocab", value=named)


def test_a_byte_that_no_character_has_may_be_missing():
    tokenizer = ImportedTokenizer.from_rules(without_a_byte("<0xF5>"), 512, 1, 2)
    assert tokenizer.decode(tokenizer.encode("Zoë “said” 🐢")).strip() == "Zoë “said” 🐢"


REFUSED = {
    r"bytes of text are no tokens of it \(2\d\d, .*would drop them": without_an_alphabet(),
    r"bytes of text are no tokens of it \(1, '<0xE2>'": without_a_byte("<0xE2>"),
    "its kind is Unigram": rules_of(models.Unigram([("a", 0.0)])),
    "its kind is WordPiece": rules_of(models.WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]")),
    "its kind is WordLevel": rules_of(models.WordLevel({"a": 0}, unk_token="a")),
    "its kind is BPE over whole characters": rules_of(
        models.BPE(end_of_word_suffix="</w>"), pre_tokenizers.BertPreTokenizer(), decoders.BPEDecoder()
    ),
    "its kind is BPE over whole characters.": changed("phi", "pre_tokenizer", value=None),
    r"leaves out merges at random": changed("pythia", "model", "dropout", value=0.1),
    "it reads 'Once upon a time.* and gives 'once upon": changed(
        "pythia", "normalizer", value=json.loads(normalizers.Lowercase().__getstate__())
    ),
    r"it is no tokenizer\.json": {"model": {"type": "BPE", "vocab": [1]}},
    "it is no tokenizer": [1],
}


@pytest.mark.parametrize("told", REFUSED)
def test_what_it_cannot_be_is_refused_in_one_sentence(told, tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(REFUSED[told]))
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": 0}))
    with pytest.raises(DataError, match=f"The tokenizer cannot be one of slmlib's: .*{told}") as refusal:
        read_hf_tokenizer(tmp_path, SIZE)
    assert "\n" not in str(refusal.value)
    assert "read_model gives the model alone" in str(refusal.value)


def test_marks_come_from_names_then_numbers_then_end_of_text():
    rules = LAYOUTS["llama3"]().rules
    for settings_, expected in (
        (dict(eos_token="<|eot_id|>", eos_token_id=421), (423, 423)),
        (dict(eos_token={"content": "<|eot_id|>"}, bos_token=None, bos_token_id=420), (420, 423)),
        (dict(eos_token="", bos_token="", bos_token_id=420, eos_token_id=[421, 423]), (420, 421)),
    ):
        tokenizer = from_hf_tokenizer(rules, SIZE, settings_)
        assert (tokenizer.begin_of_text, tokenizer.end_of_text) == expected
    with pytest.raises(DataError, match="nothing says which of its tokens ends a text"):
        from_hf_tokenizer(rules, SIZE)
    assert from_hf_tokenizer(LAYOUTS["phi"]().rules, SIZE).end_of_text == 400
    with pytest.raises(DataError, match="and the model has 300"):
        from_hf_tokenizer(rules, 300, dict(eos_token="<|eot_id|>"))


def test_sentencepieces_own_file_gives_sentencepieces_ids(tmp_path):
    """sentencepiece.json holds what the sentencepiece library made of the texts with the same file."""
    expected = json.loads((DATA / "sentencepiece.json").read_text(encoding="utf-8"))["ids"]
    shutil.copy(DATA / "sentencepiece.model", tmp_path / "tokenizer.model")
    (tmp_path / "config.json").write_text(json.dumps(dict(bos_token_id=1, eos_token_id=2)))
    tokenizer = read_hf_tokenizer(tmp_path, 480)
    assert [tokenizer.piece(token) for token in (0, 1, 2, 3, 258)] == [
        "<unk>",
        "<s>",
        "</s>",
        "<0x00>",
        "<0xFF>",
    ]
    for text, ids in expected.items():
        assert tokenizer.encode(text) == ids
        assert tokenizer.decode(ids) == text.replace("▁", " ")
    assert len(expected) > 15


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda whole: whole[:3000], "no SentencePiece model"),
        (lambda whole: b"IQ== 0\nIg== 1\n", "no SentencePiece model"),  # tiktoken's, under the same name
        (lambda whole: b"", "no SentencePiece model"),
        (lambda whole: whole.replace(b"\x18\x02 \xe0\x03", b"\x18\x01 \xe0\x03"), "its kind is Unigram"),
        (lambda whole: whole.replace(b"\x20\x00", b"\x20\x01"), "makes one space of several"),
    ],
)
def test_a_sentencepiece_file_that_cannot_be_read_is_one_sentence(tmp_path, spoil, told):
    path = tmp_path / "tokenizer.model"
    whole = (DATA / "sentencepiece.model").read_bytes()
    path.write_bytes(spoil(whole))
    assert path.read_bytes() != whole
    with pytest.raises(DataError, match=told):
        read_sentencepiece(path)
