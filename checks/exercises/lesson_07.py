"""Lesson 07, the transformer: norms, feed-forward, the block, the whole model, and what can be known beforehand.

All answers are worked out in numpy with float64; torch is only met inside a probe.
"""

import math
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks.exercise import Exercise, Questions
from checks.exercises.lesson_06 import future, softmax
from checks.student import Student, Trouble

Array = NDArray[np.float64]


class Norms(Exercise):
    """`layer_norm(x, gain, bias, eps)` and `rms_norm(x, gain, eps)`."""

    id, title, points, asks_for = "07.1", "Two norms", 3, ("layer_norm", "rms_norm")
    hints = (
        "A token is one vector, the last axis. Which two numbers of it does LayerNorm need, and which one RMSNorm?",
        "`x.mean(dim=-1, keepdim=True)`; the variance is the mean of `(x - mean) ** 2`; eps is added before the root.",
        "`gain * (x - mean) / (variance + eps).sqrt() + bias`. RMSNorm has the same shape with less in it: what "
        "takes the place of `variance`?",
    )
    mistakes = {
        "layer_norm: your variance divides by one less than the count (x.var() does); LayerNorm divides by the count: "
        "unbiased=False.": dict(layer="unbiased"),
        "layer_norm: eps belongs inside the square root, added to the variance.": dict(layer="eps outside"),
        "layer_norm: you norm over time (dim=1); each token is normed by itself, over the last axis.": dict(
            layer="time"
        ),
        "layer_norm: you divide by the variance; divide by its square root.": dict(layer="no root"),
        "layer_norm: the mean is not subtracted; that would be RMSNorm.": dict(layer="no mean"),
        "layer_norm: gain and bias are left out.": dict(layer="plain"),
        "rms_norm: the mean is subtracted; RMSNorm leaves it in.": dict(rms="mean"),
        "rms_norm: you divide by the length of the vector; the mean of the squares is missing.": dict(
            rms="sum"
        ),
        "rms_norm: eps belongs inside the square root, added to the mean of the squares.": dict(
            rms="eps outside"
        ),
        "rms_norm: the square root is missing.": dict(rms="no root"),
        "rms_norm: the gain is left out.": dict(rms="plain"),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Vectors with a mean that is not zero, an eps that is large enough to be seen."""
        dim = int(rng.integers(5, 9))
        return {
            "x": rng.normal(0.7, 1.3, size=(2, 4, dim)),
            "gain": rng.normal(1.0, 0.5, size=dim),
            "bias": rng.normal(size=dim),
            "eps": 0.05,
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, np.ndarray]:
        """Both."""
        x, gain, bias = (student.tensor(questions[name]) for name in ("x", "gain", "bias"))
        layer = student.array(student.layer_norm(x, gain, bias, questions["eps"]))
        return {"layer_norm": layer, "rms_norm": student.array(student.rms_norm(x, gain, questions["eps"]))}

    def expected(self, questions: Questions, layer: str = "", rms: str = "") -> dict[str, Array]:
        """(batch, time, dim) each."""
        x, gain, bias, eps = (questions[name] for name in ("x", "gain", "bias", "eps"))
        axis = 1 if layer == "time" else -1
        centred = x - (0.0 if layer == "no mean" else x.mean(axis, keepdims=True))
        variance = (centred**2).mean(axis, keepdims=True)
        if layer == "unbiased":
            variance = x.var(axis, keepdims=True, ddof=1)
        divisor = np.sqrt(variance) + eps if layer == "eps outside" else np.sqrt(variance + eps)
        normed = centred / (variance + eps if layer == "no root" else divisor)
        ours = {"layer_norm": normed if layer == "plain" else gain * normed + bias}

        kept = x - x.mean(-1, keepdims=True) if rms == "mean" else x
        squares = (kept**2).sum(-1, keepdims=True) / (1 if rms == "sum" else x.shape[-1])
        divisor = np.sqrt(squares) + eps if rms == "eps outside" else np.sqrt(squares + eps)
        scaled = kept / (squares + eps if rms == "no root" else divisor)
        return ours | {"rms_norm": scaled if rms == "plain" else gain * scaled}


def gelu(x: Array) -> Array:
    """x times the probability that a standard normal number is below x."""
    return np.asarray(x * 0.5 * (1 + np.vectorize(math.erf)(x / 2**0.5)))


def gelu_tanh(x: Array) -> Array:
    """GPT-2's approximation."""
    return np.asarray(0.5 * x * (1 + np.tanh((2 / math.pi) ** 0.5 * (x + 0.044715 * x**3))))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


class FeedForwards(Exercise):
    """`gelu_mlp(x, up, down)` and `swiglu(x, gate, up, down)`."""

    id, title, points, asks_for = "07.2", "Two feed-forward layers", 3, ("gelu_mlp", "swiglu")
    hints = (
        "Wider, bend, narrow again. Where does the bend stand in each of the two?",
        "The first is `F.gelu(x @ up.T) @ down.T`. In SwiGLU one wide vector goes through `F.silu` and multiplies the other.",
        "`(bent * (x @ up.T)) @ down.T`, where `bent` is the other wide vector after its bend.",
    )
    mistakes = {
        "gelu_mlp: the bend is missing; two matrices in a row are only one matrix.": dict(mlp="none"),
        "gelu_mlp: the bend comes after the second matrix; it belongs between the two.": dict(mlp="after"),
        "gelu_mlp: this is ReLU, not GELU.": dict(mlp="relu"),
        "gelu_mlp: this is the tanh approximation that GPT-2 was trained with; here the exact one is asked for.": dict(
            mlp="tanh"
        ),
        "swiglu: gate and up are swapped: the bend goes on the gate.": dict(glu="swapped"),
        "swiglu: the two wide vectors are added; the gate multiplies.": dict(glu="add"),
        "swiglu: this gate is a sigmoid; SwiGLU's is SiLU, x times sigmoid(x).": dict(glu="sigmoid"),
        "swiglu: this gate is GELU (that makes GEGLU); SwiGLU's is SiLU.": dict(glu="gelu"),
        "swiglu: the gate has no bend.": dict(glu="none"),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Weights as nn.Linear keeps them, (outputs, inputs)."""
        dim, wide = int(rng.integers(4, 7)), int(rng.integers(8, 12))
        return {
            "x": rng.normal(size=(2, 3, dim)),
            "gate": rng.normal(size=(wide, dim)),
            "up": rng.normal(size=(wide, dim)),
            "down": rng.normal(size=(dim, wide)) / wide**0.5,
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, np.ndarray]:
        """Both."""
        x, gate, up, down = map(student.tensor, questions.values())
        mlp = student.array(student.gelu_mlp(x, up, down))
        return {"gelu_mlp": mlp, "swiglu": student.array(student.swiglu(x, gate, up, down))}

    def expected(self, questions: Questions, mlp: str = "", glu: str = "") -> dict[str, Array]:
        """(batch, time, dim) each."""
        x, gate, up, down = questions.values()
        wide, gating = x @ up.T, x @ gate.T
        bends = {"": gelu, "relu": lambda y: np.maximum(y, 0), "tanh": gelu_tanh}
        if mlp == "after":
            first = gelu(wide @ down.T)
        else:
            first = bends.get(mlp, np.asarray)(wide) @ down.T
        if glu == "swapped":
            wide, gating = gating, wide
        bent = {
            "sigmoid": sigmoid(gating),
            "gelu": gelu(gating),
            "none": gating,
        }.get(glu, gating * sigmoid(gating))
        second = (bent + wide if glu == "add" else bent * wide) @ down.T
        return {"gelu_mlp": first, "swiglu": second}


class PreNormBlock(Exercise):
    """`block(x, attention, feedforward, attention_norm, feedforward_norm)`: the two lines."""

    id, title, points, asks_for = "07.3", "The block in two lines", 3, ("block",)
    hints = (
        "The stream x is never replaced, only added to. What does attention read, and what is added to what?",
        "Norm, then attention, then add to x. The second line does the same with the new x.",
        "`x = x + attention(attention_norm(x))`, then a second line of the same form.",
    )
    mistakes = {
        "This is post-norm: you norm after adding. Pre-norm norms what goes into a layer and leaves the stream alone.": (
            dict(kind="post")
        ),
        "The stream is replaced by the layers' outputs; add them to it.": dict(kind="no residual"),
        "You norm the stream itself: x = norm(x) + ...; add to the x that was not normed.": dict(
            kind="normed stream"
        ),
        "The feed-forward layer reads the old x; it must read the stream after attention has added to it.": dict(
            kind="parallel"
        ),
        "Nothing is normed.": dict(kind="no norm"),
        "You norm what attention and feed-forward give out, not what they take in.": dict(
            kind="normed output"
        ),
        "Both lines use the same norm; each has its own.": dict(kind="same norm"),
        "The feed-forward layer comes first; attention comes first.": dict(kind="order"),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Layers and norms as small matrices, all different."""
        dim = int(rng.integers(4, 7))
        return {
            "x": rng.normal(size=(2, 3, dim)),
            "attention": rng.normal(size=(dim, dim)),
            "feedforward": rng.normal(size=(dim, dim)),
            "gains": rng.uniform(0.5, 2.0, size=(2, dim)),
        }

    def probe(self, student: Student, questions: Questions) -> np.ndarray:
        """With functions in place of layers: what a block is made of does not matter to it."""
        import torch

        attention, feedforward = (student.tensor(questions[name]) for name in ("attention", "feedforward"))
        first, second = student.tensor(questions["gains"])

        def norm(gain: Any) -> Any:
            return lambda x: gain * x / (1 + x.square().mean(-1, keepdim=True)).sqrt()

        result = student.block(
            student.tensor(questions["x"]),
            lambda x: torch.tanh(x @ attention),
            lambda x: torch.relu(x @ feedforward),
            norm(first),
            norm(second),
        )
        return student.array(result)

    def expected(self, questions: Questions, kind: str = "") -> Array:
        """(batch, time, dim)."""
        x, gains = questions["x"], questions["gains"]

        def attention(y: Array) -> Array:
            return np.asarray(np.tanh(y @ questions["attention"]))

        def feedforward(y: Array) -> Array:
            return np.asarray(np.maximum(y @ questions["feedforward"], 0))

        def one(y: Array) -> Array:
            return np.asarray(gains[0] * y / np.sqrt(1 + (y**2).mean(-1, keepdims=True)))

        def two(y: Array) -> Array:
            gain = gains[0] if kind == "same norm" else gains[1]
            return np.asarray(gain * y / np.sqrt(1 + (y**2).mean(-1, keepdims=True)))

        if kind == "post":
            x = one(x + attention(x))
            return two(x + feedforward(x))
        if kind == "no residual":
            return feedforward(two(attention(one(x))))
        if kind == "normed stream":
            x = one(x) + attention(one(x))
            return two(x) + feedforward(two(x))
        if kind == "parallel":
            return np.asarray(x + attention(one(x)) + feedforward(two(x)))
        if kind == "no norm":
            x = x + attention(x)
            return np.asarray(x + feedforward(x))
        if kind == "normed output":
            x = x + one(attention(x))
            return np.asarray(x + two(feedforward(x)))
        if kind == "order":
            x = x + feedforward(two(x))
            return np.asarray(x + attention(one(x)))
        x = x + attention(one(x))
        return np.asarray(x + feedforward(two(x)))


EPS = 1e-5
"""norm_eps of the configs in this course."""


def rms(x: Array) -> Array:
    """RMSNorm without a gain."""
    return np.asarray(x / np.sqrt((x**2).mean(-1, keepdims=True) + EPS))


def turned(x: Array) -> Array:
    """RoPE on (batch, heads, time, head_dim), pairs (i, i + head_dim / 2)."""
    time, head_dim = x.shape[-2:]
    angles = np.arange(time)[:, None] * 10_000.0 ** (-np.arange(0, head_dim, 2) / head_dim)
    first, second = np.split(x, 2, axis=-1)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate((first * cos - second * sin, second * cos + first * sin), axis=-1)


HEAD = "head.weight"
"""The second name of a tied table."""


class WholeModel(Exercise):
    """`StoryModel(config)`, `.load(weights)`, `.forward(tokens)`: the decoder of this course."""

    id, title, points, asks_for = "07.4", "The whole model", 6, ("StoryModel",)
    atol = 2e-4
    seconds = 30.0
    hints = (
        "Go from the tokens upwards: table, norm, blocks, norm, table again. Which of these have you written already?",
        "Write `attention(x)` first: three projections, heads split, queries and keys normed and rotated, "
        "`F.scaled_dot_product_attention(..., is_causal=True)`, merged, projected. Then `block(x, attention, "
        "feedforward, norm, norm)` for every layer.",
        "Keep the layers in an `nn.ModuleList`, or parameters() will not find them. `rope_angles(torch.arange(time), "
        "head_dim)` gives cos and sin for `rotate(q, cos, sin)`. The head is `x @ self.embedding.weight.T`.",
        'Loading: `self.embedding.weight.copy_(weights["embedding.weight"])` under `torch.no_grad()`, and the same for '
        'every `weights[f"blocks.{i}.attention.query.weight"]`.',
    )
    mistakes = {
        "Nothing is masked: earlier tokens see later ones (is_causal=True).": dict(mask=False),
        "The norm right after the embedding is missing.": dict(embedding_norm=False),
        "The norm before the head is missing.": dict(final_norm=False),
        "The norms inside the blocks are missing.": dict(block_norms=False),
        "Your blocks are post-norm: they norm the stream after adding. Use `block` from 07.3.": dict(
            post=True
        ),
        "The positions are missing: rotate queries and keys.": dict(rope=False),
        "You rotate the values too; only queries and keys are turned.": dict(rope_values=True),
        "Queries and keys are not normed per head (QK-norm): F.rms_norm over head_dim, before they are rotated.": dict(
            qk_norm=False
        ),
        "Queries and keys are normed over the whole width; norm each head by itself, after splitting.": dict(
            qk_norm_wide=True
        ),
        "The bend of the feed-forward layer is relu squared: F.relu(...).square(). The square is missing.": dict(
            square=False
        ),
        "The bend of the feed-forward layer is relu squared, not GELU (see config.activation).": dict(
            gelu=True
        ),
        "The last matrix of attention (output) is left out.": dict(output=False),
        "All layers use the weights of the first one: is the layer's number in the name you load?": dict(
            first_only=True
        ),
        "The head has a matrix of its own. It is tied: use the embedding table once more.": dict(tied=False),
        "The logits are right, but parameters() finds only the embedding: an optimizer would train nothing else. "
        "Keep the layers in nn.ModuleList or nn.ModuleDict.": dict(registered=False),
        "`load` stops at `head.weight`; it is the table under a second name, and your model has it already: leave it.": (
            lambda questions: HEAD
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A tiny decoder, every weight random and large enough to matter."""
        heads, head_dim, layers = 2, 6, 2
        dim, vocab_size = heads * head_dim, int(rng.integers(30, 40))
        weights = {"embedding.weight": rng.normal(size=(vocab_size, dim))}
        for i in range(layers):
            for name in ("query", "key", "value", "output"):
                weights[f"blocks.{i}.attention.{name}.weight"] = rng.normal(size=(dim, dim)) / dim**0.5
            weights[f"blocks.{i}.feedforward.up.weight"] = rng.normal(size=(4 * dim, dim)) / dim**0.5
            weights[f"blocks.{i}.feedforward.down.weight"] = (
                rng.normal(size=(dim, 4 * dim)) / (4 * dim) ** 0.5
            )
        return {
            "num_layers": layers,
            "num_heads": heads,
            "weights": weights,
            "tokens": rng.integers(0, vocab_size, size=(2, int(rng.integers(6, 9)))),
        }

    def probe(self, student: Student, questions: Questions) -> Any:
        """Build, load, run, count."""
        import torch

        from slmlib.config import ModelConfig

        weights = {name: student.tensor(array) for name, array in questions["weights"].items()}
        weights[HEAD] = weights["embedding.weight"]  # as in the state_dict of a tied model
        vocab_size, embed_dim = weights["embedding.weight"].shape
        config = ModelConfig(
            vocab_size=vocab_size,
            context_length=16,
            embed_dim=embed_dim,
            num_layers=questions["num_layers"],
            num_heads=questions["num_heads"],
        )

        def loaded(names: list[str]) -> Any:
            model = student.StoryModel(config)
            student.call(model.load, {name: weights[name] for name in names}, name="load")
            return model

        try:
            model = loaded(list(weights))
        except Trouble:
            raise  # it ran to its end, and is wrong in another way
        except Exception:
            with suppress(Exception):
                loaded([name for name in weights if name != HEAD])
                return HEAD  # nothing else stopped it, whatever the error says
            raise
        with torch.no_grad():
            logits = student.array(student.call(model, student.tensor(questions["tokens"]), name="forward"))
        return {"logits": logits, "parameters": sum(one.numel() for one in model.parameters())}

    def judge(self, questions: Questions, answer: Any) -> Any:
        """A model that could not be loaded has no numbers to show."""
        return list(self.mistakes)[-1] if answer == HEAD else super().judge(questions, answer)

    def expected(
        self,
        questions: Questions,
        mask: bool = True,
        embedding_norm: bool = True,
        final_norm: bool = True,
        block_norms: bool = True,
        post: bool = False,
        rope: bool = True,
        rope_values: bool = False,
        qk_norm: bool = True,
        qk_norm_wide: bool = False,
        square: bool = True,
        gelu: bool = False,
        output: bool = True,
        first_only: bool = False,
        tied: bool = True,
        registered: bool = True,
    ) -> dict[str, Any]:
        """(batch, time, vocab_size) and the number of parameters."""
        weights, tokens, heads = questions["weights"], questions["tokens"], questions["num_heads"]
        table = weights["embedding.weight"]
        batch, time = tokens.shape

        def attention(x: Array, i: int) -> Array:
            def heads_of(name: str) -> Array:
                projected = x @ weights[f"blocks.{i}.attention.{name}.weight"].T
                if qk_norm_wide and name != "value":
                    projected = rms(projected)
                return np.asarray(projected.reshape(batch, time, heads, -1).swapaxes(1, 2))

            q, k, v = (heads_of(name) for name in ("query", "key", "value"))
            if qk_norm and not qk_norm_wide:
                q, k = rms(q), rms(k)
            if rope:
                q, k = turned(q), turned(k)
            if rope_values:
                v = turned(v)
            scores = q @ k.swapaxes(-2, -1) / q.shape[-1] ** 0.5
            shares = softmax(np.where(future(time), -np.inf, scores) if mask else scores)
            merged = (shares @ v).swapaxes(1, 2).reshape(batch, time, -1)
            return np.asarray(merged @ weights[f"blocks.{i}.attention.output.weight"].T if output else merged)

        def feedforward(x: Array, i: int) -> Array:
            wide = x @ weights[f"blocks.{i}.feedforward.up.weight"].T
            bent = np.maximum(wide, 0) ** (2 if square else 1)
            return np.asarray(
                (_gelu(wide) if gelu else bent) @ weights[f"blocks.{i}.feedforward.down.weight"].T
            )

        norm = rms if block_norms else np.asarray
        x = rms(table[tokens]) if embedding_norm else table[tokens]
        for layer in range(questions["num_layers"]):
            i = 0 if first_only else layer
            if post:
                x = rms(x + attention(x, i))
                x = rms(x + feedforward(x, i))
            else:
                x = x + attention(norm(x), i)
                x = x + feedforward(norm(x), i)
        logits = (rms(x) if final_norm else x) @ table.T
        count = sum(array.size for array in weights.values()) if registered else table.size
        return {"logits": logits, "parameters": count + (0 if tied else table.size)}


_gelu = gelu


class CountGPT2(Exercise):
    """`gpt2_parameters(vocab_size, context_length, embed_dim, num_layers)`, exactly."""

    id, title, points, asks_for = "07.5", "Count before you build", 3, ("gpt2_parameters",)
    hints = (
        "Go through the model once more and write down the shape of every tensor. Which of them have a bias?",
        "One block: four D x D matrices with a bias each, D x 4D and 4D x D with biases 4D and D, and two norms of gain "
        "and bias.",
        "A block has `12 * D * D + 13 * D`. What stands around the blocks: which tables, and which norm?",
    )
    mistakes = {
        "The head is counted as a matrix of its own; it is tied to the embedding, so it adds nothing.": dict(
            head=True
        ),
        "The table of positions (context_length x embed_dim) is missing.": dict(positions=False),
        "The biases of the matrices are missing: every matrix inside GPT-2's blocks has one (the tables and the head have "
        "none).": dict(biases=False),
        "The last norm, before the head, is missing.": dict(final=False),
        "A norm has two vectors, gain and bias; one of them is missing.": dict(norm_vectors=1),
        "The norms are missing: two in every block and one at the end.": dict(norm_vectors=0),
        "Attention has four matrices: query, key, value and output. You count three.": dict(attention=3),
        "The feed-forward layer has two matrices, up and down. You count one.": dict(feedforward=1),
        "The table of tokens (vocab_size x embed_dim) is missing.": dict(tokens=False),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Any size."""
        return {
            "vocab_size": int(rng.integers(1000, 60_000)),
            "context_length": int(rng.integers(65, 999)),
            "embed_dim": 64 * int(rng.integers(2, 20)),
            "num_layers": int(rng.integers(3, 48)),
        }

    def probe(self, student: Student, questions: Questions) -> int:
        """A whole number."""
        return student.integer(student.gpt2_parameters(**questions))

    def expected(
        self,
        questions: Questions,
        head: bool = False,
        positions: bool = True,
        biases: bool = True,
        final: bool = True,
        norm_vectors: int = 2,
        attention: int = 4,
        feedforward: int = 2,
        tokens: bool = True,
    ) -> int:
        """Tensor by tensor."""
        V, T, D, L = questions.values()
        matrices = attention * D * D + feedforward * 4 * D * D
        vectors = (attention * D + 4 * D + (feedforward - 1) * D) * biases
        norms = (2 * L + final) * norm_vectors * D
        return int(L * (matrices + vectors) + norms + (tokens + head) * V * D + positions * T * D)


class FirstLoss(Exercise):
    """`first_loss(vocab_size, embed_dim, init_std)` before the first step."""

    id, title, points, asks_for = "07.6", "The first loss", 2, ("first_loss",)
    hints = (
        "With all logits equal the loss is the logarithm of the vocabulary. What does their spread add?",
        "The loss is ln(V * e^(sigma^2/2)), and the logarithm of a product is a sum. What is sigma^2, from the text?",
        "`math.log(vocab_size)` plus half the variance of a logit: write that with `embed_dim` and `init_std`.",
    )
    mistakes = {
        "The spread of the logits is missing: add half their variance.": dict(spread=0.0),
        "You add the whole variance; half of it is right.": dict(spread=1.0),
        "You subtract the half variance; guesses that vary make the loss larger.": dict(spread=-0.5),
        "init_std is a standard deviation; the variance is its square.": dict(power=1),
        "The logarithm is the natural one (math.log): losses are in nats.": dict(base=2.0),
        "embed_dim is missing: a logit is a sum of embed_dim products.": dict(dim=False),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Any size."""
        return {
            "vocab_size": int(rng.integers(500, 60_000)),
            "embed_dim": 64 * int(rng.integers(2, 30)),
            "init_std": float(rng.uniform(0.01, 0.06)),
        }

    def probe(self, student: Student, questions: Questions) -> float:
        """A number."""
        return student.number(student.first_loss(**questions))

    def expected(
        self,
        questions: Questions,
        spread: float = 0.5,
        power: int = 2,
        base: float = math.e,
        dim: bool = True,
    ) -> float:
        """Closed form."""
        vocab_size, embed_dim, init_std = questions.values()
        return math.log(vocab_size, base) + spread * (embed_dim if dim else 1) * init_std**power
