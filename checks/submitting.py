"""`submit`: what a lesson left in the kernel, written down as a bundle to hand in. See `checks.bundle`.

Nothing is checked anew: the results are those of the check cells. The lab's model, tokens, curves and stories go
along, so that a grader can measure them again without training.
"""

import contextlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from checks import lab as lab_checks
from checks.bundle import CHECKPOINT, FORMAT, TOKENS, Facts, bundle_file, cells_sha256, write_bundle
from checks.commands import KernelState, caller_namespace, kernel_state, records_progress
from checks.course import Course
from checks.limits import quiet
from checks.plain import plain
from checks.receipt import Receipt
from slmlib.errors import SlmError

MOST_VALID_TOKENS = 32_000
"""So many validation tokens are handed in; enough to measure a loss to a few hundredths."""
PROBE_TOKENS = 65
PROMPT = "Once upon a time"


def submit(lesson: str, lab: bool = False) -> Receipt:
    """Write the bundle of a lesson into the work folder and say what is open and what to hand in.

    lab: the lesson ends with the lab, so its model, tokens, curves and stories go along.

    Under SLM_CHECKS (builds, tests) and nbgrader it is written to a temporary folder: nobody's own bundle is replaced.
    """
    names = caller_namespace()
    state = kernel_state(names)
    try:
        course = Course.here()
        exercises = (*course.exercises(lesson), *(course.exercises("lab") if lab else ()))
        ids = [exercise.id for exercise in exercises]
        facts, notes = _facts(lesson, names, state, ids), []
        with contextlib.ExitStack() as stack:
            folder = None
            if not records_progress():
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slm-submit-")))
            files: dict[str, bytes] = {}
            if lab:
                with quiet():
                    facts["lab"], files = lab_facts(names)
                notes += [facts["lab"]["trouble"]] if facts["lab"]["trouble"] else []
            path = bundle_file(lesson, folder)
            write_bundle(path, facts, files)
    except SlmError as error:
        return Receipt("", notes=(f"The bundle could not be written: {error}",))
    passed = {name for name in ids if facts["results"].get(name, {}).get("state") == "pass"}
    still_open = tuple(name for name in ids if name not in passed)
    return Receipt(f"{path.parent.name}/{path.name}", still_open, tuple(notes))


def _facts(lesson: str, names: Mapping[str, Any], state: KernelState, ids: list[str]) -> Facts:
    """What every lesson has: the checks' results, versions, and which notebook this is."""
    import numpy as np
    import torch

    import slmlib

    versions = {"slmlib": slmlib.__version__, "torch": str(torch.__version__)}
    return {
        "format": FORMAT,
        "lesson": lesson,
        "results": {
            name: {"state": found.state, "earned": found.earned, "points": found.points}
            for name in ids
            if (found := state.results.get(name)) is not None
        },
        "versions": versions | {"python": platform.python_version(), "numpy": np.__version__},
        "fast": bool(os.environ.get("SLM_FAST")),
        "notebook": _notebook(names),
    }


def _notebook(names: Mapping[str, Any]) -> Facts | None:
    """Name and hash of the notebook as it was last saved; None where the kernel cannot know its file."""
    where = os.environ.get("JPY_SESSION_NAME") or names.get("__vsc_ipynb_file__")
    try:
        path = Path(str(where or ""))
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"name": path.name, "cells_sha256": cells_sha256(sources)}


def lab_facts(names: Mapping[str, Any]) -> tuple[Facts, dict[str, bytes]]:
    """The lab's plain facts, and its files where the model is slmlib's; `trouble` says what could not be taken along."""
    facts: Facts = {"trouble": "", "device": _device(names.get("model"))}
    looks: tuple[tuple[str, Callable[..., Facts], tuple[str, ...]], ...] = (
        ("tokens", lab_checks.token_facts, ("train_tokens", "vocab_size")),
        ("model", lab_checks.model_facts, ("model", "optimizer", "scheduler")),
        ("training", lab_checks.training_facts, ("losses", "val_losses")),
        ("story", lab_checks.story_facts, ("story_after",)),
        ("before", lab_checks.story_facts, ("story_before",)),
    )
    for name, look, asked in looks:
        try:
            facts[name] = plain(look(*(names.get(one) for one in asked)))
        except Exception as error:  # an object that breaks when it is looked at
            facts[name] = {}
            facts["trouble"] = f"The lab's {name} could not be read ({type(error).__name__})."
    facts["checkpoint_ok"] = names.get("checkpoint_ok") is True
    try:
        written, files = _checkpoint(names)
    except SlmError as error:
        return facts | {"trouble": str(error)}, {}
    except Exception as error:
        return facts | {"trouble": f"The model could not be saved ({type(error).__name__})."}, {}
    return facts | written, files


