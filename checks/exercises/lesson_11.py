"""Lesson 11, checkpoints: everything a run is, safetensors by hand, atomic writes, drift, and how often to save."""

import copy
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from checks.exercise import Exercise, Finding, Questions
from checks.lab import greedy_tokens
from checks.student import Student

KEYS = ("weights", "optimizer", "schedule", "randomness", "data")


class Everything(Exercise):
    """`snapshot(run)` and `restore(state, run)`: going on equals never having stopped."""

    id, title, points, asks_for = "11.1", "Everything", 4, ("snapshot", "restore")
    may_change_inputs = True  # restoring is changing
    hints = (
        "Which five things change from one step to the next? Where does each keep its state?",
        "`run.model`, `run.optimizer` and `run.scheduler` have `state_dict()`; torch's generator has "
        "`torch.get_rng_state()`; `run.data` has `get_state()`. Put `copy.deepcopy` around the dictionary.",
        "`restore` mirrors it: `load_state_dict` three times, `torch.set_rng_state`, `run.data.set_state`; all on a "
        "`copy.deepcopy(state)`.",
    )
    _ALL = (
        "import copy, torch\n"
        "def snapshot(run):\n"
        "    return copy.deepcopy({'weights': run.model.state_dict(), 'optimizer': run.optimizer.state_dict(),\n"
        "        'schedule': run.scheduler.state_dict(), 'randomness': torch.get_rng_state(),\n"
        "        'data': run.data.get_state()})\n"
        "def restore(state, run):\n"
        "    state = copy.deepcopy(state)\n"
        "    run.model.load_state_dict(state['weights'])\n"
        "    run.optimizer.load_state_dict(state['optimizer'])\n"
        "    run.scheduler.load_state_dict(state['schedule'])\n"
        "    torch.set_rng_state(state['randomness'])\n"
        "    run.data.set_state(state['data'])\n"
    )
    mistakes = {
        "Your snapshot changes when training goes on: state_dict() hands out the living tensors. "
        "Put copy.deepcopy around it.": _ALL.replace("return copy.deepcopy(", "return ("),
        "The snapshot works only once: the restored run trains with its tensors (load_state_dict of an optimizer "
        "keeps them). Restore from copy.deepcopy(state).": _ALL.replace("copy.deepcopy(state)", "state"),
        "After restoring, the weights are not those of the snapshot.": _ALL.replace(
            "    run.model.load_state_dict(state['weights'])\n", ""
        ),
        "After restoring, AdamW has forgotten its means: give the optimizer its state back.": _ALL.replace(
            "    run.optimizer.load_state_dict(state['optimizer'])\n", ""
        ),
        "After restoring, the schedule begins anew: the learning rate warms up a second time.": _ALL.replace(
            "    run.scheduler.load_state_dict(state['schedule'])\n", ""
        ),
        "After restoring, torch's random numbers are other ones: dropout drops other activations "
        "(get_rng_state, set_rng_state).": _ALL.replace("    torch.set_rng_state(state['randomness'])\n", ""),
        "After restoring, the data begins anew: the run reads again what it has read (run.data.set_state).": _ALL.replace(
            "    run.data.set_state(state['data'])\n", ""
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Seeds."""
        return {"seed": int(rng.integers(1000)), "steps": int(rng.integers(3, 6))}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """Which parts of a restored run are as they were, and whether it goes on with the same losses."""
        import torch

        run = _small_run(questions["seed"])
        _train(run, questions["steps"])
        before = _parts(run)
        state = student.snapshot(run)
        if type(state) is not dict or set(state) != set(KEYS):
            return {"keys": sorted(map(str, state)) if type(state) is dict else type(state).__name__}
        facts: dict[str, Any] = {"keys": sorted(KEYS), "losses": [_train(run, 3)]}
        facts["went on"] = {name: before[name] != _parts(run)[name] for name in before}
        for attempt in ("first", "second"):
            fresh = _small_run(questions["seed"] + 1)
            torch.manual_seed(12345)
            student.restore(state, fresh)
            now = _parts(fresh)
            facts[attempt] = {name: now[name] == before[name] for name in before}
            facts[attempt]["learning rate"] = now["learning rate"] == before["learning rate"]
            if attempt == "first":
                facts["still living"] = now["weights"] == _parts(run)["weights"] != before["weights"]
            facts["losses"].append(_train(fresh, 3))
        return facts

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The first part that was forgotten, by name."""
        sentences = dict(
            zip(
                ("alias", "once", "weights", "optimizer", "schedule", "randomness", "data"),
                self.mistakes,
                strict=True,
            )
        )
        if answer["keys"] != sorted(KEYS):
            return Finding(
                "snapshot must return a dictionary with the five keys.", str(KEYS), str(answer["keys"])
            )
        if answer["still living"]:
            return Finding(sentences["alias"])
        first, second = answer["first"], answer["second"]
        for part in KEYS:
            if not first[part]:
                return Finding(sentences[part])
        if not all(second.values()):
            return Finding(sentences["once"])
        if not answer["losses"][0] == answer["losses"][1] == answer["losses"][2]:
            return Finding(
                "Everything looks restored, but the run goes on with other losses.",
                str(answer["losses"][0][0]),
                str(answer["losses"][1][0]),
            )
        return None


def _small_run(seed: int) -> SimpleNamespace:
    """A run of the same shape as the lesson's, a few numbers large."""
    import torch

    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Embedding(11, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 11))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / 20)
    data = torch.Generator().manual_seed(seed)
    return SimpleNamespace(model=model, optimizer=optimizer, scheduler=scheduler, data=data)


