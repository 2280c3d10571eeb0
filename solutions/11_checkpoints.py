# %% [markdown]
# # Checkpoints
#
# *20 minutes of reading, 60 with the exercises and the lab; difficulty 4 of 5. Some two or three minutes of computing, one
# of them for the lab's run.*
#
# A run takes three weeks. On day sixteen the power fails. What is left is what lies on the disk: the last
# **checkpoint**. **What has to be in it, so that afterwards nobody can tell that anything happened?**
#
# After this lesson you can
#
# - name everything a run consists of, and say what is lost without each part,
# - kill a training run at any moment and go on, equal to the last bit,
# - write a file that is either whole or not there,
# - say why weights do not belong in a pickle, and read a safetensors file by hand,
# - prove that a saved model is the model you had.
#
# The lesson ends with the whole lab: from data to a checkpoint, in one kernel.

# %%
import copy
import io
import json
import math
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import nn

from checks import check, hint, progress, reference
from slmlib.config import ModelConfig, Sampling, TrainConfig
from slmlib.devices import choose_device, to_device
from slmlib.errors import SlmError
from slmlib.evaluation import evaluate
from slmlib.files import home, sha256_file
from slmlib.generation import generate
from slmlib.model.decoder import Decoder
from slmlib.plots import Table, lines
from slmlib.plots.checkpoints import parted_curves, parting
from slmlib.presets import default_preset
from slmlib.shipped import load_model
from slmlib.text.baselines import baseline_losses
from slmlib.text.prepare import prepare
from slmlib.text.stream import TokenStream
from slmlib.text.textfiles import as_record, read_stories
from slmlib.text.tokenizer import Tokenizer
from slmlib.training.checkpoint import (
    Progress,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
    step_folder,
)
from slmlib.training.logs import read_log, series
from slmlib.training.optimizers import build_optimizer
from slmlib.training.run import Wish, decide, start_or_resume
from slmlib.training.schedules import build_scheduler

FAST = bool(os.environ.get("SLM_FAST"))  # small sizes, for tests

# %% [markdown]
# ## 1. A run, and what it consists of
#
# First a very small run, so that we can repeat it many times: a hundred thousand weights, and a vocabulary of 512
# tokens. It has **dropout** (lesson 08): in every step some activations, drawn at random, are set to 0. So chance has a
# hand in it.

# %%
data = prepare(vocab_size=4096, max_bytes=1_000_000 if FAST else 10_000_000, progress=False)
texts = list(islice(read_stories(data.folder / "train.txt"), 800))
small_tokenizer = Tokenizer.train(texts[:400], 512)
TINY = ModelConfig(vocab_size=512, context_length=32, embed_dim=64, num_layers=2, num_heads=4, dropout=0.1)
STEPS, STOP = 60, 30  # how long the run is, and after which step it is interrupted


def as_row(tokenizer: Tokenizer) -> torch.Tensor:
    """The stories as one row of tokens, (num_tokens,)."""
    stories = tokenizer.encode_batch(texts)
    return torch.tensor([token for story in stories for token in (*story, tokenizer.end_of_text)])


text = as_row(small_tokenizer)


