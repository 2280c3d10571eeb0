"""llama2.c's files out and in, read here a second time by code that shares nothing with slmlib's."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from slmlib.cli import main
from slmlib.config import ModelConfig, Sampling
from slmlib.errors import CheckpointError, ConfigError, DataError
from slmlib.export.llama2c import import_llama2c, read_llama2c, write_llama2c
from slmlib.export.llama2c_vocabulary import ids_in_file, read_tokenizer, write_tokenizer
from slmlib.export.sentencepiece import read_sentencepiece
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.model.families import family
from slmlib.storyworld import stories
from slmlib.text.imported_tokenizer import ImportedTokenizer
from slmlib.text.tokenizer import END_OF_TEXT, Tokenizer, gpt2
from slmlib.training.checkpoint import load_checkpoint
from tests.export.layouts import LAYOUTS
from tests.model.tiny import random_decoder, tiny

DATA = Path(__file__).parent / "data"

STORIES = [story.text for story in stories(0, 60)]
LLAMA = dict(norm_gain=True, embedding_norm=False, qk_norm=False, activation="silu", gated=True)
SIZES = dict(context_length=48, embed_dim=48, num_layers=3, num_heads=6, num_kv_heads=2, ffn_dim=80)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(STORIES, 400)


def llama(vocab_size: int = 400, **changes) -> Decoder:
    return random_decoder(ModelConfig.from_dict(LLAMA | SIZES | dict(vocab_size=vocab_size) | changes))


@pytest.fixture
def folder(tokenizer, tmp_path):
    return write_llama2c(tmp_path / "out", llama(), tokenizer)


def numpy_llama(path) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
    """What the bytes say, under LlamaForCausalLM's names: the order is that of run.c's memory_map_weights."""
    content = path.read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack("<7i", content[:28])
    floats, at = np.frombuffer(content, "<f4", offset=28), 0

    def take(*shape: int) -> torch.Tensor:
        nonlocal at
        part = floats[at : at + int(np.prod(shape))].reshape(shape)
        at += part.size
        return torch.tensor(part)

    def half(weights: torch.Tensor, count: int) -> torch.Tensor:
        """Pairs beside each other become pairs half a head apart, as in transformers' own conversion."""
        return weights.view(count, -1, 2, dim).transpose(1, 2).reshape(-1, dim)

    size, shared = dim // heads, abs(vocab)
    found = {"model.embed_tokens.weight": take(shared, dim)}
    kinds = {
        "input_layernorm": (dim,),
        "self_attn.q_proj": (dim, dim),
        "self_attn.k_proj": (kv_heads * size, dim),
        "self_attn.v_proj": (kv_heads * size, dim),
        "self_attn.o_proj": (dim, dim),
        "post_attention_layernorm": (dim,),
        "mlp.gate_proj": (hidden, dim),
        "mlp.down_proj": (dim, hidden),
        "mlp.up_proj": (hidden, dim),
    }
    for name, shape in kinds.items():
        for layer, part in enumerate(take(layers, *shape)):
            if name in ("self_attn.q_proj", "self_attn.k_proj"):
                part = half(part, heads if "q_proj" in name else kv_heads)
            found[f"model.layers.{layer}.{name}.weight"] = part
    found["model.norm.weight"] = take(dim)
    cosines, sines = take(context, size // 2), take(context, size // 2)
    angles = np.arange(context)[:, None] / 10_000 ** (np.arange(0, size, 2) / size)
    assert np.allclose(cosines, np.cos(angles), atol=1e-5)
    assert np.allclose(sines, np.sin(angles), atol=1e-5)
    found["lm_head.weight"] = found["model.embed_tokens.weight"] if vocab > 0 else take(shared, dim)
    assert at == floats.size
    sizes = dict(
        hidden_size=dim,
        intermediate_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        vocab_size=shared,
        max_position_embeddings=context,
    )
    return sizes, found


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("pairs", ["half", "interleaved"])
@torch.no_grad()
def test_the_bytes_are_llama_in_transformers(tmp_path, tokenizer, tied, pairs):
    from transformers import LlamaConfig, LlamaForCausalLM

    ours = llama(tie_embeddings=tied, rope_pairs=pairs)
    path = write_llama2c(tmp_path, ours, tokenizer) / "model.bin"
    sizes, weights = numpy_llama(path)
    config = LlamaConfig(
        **sizes,
        rms_norm_eps=1e-5,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="eager",
    )
    theirs = LlamaForCausalLM(config).eval()
    theirs.load_state_dict(weights)
    there = torch.tensor(ids_in_file(tokenizer))  # our id of each of the file's
    in_file = torch.randint(400, (2, 40), generator=torch.Generator().manual_seed(1))
    logits = theirs(in_file).logits
    torch.testing.assert_close(read_llama2c(path)(in_file), logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours(there[in_file])[..., there], logits, atol=1e-5, rtol=0)
    assert logits.std() > 0.1


@pytest.mark.parametrize("tied", [True, False])
def test_out_and_back_bit_for_bit(tmp_path, tokenizer, tied):
    ours = llama(tie_embeddings=tied)
    first = write_llama2c(tmp_path / "first", ours, tokenizer)
    again = load_checkpoint(import_llama2c(first / "model.bin", tmp_path / "checkpoint"))
    assert again.model.config.to_dict() == ours.config.change({"initialization": "gpt2"}).to_dict()
    state = again.model.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in ours.state_dict().items())
    assert again.tokenizer.fingerprint == tokenizer.fingerprint
    second = write_llama2c(tmp_path / "second", again.model, again.tokenizer)
    for name in ("model.bin", "tokenizer.bin"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(norm_gain=False), "in norm_gain."),
        (dict(qk_norm=True), "in qk_norm."),
        (dict(qkv_bias=True, ffn_bias=True), "in qkv_bias, ffn_bias."),
        (dict(activation="gelu"), "in activation."),
        (dict(gated=False), "in gated."),
        (dict(norm_eps=1e-6), "in norm_eps."),
        (dict(rope_theta=500_000.0), "in rope_theta."),
        (dict(position="learned"), "in position."),
        (dict(head_dim=10), "in head_dim."),
        (dict(windows=(0, 8)), "in windows."),
        (dict(block_repeat=2), "in block_repeat."),
        (dict(logit_scale=0.5), "in logit_scale."),
        (dict(embedding_norm=True, final_norm=False), "in embedding_norm, final_norm."),
    ],
)
def test_what_the_format_cannot_hold_is_named(tmp_path, tokenizer, changes, told):
    with pytest.raises(ConfigError, match="cannot hold this model") as refusal:
        write_llama2c(tmp_path / "out", llama(**changes), tokenizer)
    assert told in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_every_family_is_written_exactly_or_refused(tmp_path):
    held = []
    for name in ("tinyllama", "llama-2-7b", "gpt2", "pythia-160m", "qwen3-0.6b", "olmo-1b", "mistral-7b"):
        model = Decoder(tiny(family(name)).change({"vocab_size": 400}))
        try:
            write_llama2c(tmp_path, model, Tokenizer.train(STORIES, 400))
            held.append(name)
        except ConfigError:
            pass
    assert held == ["tinyllama", "llama-2-7b"]


