"""What students do as often as the mistakes in the tables, in another spelling: it gets the same sentence."""

import pytest

from checks.building.mutants import outcome, solved_names
from checks.course import Course

HEAD = "import math\nimport torch\n"
RUN = {
    "a softmax with a sum over dim 0, and its own maximum": (
        "04.2",
        "def softmax(z, t=1.0):\n    p = (z / t - (z / t).amax(dim=-1, keepdim=True)).exp()\n    return p / p.sum(dim=0)\n",
        "The sum runs over dim=0",
    ),
    "a softmax that subtracts the largest of all": (
        "04.2",
        "def softmax(z, t=1.0):\n    p = ((z - z.max()) / t).exp()\n    return p / p.sum(-1, keepdim=True)\n",
        "You subtract the largest score of all",
    ),
    "a right softmax that takes off the logarithm of the sum": (
        "04.2",
        "def softmax(z, t=1.0):\n    s = z / t\n    m = s.amax(-1, True)\n"
        "    return (s - (m + (s - m).exp().sum(-1, True).log())).exp()\n",
        "",
    ),
    "a softmax in numpy": (
        "04.2",
        "def softmax(z, t=1.0):\n    return torch.softmax(z / t, -1).numpy()\n",
        "gave a numpy array where a tensor is asked for",
    ),
    "a loss by a loop": (
        "04.3",
        "def bigram_loss(table, inputs, targets):\n    p = table[inputs].softmax(-1)\n"
        "    return sum(-math.log(p[i, y]) for i, y in enumerate(targets)) / len(targets)\n",
        "leave out .item()",
    ),
    "neighbours by values": (
        "04.4",
        "def nearest(table, token, count):\n    u = table / table.norm(dim=1, keepdim=True)\n    s = u @ u[token]\n"
        "    s[token] = -2\n    return s.topk(count).values\n",
        "These are the cosines themselves",
    ),
    "merges without a stop": (
        "02.3",
        "def train_bpe(words, counts, num_merges):\n    rows, merges = [to_ids(w) for w in words], []\n"
        "    while len(merges) < num_merges:\n        totals = {}\n        for row, n in zip(rows, counts):\n"
        "            for pair, times in count_pairs(row).items():\n                totals[pair] = totals.get(pair, 0) + times * n\n"
        "        best = min(totals, key=lambda pair: (-totals[pair], pair))\n"
        "        rows = [merge(row, best, 256 + len(merges)) for row in rows]\n        merges.append(best)\n    return merges\n",
        "then no pair is left: stop there",
    ),
    "merges without a stop, from raw bytes": (
        "02.3",
        "def train_bpe(words, counts, num_merges):\n    rows, merges = [list(w.encode()) for w in words], []\n"
        "    while len(merges) < num_merges:\n        totals = {}\n        for row, n in zip(rows, counts):\n"
        "            for pair, times in count_pairs(row).items():\n                totals[pair] = totals.get(pair, 0) + times * n\n"
        "        best = min(totals, key=lambda pair: (-totals[pair], pair))\n"
        "        rows = [merge(row, best, 256 + len(merges)) for row in rows]\n        merges.append(best)\n    return merges\n",
        "to_ids(word) gives their ids",
    ),
    "a slice compared with a pair": (
        "02.2",
        "def merge(ids, pair, new_id):\n    out, i = [], 0\n    while i < len(ids):\n        if ids[i : i + 2] == pair:\n"
        "            out.append(new_id)\n            i += 2\n        else:\n            out.append(ids[i])\n            i += 1\n"
        "    return out\n",
        "a list is never equal to a tuple",
    ),
    "a Counter": (
        "02.1",
        "from collections import Counter\ndef count_pairs(ids):\n    return Counter(zip(ids, ids[1:]))\n",
        "",
    ),
    "heads split and merged by two views": (
        "06.4",
        "def split_heads(x, n):\n    b, t, d = x.shape\n    return x.reshape(b, n, t, d // n)\n"
        "def merge_heads(x):\n    b, n, t, d = x.shape\n    return x.reshape(b, t, n * d)\n",
        "Both have the right shape and mix tokens",
    ),
    "heads wrong in two ways": (
        "06.4",
        "def split_heads(x, n):\n    b, t, d = x.shape\n    return x.view(b, t, n, d // n)\n"
        "def merge_heads(x):\n    return x.sum(dim=1)\n",
        "split_heads returns (batch, time, heads, head_dim)",
    ),
    "a leak test that draws other ids at random": (
        "06.6",
        "def looks_ahead(function, tokens, vocab_size):\n    for t in range(1, len(tokens)):\n        other = tokens.clone()\n"
        "        other[t:] = (other[t:] + torch.randint(1, vocab_size, (len(tokens) - t,))) % vocab_size\n"
        "        if (function(other)[:t] - function(tokens)[:t]).abs().max() >= 1e-5:\n            return True\n    return False\n",
        "",
    ),
    "a leak test that allows for no rounding": (
        "06.6",
        "def looks_ahead(function, tokens, vocab_size):\n    return any(\n        not torch.equal(function(torch.cat((tokens[:t], "
        "(tokens[t:] + 1) % vocab_size)))[:t], function(tokens)[:t])\n        for t in range(1, len(tokens))\n    )\n",
        "Differences below 1e-5 come from rounding",
    ),
    "a leak test with ids below zero": (
        "06.6",
        "def looks_ahead(function, tokens, vocab_size):\n    return any(\n        not torch.allclose(function(torch.cat((tokens[:t], "
        "tokens[t:] - 1)))[:t], function(tokens)[:t], atol=1e-5)\n        for t in range(1, len(tokens))\n    )\n",
        "an id that does not exist",
    ),
    "a loss as a number": (
        "08.1",
        "def next_token_loss(logits, tokens):\n    return torch.tensor(torch.nn.functional.cross_entropy("
        "logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).item())\n",
        "cannot be differentiated",
    ),
    "a division by a norm that was never added up": (
        "08.4",
        "def clip_gradients(gradients, max_norm):\n    norm = 0.0\n    scale = min(1.0, max_norm / norm)\n"
        "    return [one * scale for one in gradients], norm\n",
        "ZeroDivisionError",
    ),
    "a logarithm to base 10": (
        "00.1",
        "def perplexity(p):\n    return math.exp(-sum(math.log10(x) for x in p) / len(p))\n",
        "has base 10",
    ),
}


@pytest.mark.parametrize("case", RUN)
def test_it_gets_its_sentence_whatever_is_asked(case):
    wanted, code, words = RUN[case]
    (exercise,) = Course.here().find(wanted)
    names = solved_names(Course.here(), exercise)
    exec(HEAD + code, names)
    for seed in range(5):
        found = outcome(exercise, names, seed)
        assert (found.state == "pass") == (words == ""), found
        assert words in found.problem


def test_a_right_softmax_passes_whatever_is_asked():
    """Divided by 0.8, scores near 1,000 are rounded in float32, and one right answer in ten was called wrong."""
    (exercise,) = Course.here().find("04.2")
    names = solved_names(Course.here(), exercise)
    assert [seed for seed in range(60) if outcome(exercise, names, seed).state != "pass"] == []
