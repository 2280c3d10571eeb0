"""T5 against transformers' class: buckets, logits with padding, counts; and what each side may see."""

import pytest
import torch

from slmlib.errors import ConfigError
from slmlib.model.encoder_decoder import EncoderDecoder, EncoderDecoderConfig, bucket
from tests.model.tiny import randomised

SMALL = dict(vocab_size=97, embed_dim=48, num_layers=3, num_heads=4, head_dim=8, ffn_dim=72)
CHATLM = EncoderDecoderConfig(29298, embed_dim=768, num_layers=10, num_heads=12, head_dim=64, ffn_dim=3072)


def random_model(**switches) -> EncoderDecoder:
    model = randomised(EncoderDecoder(EncoderDecoderConfig(**SMALL | switches)), size=0.15)
    assert isinstance(model, EncoderDecoder)
    return model


def rows(batch: int, time: int, seed: int) -> torch.Tensor:
    return torch.randint(97, (batch, time), generator=torch.Generator().manual_seed(seed))


def theirs_for(config: EncoderDecoderConfig) -> torch.nn.Module:
    from transformers import T5Config, T5ForConditionalGeneration

    theirs = T5Config(
        vocab_size=config.vocab_size,
        d_model=config.embed_dim,
        d_kv=config.head_dim,
        d_ff=config.ffn_dim,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        relative_attention_num_buckets=config.num_buckets,
        relative_attention_max_distance=config.max_distance,
        layer_norm_epsilon=config.norm_eps,
        tie_word_embeddings=config.tie_embeddings,  # False: their logits are not divided
        pad_token_id=0,
        decoder_start_token_id=0,
        eos_token_id=1,
        attn_implementation="eager",
    )
    theirs.tie_word_embeddings = (
        config.tie_embeddings
    )  # transformers 5 ties in any case, unless told afterwards
    return T5ForConditionalGeneration(theirs).eval()


def theirs_name(name: str) -> str:
    """Theirs for one of ours."""
    plain = {
        "embedding.weight": "shared.weight",
        "head.weight": "lm_head.weight",
        "encoder_norm.gain": "encoder.final_layer_norm.weight",
        "decoder_norm.gain": "decoder.final_layer_norm.weight",
    }
    if name in plain:
        return plain[name]
    if name.endswith("table.weight"):
        side = name.split("_")[0]
        return f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    side, layer, part, *rest = name.split(".")
    last = 2 if side == "decoder" else 1
    letters = {"query": "q", "key": "k", "value": "v", "output": "o"}
    inside = {
        "attention": lambda: f"0.SelfAttention.{letters[rest[0]]}",
        "crossing": lambda: f"1.EncDecAttention.{letters[rest[0]]}",
        "attention_norm": lambda: "0.layer_norm",
        "crossing_norm": lambda: "1.layer_norm",
        "feedforward_norm": lambda: f"{last}.layer_norm",
        "up": lambda: f"{last}.DenseReluDense.wi",
        "down": lambda: f"{last}.DenseReluDense.wo",
    }[part]()
    return f"{side}.block.{layer}.layer.{inside}.weight"


def filled(theirs: torch.nn.Module, ours: EncoderDecoder) -> torch.nn.Module:
    weights = {theirs_name(name): tensor for name, tensor in ours.state_dict().items()}
    weights |= {f"{side}.embed_tokens.weight": weights["shared.weight"] for side in ("encoder", "decoder")}
    theirs.load_state_dict(weights)
    return theirs


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_logits_are_theirs(tied):
    """Long enough for both regimes of the buckets, and with questions of different lengths."""
    ours = random_model(tie_embeddings=tied)
    theirs = filled(theirs_for(ours.config), ours)
    source, target = rows(2, 150, 1), rows(2, 140, 2)
    real = torch.arange(150)[None] < torch.tensor([[150], [90]])
    told = theirs(input_ids=source, attention_mask=real.long(), decoder_input_ids=target).logits
    assert (ours(source, target, real) - told).abs().max() < 1e-4


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize(("num_buckets", "max_distance"), [(32, 128), (8, 20)])
def test_buckets_are_theirs_for_every_distance(both_ways, num_buckets, max_distance):
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(-300, 301)
    theirs = T5Attention._relative_position_bucket(distance, both_ways, num_buckets, max_distance)
    assert torch.equal(bucket(distance, both_ways, num_buckets, max_distance), theirs)