def test_only_a_llama2c_model_is_written_over(folder, tmp_path, tokenizer):
    (folder / "run").write_bytes(b"the program")
    write_llama2c(folder, llama(num_layers=1), tokenizer)
    assert read_llama2c(folder / "model.bin").config.num_layers == 1
    for name, content in (
        ("model.bin", b"a pickle of PyTorch's"),
        ("tokenizer.bin", b"Llama 2's"),
        ("state.json", b""),
    ):
        other = tmp_path / name.replace(".", " ")
        other.mkdir()
        (other / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=r"holds .*(no part of a model|which no export wrote)"):
            write_llama2c(other, llama(), tokenizer)
        assert [(path.name, path.read_bytes()) for path in other.iterdir()] == [(name, content)]


def test_another_tokenizer_is_refused(tmp_path, tokenizer):
    with pytest.raises(ConfigError, match="has 400 tokens and the model 390"):
        write_llama2c(tmp_path, llama(390), tokenizer)
    bare = Tokenizer(())
    with pytest.raises(DataError, match="needs at least 259 tokens; this tokenizer has 257"):
        write_llama2c(tmp_path, llama(257), bare)


def header(path, **changes) -> None:
    """Other numbers in the file's first bytes."""
    names = ("dim", "hidden", "layers", "heads", "kv_heads", "vocab", "context")
    content = path.read_bytes()
    numbers = dict(zip(names, struct.unpack("<7i", content[:28]), strict=True)) | changes
    path.write_bytes(struct.pack("<7i", *numbers.values()) + content[28:])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(layers=2**31 - 1), "its header announces"),
        (dict(dim=2**31 - 8, heads=1, kv_heads=1), "its header announces"),
        (dict(vocab=-400), "its header announces"),  # a head that is not there
        (dict(vocab=0), "impossible sizes"),
        (dict(context=-1), "impossible sizes"),
        (dict(heads=0), "impossible sizes"),
        (dict(heads=5), "do not divide"),
        (dict(kv_heads=4), "do not divide"),
        (dict(dim=0x616B3432, hidden=2), "of version 2"),
    ],
)
def test_an_absurd_header_is_one_sentence_and_no_memory(folder, changes, told):
    header(folder / "model.bin", **changes)
    with pytest.raises(CheckpointError) as refusal:
        read_llama2c(folder / "model.bin")
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_damaged_file_is_one_sentence(folder):
    path = folder / "model.bin"
    whole = path.read_bytes()
    for spoiled, told in (
        (b"", "has 0 bytes, too few"),
        (whole[:20], "has 20 bytes, too few"),
        (whole[:-4], "its header announces"),
        (whole + b"\0\0\0\0", "its header announces"),
        (whole[:28] + whole[32:] + b"\0\0\0\0", "another rope_theta than 10,000, or is damaged"),
    ):
        path.write_bytes(spoiled)
        with pytest.raises(CheckpointError) as refusal:
            read_llama2c(path)
        assert told in str(refusal.value)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_llama2c(path)