@dataclass
class Run:
    """Everything that changes from one step to the next."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    data: torch.Generator
    """Draws the windows."""


def warmup_cosine(step: int) -> float:
    """What the learning rate is multiplied by: up in 10 steps, then down to 0."""
    return min((step + 1) / 10, (1 + math.cos(math.pi * min(step, STEPS) / STEPS)) / 2)


def new_run(config: ModelConfig = TINY) -> Run:
    """A run before its first step; the same at every call."""
    model = Decoder(config, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    torch.manual_seed(0)  # dropout draws from torch's own generator
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warmup_cosine)
    return Run(model, optimizer, scheduler, torch.Generator().manual_seed(0))


def train(run: Run, steps: int, row: torch.Tensor | None = None) -> list[float]:
    """So many steps; returns their losses. row: the tokens to read, `text` if not given."""
    row = text if row is None else row
    losses = []
    run.model.train()
    for _ in range(steps):
        starts = torch.randint(len(row) - TINY.context_length, (8,), generator=run.data)
        windows = torch.stack(
            [row[start : start + TINY.context_length + 1] for start in starts]
        )  # (8, time + 1)
        loss = run.model.loss(windows[:, :-1], windows[:, 1:])
        run.optimizer.zero_grad()
        loss.backward()
        run.optimizer.step()
        run.scheduler.step()
        losses.append(loss.item())
    return losses


whole = train(new_run(), STEPS)
assert train(new_run(), STEPS) == whole  # the same to the last bit, or nothing here could be measured

# %% [markdown]
# Nearly every tutorial saves a model like this: `torch.save(model.state_dict(), path)`. Let us stop in the middle and
# go on with the weights alone:

# %%
run = new_run()
train(run, STOP)
weights = copy.deepcopy(run.model.state_dict())

run = new_run()  # a new process: everything begins anew
run.model.load_state_dict(weights)
alone = train(run, STEPS - STOP)
first, most = parting(whole, alone, STOP)
parted_curves(
    whole,
    {"the weights alone": alone},
    STOP,
    f"With the weights alone another run goes on: it parts at step {first}",
)

# %% [markdown]
# The run goes on, and its loss falls. That is the danger: nobody gets an error. Yet it is another run. What else was
# there?
#
# | part | what it is | without it |
# |---|---|---|
# | weights | what was learned | everything is lost |
# | optimizer | AdamW's two means for each weight (lesson 08) | the first steps have no memory, and wrong sizes |
# | schedule | where on the learning-rate curve we are | it warms up again, and never comes down to the end |
# | randomness | the state of torch's generator | other activations are dropped |
# | data | the state of the generator that draws the windows | it reads again what it has read |
#
# On a GPU there is more. `torch.get_rng_state()` is the generator of the CPU only, those of the GPUs are
# `torch.cuda.get_rng_state_all()`. And a run in float16 has the scale of its `GradScaler` (lesson 08), which has a
# `state_dict()` of its own.
#
# One trap is waiting. `state_dict()` copies nothing: it hands out the *living* tensors. Train on, and your snapshot
# trains with them. And `optimizer.load_state_dict` may take the tensors it is given as its own. So copy both ways,
# with `copy.deepcopy`.
#
# ### Exercise 11.1: Everything
# `snapshot` returns a dictionary with the keys `"weights"`, `"optimizer"`, `"schedule"`, `"randomness"` and `"data"`.
# `restore` gives all of it to a fresh run. `torch.get_rng_state()` reads torch's own generator,
# `torch.set_rng_state()` sets it; a `torch.Generator` has `get_state` and `set_state`.


# %%
def snapshot(run: Run) -> dict:
    """All of a run, as a copy that later steps do not change."""
    ### BEGIN SOLUTION
    return copy.deepcopy(
        {
            "weights": run.model.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "schedule": run.scheduler.state_dict(),
            "randomness": torch.get_rng_state(),
            "data": run.data.get_state(),
        }
    )
    ### END SOLUTION


def restore(state: dict, run: Run) -> None:
    """Make `run` the run that `snapshot` saw. The snapshot stays as it is."""
    ### BEGIN SOLUTION
    state = copy.deepcopy(state)
    run.model.load_state_dict(state["weights"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.scheduler.load_state_dict(state["schedule"])
    torch.set_rng_state(state["randomness"])
    run.data.set_state(state["data"])
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("11.1")

# %%
run = new_run()
train(run, STOP)
state = snapshot(run)

run = new_run()
restore(state, run)
resumed = train(run, STEPS - STOP)
print(f"the last loss: never stopped {whole[-1]!r}, stopped and gone on {resumed[-1]!r}")
assert resumed == whole[STOP:]

# %% [markdown]
# Equal to the last digit, not just nearly: a computer that does the same sums in the same order gets the same bits.
#
# Now leave out one thing at a time. Four more can be lost that your dictionary does not name: the **dtype** of the
# weights, the **tie** (the head is the same tensor as the embedding, lesson 04), the **config** (here its number of
# heads), and the **tokenizer**.

# %%


def go_on_without(part: str) -> list[float]:
    """The losses of a run that is resumed from `state` with one part missing."""
    run, kept = new_run(), dict(state)
    if part == "number of heads":
        run = new_run(TINY.change({"num_heads": 2, "head_dim": 32}))  # every tensor has the same shape!
    if part in kept:
        fresh = new_run()
        kept[part] = snapshot(fresh)[part]
    if part == "dtype":
        kept["weights"] = {name: tensor.bfloat16() for name, tensor in state["weights"].items()}
    restore(kept, run)
    if part == "tie":
        run.model.head.weight = nn.Parameter(run.model.embedding.weight.detach().clone())
        run.optimizer.add_param_group({"params": [run.model.head.weight]})
        run.scheduler.base_lrs.append(run.scheduler.base_lrs[0])
        run.scheduler.lr_lambdas.append(warmup_cosine)
        run.optimizer.param_groups[-1]["lr"] = run.optimizer.param_groups[0]["lr"]
    other = as_row(Tokenizer.train(texts[400:], 512)) if part == "tokenizer" else text
    return train(run, STEPS - STOP, other)


parts = ("optimizer", "schedule", "randomness", "data", "dtype", "tie", "number of heads", "tokenizer")
ways = {"nothing left out": resumed} | {f"without the {part}": go_on_without(part) for part in parts}
parted_curves(whole, ways, STOP, "Whatever is left out, another run goes on")

# %% [markdown]
# Look at them one by one.
#
# - **Optimizer**: AdamW begins with empty means. A bump at most, and then a curve that looks healthy. (The learning
#   rate of the next step lives here, too, in `optimizer.param_groups`. So this run also takes its first step with a
#   wrong rate, while the one without its schedule takes that step right and parts one step later.)
# - **Schedule**: the learning rate warms up a second time and is still high when the run ends. In so short a run that
#   may even look better. In a long one the descent at the end is what brings the loss down (lesson 08), and it never
#   comes.
# - **Data**: it reads the windows of steps 1 to 30 again. If its loss is lower now, that is why: it has seen them
#   before. A run that does so after each crash has read much less than you think.
# - **Randomness**: other activations are dropped; the curve is as good as before, and no longer the same. Does that
#   matter? Hardly to the model. But you can no longer tell a mistake from chance.
# - **Dtype**: the weights went to bfloat16 (two to three digits) and back. To the eye there is no difference at all.
# - **Tie**: the first loss is the same, since the two tables are equal. Then they drift apart, and the model is
#   larger than you think.
# - **Number of heads**: no error, and in so young a model hardly a trace. The shapes are those of `embed_dim`; no
#   tensor says into how many heads it is cut. So the **config** must be in the checkpoint.
# - **Tokenizer**: as many tokens, but other ones, and no error either. With the wrong tokenizer a model writes
#   nonsense.
#
# slmlib keeps less, on purpose. Its batch, its learning rate and its dropout are pure functions of seed and step
# (lessons 03 and 08). So the step number stands for three of the five, on a GPU too. (A run in float16 also saves its
# scale.) What need not be saved cannot be forgotten.
#
# ## 2. The file: pickle or safetensors?
#
# `torch.save` writes a **pickle**: Python's own format for any object at all. To rebuild an object, a pickle may name
# a function and its arguments, and whoever loads it *calls* it. Here is a harmless one.

# %% tags=["nbval-check-output"]


class Greeting:
    """Looks like data; says what is to be called when it is loaded."""

    def __reduce__(self) -> tuple:
        return print, ("I ran while you loaded me. I could have deleted your files.",)


stranger = pickle.dumps({"weights": Greeting()})
loaded = pickle.loads(stranger)

# %% [markdown]
# Your code did not call `print`; loading did. With a stranger's weights you run a stranger's program. Since version
# 2.6 `torch.load` refuses such a file by default, until somebody writes `weights_only=False` to make the message go
# away:

# %% tags=["nbval-check-output"]
file = io.BytesIO()
torch.save({"weights": Greeting()}, file)
try:
    torch.load(io.BytesIO(file.getvalue()), weights_only=True)
except pickle.UnpicklingError as error:
    print("Refused:", "weights only load failed" in str(error).lower())

# %% [markdown]
# Better is a format that cannot even say "call this". A [safetensors](https://github.com/huggingface/safetensors)
# file is
#
# | bytes | what |
# |---|---|
# | 8 | the length $n$ of the header, a whole number, smallest byte first |
# | $n$ | the header, JSON: name → `dtype`, `shape`, `data_offsets` |
# | the rest | the numbers of all tensors, one after the other |
#
# The two `data_offsets` are the first byte of a tensor and the one after its last, counted from *the end of the
# header*. The header may end in spaces, so that the numbers begin at a multiple of 8 bytes, and its tensors need not
# stand in the order in which you saved them.

# %% tags=["nbval-check-output"]
blob = save({"ramp": torch.arange(6, dtype=torch.float32).view(2, 3), "step": torch.tensor([30])})
length = int.from_bytes(blob[:8], "little")
print("header:", length, "bytes, then", len(blob) - 8 - length, "bytes of numbers")
print(blob[8 : 8 + length].decode())

# %% [markdown]
# ### Exercise 11.2: Read safetensors by hand
# Return a dictionary from name to tensor. `torch.frombuffer(bytearray(part), dtype=...)` makes a flat tensor out of
# bytes. An entry named `__metadata__`, if there is one, is not a tensor: skip it.

# %%
DTYPES = {"F32": torch.float32, "I64": torch.int64}


def read_tensors(blob: bytes) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file."""
    ### BEGIN SOLUTION
    begin = 8 + int.from_bytes(blob[:8], "little")
    tensors = {}
    for name, entry in json.loads(blob[8:begin]).items():
        if name == "__metadata__":
            continue
        first, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(blob[begin + first : begin + end]), dtype=DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("11.2")