def _device(model: Any) -> Facts:
    """Where and in what precision the model lies, in the kernel's own words."""
    import torch

    facts: Facts = {"type": "", "name": "", "dtype": ""}
    with contextlib.suppress(Exception):
        parameter = next(model.parameters())
        facts |= {"type": parameter.device.type, "dtype": str(parameter.dtype)}
        if parameter.is_cuda:
            facts |= {"name": torch.cuda.get_device_name(parameter.device), "cuda": str(torch.version.cuda)}
    return facts


def _checkpoint(names: Mapping[str, Any]) -> tuple[Facts, dict[str, bytes]]:
    """Model, tokenizer and tokens as files, and how the story can be written again."""
    import numpy as np
    from safetensors.numpy import save

    from slmlib.config import TrainConfig
    from slmlib.model.decoder import Decoder
    from slmlib.text.tokenizer import Tokenizer
    from slmlib.training.checkpoint import save_checkpoint
    from slmlib.training.progress import Progress

    for name, kind in (("model", Decoder), ("tokenizer", Tokenizer)):
        if name not in names:
            raise SlmError(
                f"There is no `{name}` in this kernel yet.", "Run the lab's cells, then this one again."
            )
        if not isinstance(names[name], kind):
            raise SlmError(
                f"Your `{name}` is not slmlib's, so no checkpoint goes into the bundle.",
                "Your instructor will run the notebook instead.",
            )
    model, tokenizer = names["model"], names["tokenizer"]
    train = np.asarray(names["train_tokens"][: lab_checks.MIN_TOKENS].cpu())
    valid = np.asarray(getattr(names.get("valid"), "tokens", train[:0]))[:MOST_VALID_TOKENS]
    number = np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32
    tokens = {"train": train.astype(number), "valid": valid.astype(number)}
    probe = [int(token) for token in train[: min(PROBE_TOKENS, model.config.context_length + 1)]]
    progress = Progress(0, TrainConfig(), TrainConfig(), "", "", "", probe)
    with tempfile.TemporaryDirectory(prefix="slm-checkpoint-") as folder:
        saved = save_checkpoint(Path(folder) / CHECKPOINT, model, tokenizer, progress)
        files = {f"{CHECKPOINT}/{path.name}": path.read_bytes() for path in sorted(saved.iterdir())}
    told = {"greedy": lab_checks.greedy_tokens(model), "telling": _telling(names, model, tokenizer)}
    return told, files | {TOKENS: save({name: np.ascontiguousarray(row) for name, row in tokens.items()})}


def _telling(names: Mapping[str, Any], model: Any, tokenizer: Any) -> Facts | None:
    """Prompt and sampling that write `story_after` again, found by trying those in the kernel; None if none does."""
    from slmlib.config import Sampling
    from slmlib.generation import generate

    before, after = names.get("story_before"), names.get("story_after")
    if not isinstance(before, str) or not isinstance(after, str):
        return None
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    common = "".join(letter for letter, _ in pairs)
    prompts = dict.fromkeys((PROMPT, common, common.rpartition(" ")[0]))
    found = [one for one in names.values() if isinstance(one, Sampling)]
    samplings = dict.fromkeys((*found[-3:], Sampling()))
    for sampling in samplings:
        for prompt in prompts:
            if after.startswith(prompt) and generate(model, tokenizer, prompt, sampling)[0] == after:
                return {"prompt": prompt, "sampling": sampling.to_dict()}
    return None