def test_tables_that_a_writer_left_empty_are_passed_over(folder):
    path = folder / "model.bin"
    whole, tables = path.read_bytes(), 4 * 48 * 8
    path.write_bytes(whole[:-tables] + bytes(tables))
    tokens = torch.arange(40)[None]
    emptied = read_llama2c(path)(tokens)
    path.write_bytes(whole)
    assert torch.equal(emptied, read_llama2c(path)(tokens))


def test_gpt2s_fifty_thousand_tokens_come_back(tmp_path):
    write_tokenizer(tmp_path / "tokenizer.bin", gpt2())
    again, order = read_tokenizer(tmp_path / "tokenizer.bin", 50257)
    assert again == gpt2()
    assert order == ids_in_file(gpt2())


def test_several_special_tokens_come_back(tmp_path, tokenizer):
    chat = Tokenizer(tokenizer.merges, ("<|user|>", END_OF_TEXT, "<|robot|>"))
    write_tokenizer(tmp_path / "tokenizer.bin", chat)
    again, order = read_tokenizer(tmp_path / "tokenizer.bin", chat.vocab_size)
    assert sorted(again.special_names) == sorted(chat.special_names)
    assert [again.token_bytes(token) for token in order] == [
        chat.token_bytes(token) for token in ids_in_file(chat)
    ]