def _train(run: SimpleNamespace, steps: int) -> list[float]:
    import torch

    losses = []
    for _ in range(steps):
        rows = torch.randint(11, (6, 5), generator=run.data)
        loss = torch.nn.functional.cross_entropy(run.model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        run.optimizer.zero_grad()
        loss.backward()
        run.optimizer.step()
        run.scheduler.step()
        losses.append(loss.item())
    return losses


def _parts(run: SimpleNamespace) -> dict[str, Any]:
    """All of a run as plain data that no later step can change."""
    import torch

    moments = [
        {name: value.tolist() for name, value in state.items()} for state in run.optimizer.state.values()
    ]
    return copy.deepcopy(
        {
            "weights": [tensor.tolist() for tensor in run.model.state_dict().values()],
            "optimizer": moments,
            "schedule": run.scheduler.last_epoch,
            "randomness": torch.get_rng_state().tolist(),
            "data": run.data.get_state().tolist(),
            "learning rate": [group["lr"] for group in run.optimizer.param_groups],
        }
    )


class ReadSafetensors(Exercise):
    """`read_tensors(blob)` reads a safetensors file without the library."""

    id, title, points, asks_for = "11.2", "Read safetensors by hand", 3, ("read_tensors",)
    hints = (
        "Where does the header end? Which byte of the file is byte 0 of the numbers?",
        '`begin = 8 + int.from_bytes(blob[:8], "little")`; the header is `json.loads(blob[8:begin])`; a tensor\'s bytes '
        "are `blob[begin + first : begin + end]`.",
        '`torch.frombuffer(bytearray(part), dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])`, for every entry '
        "but `__metadata__`.",
    )
    by_case = True
    mistakes = {
        "You count data_offsets from the beginning of the file; they begin where the header ends (8 + its length).": dict(
            base="file"
        ),
        "You forgot the 8 bytes of the length: the numbers begin at 8 + length of the header.": dict(
            base="header"
        ),
        "Your tensors are flat: give each its shape.": dict(shaped=False),
        "You read whole numbers (I64) as fractions: each entry names its own dtype.": dict(typed=False),
        "You turned shapes around: (2, 3) is 2 rows of 3.": dict(turned=True),
        "A tensor is missing: return all that the header names, except __metadata__.": dict(first_only=True),
        "A file need not have `__metadata__`; yours cannot read one without: skip it only if it is there.": dict(
            needs_metadata=True
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A matrix of fractions, a row of whole numbers, another matrix."""
        rows, columns = (int(one) for one in rng.permutation([2, 3, 4, 5])[:2])
        return {
            "weight": rng.normal(size=(rows, columns)).astype(np.float32).astype(np.float64),
            "step": rng.integers(1, 1000, size=3),
            "other": rng.normal(size=(columns, rows + 1)).astype(np.float32).astype(np.float64),
        }

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """All tensors as arrays, of a file with metadata and of one without."""
        answers: dict[str, Any] = {}
        for kind, metadata in FILES.items():
            try:
                found = student.read_tensors(_file(questions, metadata))
            except KeyError as error:
                if metadata or error.args != ("__metadata__",):
                    raise
                answers[kind] = UNREAD
                continue
            if type(found) is not dict:
                student.value(found, dict)  # says what is wrong with it
            answers[kind] = {str(name): student.array(tensor) for name, tensor in found.items()}
        return answers

    def expected(self, questions: Questions, needs_metadata: bool = False, **switches: Any) -> dict[str, Any]:
        """File by file."""
        read: dict[str, Any] = {
            kind: self.tensors_in(_file(questions, metadata), **switches) for kind, metadata in FILES.items()
        }
        return read | {"without metadata": UNREAD} if needs_metadata else read

    def tensors_in(
        self,
        blob: bytes,
        base: str = "right",
        shaped: bool = True,
        typed: bool = True,
        turned: bool = False,
        first_only: bool = False,
    ) -> dict[str, np.ndarray]:
        """Out of a file's bytes."""
        length = int.from_bytes(blob[:8], "little")
        begin = {"right": 8 + length, "header": length, "file": 0}[base]
        found = {}
        for name, entry in json.loads(blob[8 : 8 + length]).items():
            if name != "__metadata__":
                first, end = entry["data_offsets"]
                kind = np.int64 if entry["dtype"] == "I64" and typed else np.float32
                array = np.frombuffer(blob[begin + first : begin + end], dtype=kind)
                if shaped and array.size == math.prod(entry["shape"]):
                    array = array.reshape(entry["shape"][:: -1 if turned else 1])
                found[name] = array.astype(np.int64 if kind is np.int64 else np.float64)
        return dict(list(found.items())[:1]) if first_only else found

    def judge(self, questions: Questions, answer: Any) -> Any:
        """A file that could not be read has no numbers to show."""
        found, unread = super().judge(questions, answer), list(self.mistakes)[-1]
        return unread if isinstance(found, Finding) and found.sentence == unread else found


FILES = {"with metadata": {"format": "pt"}, "without metadata": None}
"""Other programs write files of both kinds."""
UNREAD = "not read"


def _file(questions: Questions, metadata: dict[str, str] | None) -> bytes:
    """The arrays as a safetensors file."""
    from safetensors.numpy import save

    arrays = {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)
        for name, array in questions.items()
    }
    return bytes(save(arrays, metadata=metadata))


class WriteAtomically(Exercise):
    """`write_atomically(path, content)`: watched while it opens, flushes, renames and deletes."""

    id, title, points, asks_for = "11.3", "Write atomically", 3, ("write_atomically",)
    may_change_inputs = True  # nothing is returned: the disk is changed
    hints = (
        "At which moment of your function could a kill leave nothing good under the old name?",
        "Write to `path.with_name(...)`, in the same folder. Then `file.flush()`, `os.fsync(file.fileno())`, and "
        "after the file is closed `os.replace(temporary, path)`.",
        "`temporary = path.with_name(f'.{path.name}.tmp')`, opened with 'wb' in a `with`. Three calls stand inside the "
        "`with` and one behind it. In which order?",
    )
    _HEAD = "import os, shutil, tempfile\nfrom pathlib import Path\ndef write_atomically(path, content):\n"
    _FLUSHED = "        file.write(content)\n        file.flush()\n        os.fsync(file.fileno())\n"
    _OPEN = (
        "    temporary = path.with_name('.' + path.name + '.tmp')\n    with open(temporary, 'wb') as file:\n"
    )
    mistakes = {
        "You open the good file itself for writing: from that moment its old content is gone. "
        "Write under another name first.": _HEAD + "    with open(path, 'wb') as file:\n" + _FLUSHED,
        "The new content never gets its name: end with os.replace(temporary, path).": _HEAD
        + _OPEN
        + _FLUSHED,
        "You delete the old file before the new one has its name: killed in between, there is none. "
        "os.replace needs no deleting.": _HEAD
        + _OPEN
        + _FLUSHED
        + "    path.unlink(missing_ok=True)\n    os.rename(temporary, path)\n",
        "The temporary file lies in another folder; that may be on another disk, and then there is no rename.": _HEAD
        + "    temporary = Path(tempfile.mkdtemp(dir=path.parent)) / 'x'\n    with open(temporary, 'wb') as file:\n"
        + _FLUSHED
        + "    os.replace(temporary, path)\n    temporary.parent.rmdir()\n",
        "Nothing makes sure that the content is on the disk before the rename: os.fsync(file.fileno()).": _HEAD
        + _OPEN
        + "        file.write(content)\n    os.replace(temporary, path)\n",
        "os.fsync came while the content was still in Python's buffer: file.flush() first.": _HEAD
        + _OPEN
        + "        file.write(content)\n        os.fsync(file.fileno())\n    os.replace(temporary, path)\n",
        "A temporary file is left over: rename it instead of copying it.": _HEAD
        + _OPEN
        + _FLUSHED
        + "    second = path.with_name('.second')\n    shutil.copyfile(temporary, second)\n"
        + "    os.replace(second, path)\n",
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Content of some length; the file is there already, or is not."""
        return {"content": rng.bytes(int(rng.integers(200, 900))).hex(), "there": bool(rng.integers(2))}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """What the function did to the file and beside it."""
        content = bytes.fromhex(questions["content"])
        with tempfile.TemporaryDirectory() as name:
            path = Path(name).resolve() / "weights"
            if questions["there"]:
                path.write_bytes(b"old")
            own_names = getattr(student.get("write_atomically"), "__globals__", {})
            with _watched(own_names) as events:
                student.write_atomically(path, content)
            left = sorted(other.name for other in path.parent.iterdir() if other != path)
            whole = path.is_file() and path.read_bytes() == content
        told = [(kind, *map(str, rest)) for kind, *rest in events]
        renames = [event for event in told if event[0] == "rename" and event[2] == str(path)]
        before_rename = told[: told.index(renames[0])] if renames else told
        synced = [int(event[1]) for event in before_rename if event[0] == "fsync"]
        return {
            "opened": ("open", str(path)) in told,
            "renamed": bool(renames),
            "deleted": ("remove", str(path)) in told,
            "same folder": all(Path(event[1]).parent == path.parent for event in renames),
            "synced": max(synced, default=-1),
            "bytes": len(content),
            "whole": whole,
            "left": left,
        }

    def judge(self, questions: Questions, answer: Any) -> Any:
        """In the order in which things go wrong."""
        names = list(self.mistakes)
        if answer["opened"]:
            return Finding(names[0])
        if not answer["renamed"]:
            return Finding(names[1], "os.replace onto the path")
        if answer["deleted"]:
            return Finding(names[2])
        if not answer["same folder"]:
            return Finding(names[3])
        if answer["synced"] < 0:
            return Finding(names[4])
        if answer["synced"] < answer["bytes"]:
            got = f"{answer['synced']} bytes when fsync was called"
            return Finding(names[5], f"{answer['bytes']} bytes", got)
        if not answer["whole"]:
            return Finding("The file does not have the content that was to be written.")
        if answer["left"]:
            return Finding(names[6], "only the file", ", ".join(answer["left"]))
        return None


_WATCHING: list[list[tuple[Any, ...]]] = []
"""Who is watching right now; an audit hook can never be taken away again, so there is one, usually idle."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _WATCHING:
        return
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        mode, flags = arguments[1], arguments[2] or 0
        writes = (
            any(sign in mode for sign in "wax+")
            if isinstance(mode, str)
            else flags & (os.O_WRONLY | os.O_RDWR)
        )
        if writes:
            _WATCHING[-1].append(("open", os.path.abspath(os.fsdecode(arguments[0]))))
    elif event in ("os.rename", "os.remove"):
        paths = [os.path.abspath(os.fsdecode(one)) for one in arguments[: 2 if event == "os.rename" else 1]]
        _WATCHING[-1].append((event.removeprefix("os."), *paths))


@cache
def _listen() -> None:
    """Once per process."""
    sys.addaudithook(_hook)


@contextmanager
def _watched(own_names: dict[str, Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Notes every file opened for writing, every rename, removal and fsync inside the block, in order.

    own_names: the student's, in which os.fsync may stand too (`from os import fsync`). Not seen is an fsync that a
    function keeps for itself, as the default of a parameter.
    """
    _listen()
    events: list[tuple[Any, ...]] = []

    def noted(real: Callable[[Any], None]) -> Callable[[Any], None]:
        def fsync(descriptor: Any) -> None:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            events.append(("fsync", os.fstat(number).st_size))
            real(descriptor)

        return fsync

    syncing = [os.fsync, getattr(os, "fdatasync", os.fsync)]  # not every system has the second
    _WATCHING.append(events)
    try:
        with ExitStack() as stack:
            for names in (vars(os), own_names):
                for name, value in list(names.items()):
                    if any(value is real for real in syncing):
                        names[name] = noted(value)
                        stack.callback(names.__setitem__, name, value)
            yield events
    finally:
        _WATCHING.remove(events)


WORDS = ("same object", "shape", "dtype", "tied", "tokenizer", "writes")


class Drift(Exercise):
    """`drift(model, reloaded, tokenizer, reloaded_tokenizer)` names the first thing that is not as it was."""

    id, title, points, asks_for = "11.4", "What drifted?", 4, ("drift",)
    rounds = 1  # each round makes a dozen models; the weights are the only thing that is drawn
    hints = (
        "Go through the list one by one, and return at the first that differs. Which of them can be seen in "
        "`state_dict()`?",
        "`{name: part.shape for name, part in model.state_dict().items()}` holds names and shapes at once. Two names "
        "are tied when their `data_ptr()` is equal.",
        "For ties compare, for every pair of names, whether they are together in the one model and in the other. Then "
        "`tokenizer.fingerprint`, and last `written(model) == written(reloaded)`.",
    )
    _TOO_MANY = "You look only for names that are gone; there may also be names too many."
    mistakes = {
        "You do not notice that reloaded is the very same object: then nothing was saved or loaded at all.": dict(
            misses="same object"
        ),
        "You do not notice another shape, or another set of names.": dict(misses="shape"),
        _TOO_MANY: dict(misses="a layer too many"),
        "You do not notice another dtype: bfloat16 weights can write the same text, and learn worse.": dict(
            misses="dtype"
        ),
        "You do not notice a lost tie: an untied copy writes the same today. Compare data_ptr() in both models.": dict(
            misses="tied"
        ),
        "You do not notice another tokenizer: compare the fingerprints.": dict(misses="tokenizer"),
        "You do not notice a model whose tensors fit and which writes something else: let both write.": dict(
            misses="writes"
        ),
        "You call a faithful reload untied: state_dict() makes new tensor objects at every call, "
        "so `is` never holds. Compare data_ptr().": lambda questions: (
            dict.fromkeys(Drift().expected(questions), "tied")
            | {"same object": "same object", "shape": "shape", "dtype": "dtype"}
            | {"a layer too few": "shape", "a layer too many": "shape"}
        ),
        "You return True or False; return the word for what drifted, or an empty string.": lambda questions: {
            case: not word for case, word in Drift().expected(questions).items()
        },
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """A seed for the weights."""
        return {"seed": int(rng.integers(1000))}

    def probe(self, student: Student, questions: Questions) -> dict[str, Any]:
        """The word for each way of reloading."""
        model, cases = _reloads(questions["seed"])
        ours, theirs = SimpleNamespace(fingerprint="a" * 64), SimpleNamespace(fingerprint="b" * 64)
        answers = {}
        for case, reloaded in cases.items():
            other = theirs if case == "tokenizer" else SimpleNamespace(fingerprint="a" * 64)
            answers[case] = student.value(student.drift(model, reloaded, ours, other), str, bool)
        return answers

    def expected(self, questions: Questions, misses: str = "") -> dict[str, str]:
        """By construction."""
        right = {word: word for word in WORDS} | {"faithful": "", "heads": "writes"}
        right |= {"a layer too few": "shape", "a layer too many": "shape"}
        return {case: "" if misses in (word, case) else word for case, word in right.items()}

    def judge(self, questions: Questions, answer: Any) -> Any:
        """The mistake, or the first case with another word."""
        wanted = self.expected(questions)
        sentence = self.mistake_in(questions, answer)
        if [case for case in wanted if answer[case] != wanted[case]] == ["a layer too many"]:
            sentence = self._TOO_MANY  # whatever word came of it
        for case, word in wanted.items():
            if answer[case] != word:
                told = {"faithful": "a perfect reload", "heads": "the same tensors, other heads"}.get(
                    case, case
                )
                general = f"The case `{told}` gets another word."
                return Finding(sentence or general, repr(word), repr(answer[case]))
        return None


def _reloads(seed: int) -> tuple[Any, dict[str, Any]]:
    """A model, and what came back in each case; drawn again where wrong weights happen to write the same."""
    while True:
        model, cases = _drawn(seed)
        text = greedy_tokens(model)
        if text not in (greedy_tokens(cases["heads"]), greedy_tokens(cases["writes"])):
            return model, cases
        seed += 1000


def _drawn(seed: int) -> tuple[Any, dict[str, Any]]:
    """A model with random weights, and the cases."""
    import torch

    from slmlib.config import ModelConfig
    from slmlib.model.decoder import Decoder

    config = ModelConfig(
        vocab_size=64, context_length=32, embed_dim=16, num_layers=2, num_heads=2, initialization="gpt2"
    )
    model = Decoder(config, seed=seed)
    with (
        torch.no_grad()
    ):  # large, so that what is written depends on the blocks and not on the last token alone
        for name, parameter in model.named_parameters():
            spread = 0.5 if "embedding" in name else 3.0
            parameter.normal_(0.0, spread, generator=torch.Generator().manual_seed(seed + len(name)))

    def filled(changes: dict[str, Any]) -> Any:
        fresh = Decoder(config.change(changes), seed=seed + 1)
        own = fresh.state_dict()  # a layer too many keeps its own numbers
        fresh.load_state_dict(own | {name: part for name, part in model.state_dict().items() if name in own})
        return fresh

    wider = Decoder(config.change({"ffn_dim": 80}), seed=seed)
    noisy = filled({})
    with torch.no_grad():
        for parameter in noisy.parameters():
            parameter.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(seed + 7))
    return model, {
        "same object": model,
        "shape": wider,
        "dtype": filled({}).bfloat16(),
        "tied": filled({"tie_embeddings": False}),
        "tokenizer": filled({}),
        "writes": noisy,
        "faithful": filled({}),
        "a layer too few": filled({"num_layers": 1}),
        "a layer too many": filled({"num_layers": 3}),
        "heads": filled({"num_heads": 4, "head_dim": 4}),
    }


class LostShare(Exercise):
    """`lost_share(interval, save_seconds, failure_seconds)`."""

    id, title, points, asks_for = "11.5", "The share that is lost", 1, ("lost_share",)
    hints = (
        "In one hour with a save every 10 minutes: how many saves, and how many seconds do they take?",
        "Saving takes `save_seconds` of every `interval`. How much work does a failure cost on average, and how often "
        "does one come?",
        "`save_seconds / interval`, plus half an interval for every `failure_seconds`.",
    )
    mistakes = {
        "A failure costs half an interval on average, not a whole one.": dict(half=False),
        "You forgot the time that saving takes.": dict(saving=False),
        "You forgot the work that is done twice after a failure.": dict(failures=False),
        "You turned a fraction over: saving costs save_seconds for every interval.": dict(turned=True),
        "You return the interval that is best; asked for is the share lost at the given interval.": lambda q: (
            math.sqrt(2 * q["save_seconds"] * q["failure_seconds"])
        ),
    }

    def questions(self, rng: np.random.Generator) -> Questions:
        """Seconds of everyday runs."""
        return {
            "interval": float(rng.uniform(300, 3600)),
            "save_seconds": float(rng.uniform(10, 90)),
            "failure_seconds": float(rng.uniform(5e3, 5e4)),
        }

    def probe(self, student: Student, questions: Questions) -> float:
        """A number."""
        return student.number(student.lost_share(**questions))

    def expected(
        self,
        questions: Questions,
        half: bool = True,
        saving: bool = True,
        failures: bool = True,
        turned: bool = False,
    ) -> float:
        """Saving plus repeating."""
        interval, save = questions["interval"], questions["save_seconds"]
        again = interval / questions["failure_seconds"] / (2 if half else 1)
        return saving * (interval / save if turned else save / interval) + failures * again