def test_chatlm_has_the_published_number_of_parameters():
    untied = EncoderDecoderConfig.from_dict(CHATLM.to_dict() | {"tie_embeddings": False})
    with torch.device("meta"):
        assert sum(p.numel() for p in EncoderDecoder(CHATLM).parameters()) == 187_692_288
        assert sum(p.numel() for p in theirs_for(CHATLM).parameters()) == 187_692_288
        # What the project calls "210M" counts the embedding twice.
        assert sum(p.numel() for p in EncoderDecoder(untied).parameters()) == 210_193_152


@torch.no_grad()
def test_answers_see_the_whole_question_and_only_their_own_past():
    model, source, target = random_model(), rows(1, 12, 1), rows(1, 9, 2)
    before = model(source, target)
    other = source.clone()
    other[0, -1] = (other[0, -1] + 1) % 97
    assert ((model(other, target) - before).abs().amax(-1) > 1e-4).all(), "every answer reads the last word"
    for t in range(8):
        other = target.clone()
        other[0, t + 1] = (other[0, t + 1] + 1) % 97
        moved = (model(source, other) - before).abs()
        assert moved[:, : t + 1].max() < 1e-6
        assert moved[:, t + 1].max() > 1e-3


@torch.no_grad()
def test_padding_of_the_question_does_not_matter():
    model, source, target = random_model(), rows(2, 12, 1), rows(2, 5, 2)
    real = torch.arange(12)[None] < torch.tensor([[12], [7]])
    together = model(source, target, real)
    torch.testing.assert_close(together[1:], model(source[1:, :7], target[1:]), atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_greedy_answer_is_theirs():
    ours = random_model()
    theirs, source = filled(theirs_for(ours.config), ours), rows(3, 10, 4)
    told = theirs.generate(source, max_new_tokens=15, do_sample=False)[:, 1:]
    answer = ours.answer(source, begin=0, end=1, max_tokens=15)
    for mine, their in zip(answer.tolist(), told.tolist(), strict=True):
        mine, their = (row[: row.index(1)] if 1 in row else row for row in (mine, their))
        assert mine == their


@pytest.mark.parametrize("pieces", [[1] * 12, [5, 1, 6]], ids=str)
@torch.no_grad()
def test_an_answer_read_in_pieces_is_the_answer_read_at_once(pieces):
    """Beyond the exact buckets too, and with padding in a question."""
    model, source, target = random_model(max_distance=9, num_buckets=8), rows(2, 10, 1), rows(2, 12, 2)
    real = torch.arange(10)[None] < torch.tensor([[10], [6]])
    cache = model.ask(source, real)
    told = torch.cat([model.decode(piece, cache) for piece in target.split(pieces, dim=1)], dim=1)
    torch.testing.assert_close(told, model(source, target, real), atol=1e-4, rtol=0)


@torch.no_grad()
def test_answers_to_questions_of_different_lengths_are_each_as_if_alone():
    model, source = random_model(), rows(2, 10, 4)
    real = torch.arange(10)[None] < torch.tensor([[10], [6]])
    together = model.answer(source, begin=0, end=1, max_tokens=8, real=real)
    alone = model.answer(source[1:, :6], begin=0, end=1, max_tokens=8)
    assert together[1:, : alone.shape[1]].tolist() == alone.tolist()


@torch.no_grad()
def test_it_runs_in_bfloat16_and_is_one_graph_for_torch_compile():
    model, source, target = random_model(num_layers=2), rows(2, 10, 1), rows(2, 8, 2)
    exact = model(source, target)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(source, target), exact, atol=1e-5, rtol=0)
    near = model.bfloat16()(source, target)
    assert near.dtype == torch.bfloat16
    assert (near - exact).abs().max() < 0.25 * exact.abs().max()


def test_it_starts_calm_and_every_parameter_learns():
    model = EncoderDecoder(EncoderDecoderConfig(**SMALL), seed=0)
    source, target = rows(4, 10, 1), rows(4, 7, 2)
    logits = model(source, target[:, :-1])
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten())
    assert loss.item() < 6.5  # ln 97 is 4.57
    loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_shape_that_cannot_be_is_refused():
    for wrong in (dict(num_buckets=6), dict(num_buckets=2), dict(max_distance=32)):
        with pytest.raises(ConfigError, match="num_buckets must be a multiple of 4 and below max_distance"):
            EncoderDecoderConfig(10, **wrong)
    with pytest.raises(ConfigError, match=r"num_layers must be at least 1; it is 0\."):
        EncoderDecoderConfig(10, num_layers=0)