# %% [markdown]
# **Compared with code that is not ours**, on all weights of our small run:

# %%
flat = {
    name: tensor for name, tensor in state["weights"].items() if name != "head.weight"
}  # tied: once is enough
blob = save(flat)
ours, theirs = read_tensors(blob), load(blob)
assert ours.keys() == theirs.keys()
assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
print(f"{len(ours)} tensors, {sum(tensor.numel() for tensor in ours.values()):,} numbers, all equal")

# %% [markdown]
# There is nothing in it but names, shapes and numbers. And it can be mapped into memory like the token stream of
# lesson 03, without reading all of it first.
#
# ## 3. Whole or not there
#
# Writing a file takes time, and a process may die in the middle. Let us see what that leaves. The script below opens
# its file, writes half of it, says so, and waits; then we kill it, with a signal that no program can catch.

# %%
WRITE_HALF = """
import sys
file = open(sys.argv[1], "wb")
file.write(b"n" * 500)
file.flush()
print("half", flush=True)
input()
"""


def killed_while_writing(path: Path) -> None:
    """A process opens `path`, writes half of what it wants to write, and is killed."""
    command = [sys.executable, "-c", WRITE_HALF, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # it says: half is written
        process.kill()


folder = Path(tempfile.mkdtemp())
rows = []
for name, opened in (("into the file itself", "weights"), ("under another name first", ".weights.part")):
    (folder / "weights").write_bytes(b"o" * 1000)  # the old checkpoint, good
    killed_while_writing(folder / opened)
    left = (folder / "weights").read_bytes()
    told = (
        "whole, the old one"
        if left == b"o" * 1000
        else f"{len(left)} bytes of 1,000, and the old one is gone"
    )
    rows.append((name, told))
Table(
    "Killed in the middle of writing", ("the new file was written", "what is under the good name now"), rows
)

# %% [markdown]
# The first way loses both: the old file was emptied when it was opened, and the new one never came. And saving is a
# likely moment to die, because that is when the disk fills up.
#
# The remedy has four steps, and their order matters.
#
# 1. Write under a temporary name **in the same folder**. (Between two disks there is no rename: `os.replace`
#    fails, and a copy may stop half-way.)
# 2. `file.flush()`: out of Python's buffer, to the operating system.
# 3. `os.fsync(file.fileno())`: out of the system's cache, to the disk. Without it a power cut may leave the new name
#    with no content.
# 4. `os.replace(temporary, path)`: the rename. It is **atomic**: whoever looks sees the old file or the new, never
#    anything between.
#
# slmlib adds a fifth: an fsync of the *folder*, so that the rename, too, survives a power cut (`flush_folder` in
# [slmlib/files.py](../slmlib/files.py)).
#
# ### Exercise 11.3: Write atomically
#
# Write `content` to `path` in these four steps, so that a kill at any moment leaves the old content or the new.

# %%


def write_atomically(path: Path, content: bytes) -> None:
    """`path` has its old content, or all of the new, at every moment."""
    ### BEGIN SOLUTION
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("11.3")

# %%
write_atomically(folder / "weights", blob)
assert read_tensors((folder / "weights").read_bytes()).keys() == flat.keys()
print(sorted(path.name for path in folder.iterdir()))
shutil.rmtree(folder)

# %% [markdown]
# (`.weights.part` is what the killed process left. Somebody has to sweep up: slmlib removes such leftovers at the
# next save.)
#
# A checkpoint is several files that belong together, so slmlib applies the same idea to a **folder**: write
# everything into a folder with a temporary name, flush, rename the folder.
# [slmlib/training/checkpoint.py](../slmlib/training/checkpoint.py) does it; this is what is inside:

# %%
shelf = home() / "runs" / "lesson_11"
shutil.rmtree(shelf, ignore_errors=True)  # running this cell again begins anew
shelf.mkdir(parents=True)


def put_stories(name: str, chosen: list[str]) -> str:
    """A small corpus in a folder: all but the last hundred stories to learn from. Returns the folder."""
    (shelf / name).mkdir(exist_ok=True)
    (shelf / name / "train.txt").write_bytes(b"".join(map(as_record, chosen[:-100])))
    (shelf / name / "valid.txt").write_bytes(b"".join(map(as_record, chosen[-100:])))
    return str(shelf / name)


corpus = put_stories("stories", texts)
settings = TrainConfig(
    total_steps=24 if FAST else 60,
    batch_size=4,
    optimizer="adamw",
    learning_rate=3e-3,
    checkpoints=12,
    evaluations=2,
    threads=torch.get_num_threads(),
    device="cpu",
)


def wish(name: str) -> Wish:
    """The run of that name: the tiny model, on those stories."""
    return Wish(TINY, settings, shelf / name, corpus)


result = start_or_resume(wish("never_stopped"), say=lambda sentence: None, progress=False)
newest = sorted((shelf / "never_stopped" / "checkpoints").iterdir())[-1]
files = [(path.name, path.stat().st_size) for path in sorted(newest.iterdir())]
Table(f"Inside {newest.name}", ("file", "bytes"), files)

# %% [markdown]
# AdamW's two means make the optimizer's file twice as large as the model's. `state.json` has the configs, the step,
# the history, and fingerprints of tokenizer and data; `manifest.json` has the fingerprint of each file. (A
# **fingerprint** is a hash, SHA-256: one changed bit changes it.)
#
# ## 4. Kill it
#
# That run was never stopped. Now the same run again, in a process of its own, started by the same function
# (`start_or_resume`). It reports each event as it happens. When it reports a certain step, we kill it. Then we start
# it again, and kill it again. In the end it may finish.

# %%
TRAIN = """
import json, sys
from pathlib import Path
from slmlib.config import ModelConfig, TrainConfig
from slmlib.training.run import Wish, start_or_resume

model, settings, folder, corpus = json.loads(sys.argv[1])
wish = Wish(ModelConfig.from_dict(model), TrainConfig.from_dict(settings), Path(folder), corpus)
tell = lambda event: print(json.dumps(event), flush=True)
start_or_resume(wish, (tell,), say=lambda sentence: None, progress=False)
"""


def train_until(name: str, kill_at: int | None = None) -> list[int]:
    """Start the run of that name, or go on with it; kill it when it reports a step. Returns the steps it reported."""
    asked = wish(name)
    told = json.dumps([asked.model.to_dict(), asked.train.to_dict(), str(asked.folder), asked.corpus])
    steps, line = [], ""
    with subprocess.Popen(
        [sys.executable, "-c", TRAIN, told], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "step":
                steps.append(event["step"])
                if event["step"] == kill_at:
                    process.kill()  # SIGKILL: no chance to save or to say goodbye
                    break
    if not steps:
        raise RuntimeError(f"The process did no step. Its last words: {line}")
    return steps


kills = [settings.total_steps // 3 + 3, 2 * settings.total_steps // 3 + 3][: 1 if FAST else 2]
for kill_at in (*kills, None):
    steps = train_until("killed", kill_at)
    print(f"steps {steps[0]} to {steps[-1]}, then", "killed" if kill_at else "finished")

# %% [markdown]
# It went on from its last checkpoint each time, and did a few steps twice. Now compare the run that was never stopped
# with the one that was killed:

# %%
one, other = (newest_checkpoint(shelf / name / "checkpoints") for name in ("never_stopped", "killed"))
same = [
    torch.equal(tensor, other.model.state_dict()[name]) for name, tensor in one.model.state_dict().items()
]
print(f"weights: {sum(same)} of {len(same)} tensors equal to the last bit")
curves = [
    series(read_log(shelf / name / "log.jsonl"), "step", "loss") for name in ("never_stopped", "killed")
]
print("losses in the log equal:", curves[0] == curves[1])
assert all(same)
assert curves[0] == curves[1]

# %% [markdown]
# **On a GPU** the same needs more care: some GPU operations add their numbers in an order that changes from run to
# run. There the curves agree closely, but not always to the last bit.
#
# ## 5. Refused, in one sentence
#
# A checkpoint can be damaged, or foreign. The worst answer is to load it anyway. Four attempts:

# %%
good = one.folder


def attempt(what: str, damage, use=load_checkpoint) -> tuple[str, str]:
    """Damage a copy of a good checkpoint and try to use it; returns what was said."""
    copied = shelf / "damaged" / good.name
    shutil.rmtree(copied.parent, ignore_errors=True)
    shutil.copytree(good, copied)
    damage(copied)
    try:
        use(copied)
    except SlmError as error:
        return what, str(error).replace(f"{copied.parent}{os.sep}", "").replace(f"{shelf}{os.sep}", "")
    return what, "It was loaded!"


def flip_a_bit(copied: Path) -> None:
    """One bit of the weights, in the middle of the file."""
    content = bytearray((copied / "model.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "model.safetensors").write_bytes(content)


def another_tokenizer(copied: Path) -> None:
    """Put another tokenizer in its place, with as many tokens, learned from other stories."""
    foreign = Tokenizer.train(texts[400:], one.tokenizer.vocab_size)
    foreign.save(copied / "tokenizer.json")
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["tokenizer.json"] = sha256_file(copied / "tokenizer.json")  # somebody meant well
    (copied / "manifest.json").write_text(json.dumps(manifest))


def other_stories(copied: Path) -> None:
    """Go on with this run, on other data."""
    shutil.rmtree(shelf / "moved", ignore_errors=True)
    shutil.copytree(copied, shelf / "moved" / "checkpoints" / copied.name)
    asked = replace(wish("moved"), corpus=put_stories("others", texts[100:]))
    start_or_resume(asked, say=lambda sentence: None, progress=False)


rows = [
    attempt("one bit flipped", flip_a_bit),
    attempt("a file deleted", lambda copied: (copied / "optimizer.safetensors").unlink()),
    attempt("another tokenizer", another_tokenizer),
    attempt("other data", lambda copied: None, other_stories),
]
assert all("loaded!" not in answer for _, answer in rows)
Table("Refused", ("what was wrong", "what slmlib said"), rows)

# %% [markdown]
# Each sentence says what is wrong and what to do. The flipped bit would not have crashed anything: one weight among
# thousands would be another number. And even when all hashes are right, the model is not trusted yet:
# `load_checkpoint` computes the loss on a few stored tokens, and compares it with the loss that was stored.
#
# When the newest checkpoint is damaged, the run goes on from the one before, and says so:

# %%
spoiled = shutil.copytree(good, shelf / "spoiled" / good.name)
before = step_folder(good.parent, settings.total_steps * 11 // 12)
shutil.copytree(before, shelf / "spoiled" / before.name)
flip_a_bit(spoiled)
found = newest_checkpoint(
    shelf / "spoiled", say=lambda sentence: print(sentence.replace(f"{shelf}{os.sep}", ""))
)
print("going on from step", found.progress.step)

# %% [markdown]
# ## 6. The round trip
#
# Did the save work? There is only one proof: **load it into a fresh model, and let both write.** That is what
# `checkpoint_ok` means in the lab. But remember the curve without the tie: an untied copy writes the same today, and
# another text after more training. So look before you let them write:
#
# 1. the same **object**? Then nothing was reloaded;
# 2. names and **shapes**;
# 3. **dtypes**;
# 4. what was **tied** is tied: two names, one memory (`tensor.data_ptr()`);
# 5. the **tokenizer**'s `fingerprint`;
# 6. and last, what both **write**.


# %%
@torch.inference_mode()
def written(model: nn.Module, length: int = 24) -> list[int]:
    """What a model writes after token 0, always the likeliest token."""
    tokens = torch.zeros(1, 1, dtype=torch.long, device=next(model.parameters()).device)
    model.eval()
    for _ in range(length):
        tokens = torch.cat((tokens, model(tokens)[:, -1:].argmax(-1)), dim=1)  # (1, time + 1)
    return tokens[0].tolist()


# %% [markdown]
# ### Exercise 11.4: What drifted?
# Compare a model with the one that was reloaded, in the order above. Return the first that is wrong: `"same
# object"`, `"shape"` (also when the two do not have exactly the same names), `"dtype"`, `"tied"`, `"tokenizer"` or
# `"writes"`. Return `""` when the round trip is perfect.


# %%
def drift(model: nn.Module, reloaded: nn.Module, tokenizer: Tokenizer, reloaded_tokenizer: Tokenizer) -> str:
    """The first thing that is not as it was, or an empty string."""
    ### BEGIN SOLUTION
    if reloaded is model:
        return "same object"
    saved, loaded = model.state_dict(), reloaded.state_dict()
    if {name: part.shape for name, part in saved.items()} != {
        name: part.shape for name, part in loaded.items()
    }:
        return "shape"
    if any(part.dtype != loaded[name].dtype for name, part in saved.items()):
        return "dtype"
    for name, part in saved.items():
        for other in saved:
            together = part.data_ptr() == saved[other].data_ptr()
            if together != (loaded[name].data_ptr() == loaded[other].data_ptr()):
                return "tied"
    if tokenizer.fingerprint != reloaded_tokenizer.fingerprint:
        return "tokenizer"
    return "" if written(model) == written(reloaded) else "writes"
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("11.4")


# %%
trained = (
    load_model()
)  # the model that comes with the course: it writes sentences, so its writing says something


def filled(changes: dict) -> Decoder:
    """A model of a changed config with as many of the trained weights as fit."""
    model = Decoder(trained.model.config.change(changes), seed=1)
    own = model.state_dict()
    for name, tensor in trained.model.state_dict().items():
        if name in own and own[name].shape == tensor.shape:
            own[name].copy_(tensor)
    return model


trials = {
    "what slmlib reloads": (load_model().model, trained.tokenizer),
    "one layer more": (filled({"num_layers": 5}), trained.tokenizer),
    "saved in bfloat16": (copy.deepcopy(trained.model).bfloat16(), trained.tokenizer),
    "the tie forgotten": (filled({"tie_embeddings": False}), trained.tokenizer),
    "another tokenizer": (filled({}), small_tokenizer),
    "other heads": (filled({"num_heads": 4, "head_dim": 32}), trained.tokenizer),
}
found = {
    name: drift(trained.model, other, trained.tokenizer, theirs) for name, (other, theirs) in trials.items()
}
assert found["what slmlib reloads"] == ""
rows = [(name, word or "nothing") for name, word in found.items()]
Table("The round trip", ("reloaded", "what drifted"), rows)

# %% [markdown]
# Writing is a coarse proof. A model that has hardly learned anything may write the same few words with other heads,
# too. So `load_checkpoint` looks closer: it compares the loss on stored tokens, to four decimals.
#
# ## 7. How often?
#
# Each save costs time, and each crash costs the work since the last save: on average half an interval. Let a save
# take $s$ seconds, let a failure come every $M$ seconds, and save every $\tau$ seconds, the save included. What share
# of the time is lost? (We add the two costs: good while both are small; for very long intervals it says too much.)
#
# ### Exercise 11.5: The share that is lost
#
# Return this share, $\text{lost}(\tau)$. By hand: a save of 10 seconds every 100 seconds, and a failure every 1,000: $0.1 + 0.05 = 0.15$.

# %%


def lost_share(interval: float, save_seconds: float, failure_seconds: float) -> float:
    """Which share of the time goes into saving and into work done twice. All in seconds."""
    ### BEGIN SOLUTION
    return save_seconds / interval + interval / (2 * failure_seconds)
    ### END SOLUTION


# %% tags=["nbval-check-output"]
check("11.5")

# %% [markdown]
# $$\text{lost}(\tau) = \frac{s}{\tau} + \frac{\tau}{2M}$$
#
# When Llama 3 405B was trained on 16,384 GPUs, the run was interrupted 419 times in 54 days, unplanned: every 3.1
# hours ([Grattafiori et al. 2024, section 3.3.4](https://arxiv.org/abs/2407.21783)). Suppose one save took 60
# seconds:

# %% tags=["nbval-check-output"]
failure = 54 * 24 * 3600 / 419
minutes = [2, 5, 10, 15, 20, 30, 60, 120, 180]
lost = [lost_share(60 * minute, 60, failure) for minute in minutes]
best = math.sqrt(2 * 60 * failure) / 60
lines(
    {"share lost": (minutes, lost)},
    f"With a failure every 3.1 hours it is best to save every {best:.0f} minutes",
    xlabel="minutes between two saves",
    ylabel="share of the time that is lost",
    log_x=True,
    floors={"the best that can be had": lost_share(60 * best, 60, failure)},
    write="{:.0%}".format,
)

# %% [markdown]
# Where the two costs are equal, their sum is smallest: $\tau^* = \sqrt{2 s M}$ ([Young
# 1974](https://doi.org/10.1145/361147.361115)). The curve is flat there, so a factor of two does little harm. Make
# saving cheaper, and you save more often and lose less: large runs copy the weights to the host's memory, go on at
# once, and write the file meanwhile.
#
# ## 8. The lab: from data to a checkpoint
#
# Now everything in one kernel, as you built it in lessons 01 to 11. It leaves ten names behind: `train_tokens`,
# `vocab_size`, `model`, `optimizer`, `scheduler`, `losses`, `val_losses`, `story_before`, `story_after`,
# `checkpoint_ok`. What counts is what lies in the kernel at the end. Keep one more name, `reloaded`, the model you
# loaded back. The check compares it with `model`; `checkpoint_ok = True` without it earns half the points.
#
# You may replace the data, the size of the vocabulary, the shape of the model and the loop: your `train_step` of
# lesson 08 fits here as it is. Your `StoryModel` of lesson 07 needs more. It has no `loss` and no `device`, so slmlib
# can neither measure it, nor let it write, nor save it; with it come your own loss, your own `write` (lesson 10) and
# your own saving. That is a fine project, and the checks accept any torch module.
#
# **Data, model, optimizer.** The preset fits your device. On a CPU it has a million parameters and trains for about a
# minute, with the optimizer of lesson 08's real run.

# %%
train_tokens = data.train.as_tensor()
tokenizer, vocab_size = data.tokenizer, data.tokenizer.vocab_size
few = islice(
    read_stories(data.folder / "valid.txt"), 30 if FAST else 100
)  # enough to see a trend, and quick to measure
valid = TokenStream.write(shelf / "valid.bin", few, tokenizer, corpus_name=data.corpus_name)

device = choose_device()
chosen = default_preset(device.type)
size = chosen.model.change({"vocab_size": vocab_size} | ({"num_layers": 2} if FAST else {}))
plan = replace(chosen.train, minutes=1.0)
if FAST:
    plan = replace(plan, total_steps=50, batch_size=8)
plan = decide(Wish(size, plan, shelf / "lab"), replace(data, valid=valid), device)  # a minute, in steps

model = Decoder(size, seed=0).to(device.type)
optimizer = build_optimizer(model, plan)
scheduler = build_scheduler(optimizer, plan)
telling = Sampling(temperature=0.7, top_k=50, seed=1, max_tokens=120)
story_before = generate(model, tokenizer, "Once upon a time", telling)[0]
print(f"{data.corpus_name}: {len(train_tokens):,} tokens, {vocab_size:,} different")
print(
    f"{sum(part.numel() for part in model.parameters()):,} parameters on {device.type}; {plan.total_steps:,} steps with {plan.optimizer}, about a minute"
)

# %% [markdown]
# **Training**, the loop of lesson 08.

# %%
losses, val_losses, measured_at = [], [], []
scaler = torch.amp.GradScaler(device.type, enabled=plan.dtype == "float16")
every = max(1, plan.total_steps // 5)
for step in range(plan.total_steps + 1):
    if step % every == 0 or step == plan.total_steps:
        val_losses.append(evaluate(model, valid, device).loss)
        measured_at.append(step)
    if step == plan.total_steps:
        break
    batch = data.train.batch(
        step, batch_size=plan.batch_size, context_length=size.context_length, seed=plan.seed
    )
    inputs, targets = (to_device(part, device) for part in batch)
    model.train()
    with device.autocast():
        loss = model.loss(inputs, targets)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), plan.gradient_clip)
    scaler.step(optimizer)
    scaler.update()
    scheduler.step()
    optimizer.zero_grad()
    losses.append(loss.item())

lines(
    {"training": (list(range(1, len(losses) + 1)), losses), "validation": (measured_at, val_losses)},
    f"{plan.total_steps:,} steps: validation loss from {val_losses[0]:.2f} to {val_losses[-1]:.2f}",
    xlabel="step",
    ylabel="loss (nats per token)",
    floors=baseline_losses(data.train, valid),
    markers=False,
    write="{:.2f}".format,
)

# %% [markdown]
# **The story, and the round trip.** Save, load into a fresh model, and ask your own `drift`.

# %%
story_after = generate(model, tokenizer, "Once upon a time", telling)[0]
state = Progress(
    step=plan.total_steps,
    asked=plan,
    decided=plan,
    corpus=data.corpus_name,
    train_sha256=data.train.info.sha256,
    valid_sha256=valid.info.sha256,
    probe_tokens=valid.tokens[:65].tolist(),
)
saved = save_checkpoint(shelf / "lab" / "final", model, tokenizer, state, optimizer)
checkpoint = load_checkpoint(saved)
reloaded = checkpoint.model.to(device.type)
checkpoint_ok = drift(model, reloaded, tokenizer, checkpoint.tokenizer) == ""
again = generate(reloaded, checkpoint.tokenizer, "Once upon a time", telling)[0]
assert again == story_after
print("checkpoint_ok:", checkpoint_ok)
Table(
    "Once upon a time",
    ("model", "what it writes"),
    [
        (name, "".join(c if c.isprintable() else " " for c in text)[:400])
        for name, text in (("before", story_before), ("after", story_after), ("reloaded", again))
    ],
)

# %%
check("lab")

# %% [markdown]
# ## 9. Questions
#
# <details>
# <summary>Must a checkpoint of a model that is only used hold the optimizer as well?</summary>
#
# No. With AdamW it is two thirds of the bytes, and only training reads it. The model that comes with the course has
# no `optimizer.safetensors`, and the attempt to train it further is refused in a sentence.
# </details>
#
# <details>
# <summary>Why are the weights saved in float32 when the model computes in bfloat16?</summary>
#
# Because training adds steps much smaller than the weights. bfloat16 has 8 bits for the digits, so a weight just
# above 1 cannot take a step smaller than about 0.004: it would stay where it is (lesson 08). The float32 weights are
# the ones that learn; bfloat16 is only how they are multiplied. For *use*, bfloat16 is fine.
# </details>
#
# <details>
# <summary>The run continues on another number of GPUs. Is it still the same run?</summary>
#
# With a batch that depends only on seed and step, as in lesson 03, yes: each GPU takes another slice of the same
# batch. The sums are then made in another order, so the last bits differ. Where each GPU has its own data loader with
# its own generator, it is not the same run.
# </details>
#
# ## What comes next
#
# You have run the whole course so far in one go. Lesson 12 looks at what happens *between* the first checkpoint and
# the last: when do spelling, grammar and names appear, and what does a broken run look like while it breaks? What to
# take along: **a run is more than its weights; whole or not there; refuse rather than guess; and the only proof of a
# save is a load.**

# %%
progress()