class RunC:
    """The encoder of run.c, read from its C and written down again in Python."""

    def __init__(self, content: bytes):
        self.longest, at = struct.unpack("<I", content[:4])[0], 4
        self.vocab: list[bytes] = []
        self.scores: list[float] = []
        while at < len(content):
            score, length = struct.unpack("<fI", content[at : at + 8])
            self.vocab.append(content[at + 8 : at + 8 + length])
            self.scores.append(score)
            at += 8 + length
        self.ids = {piece: index for index, piece in enumerate(self.vocab)}

    def encode(self, text: str) -> list[int]:
        tokens = [1, self.ids[b" "]]
        for character in text:
            piece = character.encode()
            tokens += [self.ids[piece]] if piece in self.ids else [byte + 3 for byte in piece]
        while True:
            best, best_id, best_at = -1e10, -1, -1
            for at in range(len(tokens) - 1):
                index = self.ids.get(self.vocab[tokens[at]] + self.vocab[tokens[at + 1]], -1)
                if index >= 0 and self.scores[index] > best:
                    best, best_id, best_at = self.scores[index], index, at
            if best_at < 0:
                return tokens
            tokens[best_at : best_at + 2] = [best_id]


def test_run_c_reads_text_as_we_do_after_its_space(folder, tokenizer):
    run_c = RunC((folder / "tokenizer.bin").read_bytes())
    assert len(run_c.vocab) == tokenizer.vocab_size
    assert run_c.longest == max(map(len, run_c.vocab))
    assert run_c.vocab[1] == END_OF_TEXT.encode()
    assert all(run_c.vocab[byte + 3] == bytes([byte]) for byte in range(256))
    order = ids_in_file(tokenizer)
    for text in [story[:80] for story in STORIES[:10]] + ["naïve café 🦊"]:
        ours = [tokenizer.end_of_text, *tokenizer.encode(" " + text)]
        assert [order[token] for token in run_c.encode(text)] == ours


def test_where_run_c_has_no_split_pattern_it_reads_otherwise(tmp_path):
    ids = {character: Tokenizer(()).encode(character)[0] for character in "'the"}
    pairs = ((ids["h"], ids["e"]), (ids["'"], ids["t"]))
    tokenizer = Tokenizer(pairs)
    write_tokenizer(tmp_path / "tokenizer.bin", tokenizer)
    run_c, order = RunC((tmp_path / "tokenizer.bin").read_bytes()), ids_in_file(tokenizer)
    theirs = [order[token] for token in run_c.encode("'the")[1:]]
    assert [tokenizer.token_bytes(token) for token in theirs] == [b" ", b"'t", b"he"]
    assert [tokenizer.token_bytes(token) for token in tokenizer.encode(" 'the")] == [b" ", b"'", b"t", b"he"]


def llamas_own(begin: int = 1) -> ImportedTokenizer:
    """A tokenizer of SentencePiece's, laid out as Llama's."""
    return ImportedTokenizer.from_rules(read_sentencepiece(DATA / "sentencepiece.model"), 480, begin, 2)


def test_llamas_own_tokenizer_goes_out_and_back_with_sentencepieces_ids(tmp_path):
    expected = json.loads((DATA / "sentencepiece.json").read_text(encoding="utf-8"))["ids"]
    ours = llama(480)
    first = write_llama2c(tmp_path / "first", ours, llamas_own())
    content = (first / "tokenizer.bin").read_bytes()
    run_c = RunC(content)
    assert run_c.vocab[:4] == [b"<unk>", b"\n<s>\n", b"\n</s>\n", b"<0x00>"]
    back = load_checkpoint(import_llama2c(first / "model.bin", tmp_path / "checkpoint"))
    assert all(torch.equal(t, ours.state_dict()[name]) for name, t in back.model.state_dict().items())
    for text, ids in expected.items():
        assert back.tokenizer.encode(text) == ids
        if 0 < len(text) < 100 and "▁" not in text:  # to run.c a character like any other
            assert run_c.encode(text) == [1, *ids]
    # run.c tells stories until the token that begins one.
    assert (back.tokenizer.begin_of_text, back.tokenizer.end_of_text) == (1, 1)
    second = write_llama2c(tmp_path / "second", back.model, back.tokenizer)
    assert (second / "tokenizer.bin").read_bytes() == content
    padded = ImportedTokenizer.from_rules(json.loads(llamas_own().rules), 500, 1, 2)
    write_tokenizer(tmp_path / "padded.bin", padded)
    assert RunC((tmp_path / "padded.bin").read_bytes()).vocab[480:482] == [b"<unused-480>", b"<unused-481>"]


def test_an_imported_tokenizer_of_another_layout_is_refused(tmp_path):
    pythia = LAYOUTS["pythia"]()
    for other in (
        ImportedTokenizer.from_rules(pythia.rules, 480, 0, 0),
        llamas_own(begin=2),
    ):
        with pytest.raises(DataError, match="is not laid out as Llama's"):
            write_llama2c(tmp_path, llama(480), other)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda whole: b"", "holds 0 instead of the model's 400"),
        (lambda whole: whole[:-1], "breaks off or is damaged at token 399"),
        (lambda whole: whole + whole[4:20], "holds more than the model's 400"),
        (lambda whole: whole[:8] + struct.pack("<i", 2**31 - 1) + whole[12:], "damaged at token 0"),
        (lambda whole: whole[:8] + struct.pack("<i", -5) + whole[12:], "damaged at token 0"),
        (lambda whole: whole.replace(struct.pack("<fi", 0, 1) + b"a", struct.pack("<fi", 0, 1) + b"b"), "same bytes"),
        (lambda whole: whole.replace(struct.pack("<fi", 0, 1) + b"a", struct.pack("<fi", 0, 6) + b"<0x61>"), "256"),
        (lambda whole: whole.replace(struct.pack("<f", -7), struct.pack("<f", -8)), "the same score"),
        (lambda whole: whole.replace(struct.pack("<f", -7), struct.pack("<f", float("nan"))), "no ranks"),
        (lambda whole: whole.replace(b"<|endoftext|>", b"<|endOFtext|>"), "lack <|endoftext|>"),
    ],
)  # fmt: skip
def test_a_foreign_tokenizer_is_refused_with_the_reason(folder, tmp_path, spoil, told):
    path = folder / "tokenizer.bin"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match="cannot be one of slmlib's tokenizers") as refusal:
        import_llama2c(folder / "model.bin", tmp_path / "back")
    assert told in str(refusal.value)
    assert not (tmp_path / "back").exists()


def test_a_missing_tokenizer_is_one_sentence(folder, tmp_path):
    (folder / "tokenizer.bin").unlink()
    with pytest.raises(DataError, match=r"cannot be read.*Put the model's tokenizer\.bin beside it"):
        import_llama2c(folder / "model.bin", tmp_path / "back")


def test_the_command_line_goes_out_and_back(folder, tmp_path, tokenizer, capsys, monkeypatch):
    monkeypatch.setenv("SLM_HOME", str(tmp_path))
    main(["import", str(folder / "model.bin")])
    main(["export", "--format", "llama2c", "--model", str(tmp_path / "imported" / "out-model")])
    written = tmp_path / "exported" / "out-model"
    for name in ("model.bin", "tokenizer.bin"):
        assert (written / name).read_bytes() == (folder / name).read_bytes()
    back = load_checkpoint(tmp_path / "imported" / "out-model")
    greedy = Sampling(temperature=0.0, max_tokens=8)
    assert generate(back.model, back.tokenizer, "Once", greedy) == generate(
        llama(), tokenizer, "Once", greedy
    )
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["export", "--format", "llama2c"])  # the shipped model has norms without gains, and more
    told = capsys.readouterr().err
    assert "it differs from run.c's Llama in norm_gain, embedding_norm, qk_norm, activation, gated" in told
    assert told.count("\n") == 1
    with pytest.raises(SystemExit):
        main(["export", "--format", "llama2c", "--model-type", "llama"])
    assert "model_type is a class of transformers" in capsys.readouterr().err
