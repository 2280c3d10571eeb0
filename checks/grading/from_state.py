"""`--from-state`: the lab graded from what was handed in beside the notebook, without training anything again.

The bundle's files are unpacked into a room of their own, where no student's code was ever run; there
`checks.measuring` puts the weights into slmlib's Decoder and measures. Here, the lab's judges see what was measured
in place of what was said. What cannot be measured again (the curve between its ends, optimizer, schedule, device) is
the student's word; README.md says which.
"""

import ast
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from checks import lab
from checks.building.source import is_definition
from checks.bundle import CHECKPOINT, FACTS, TOKENS, BundleError, Facts, cells_sha256, read_bundle
from checks.exercise import Exercise, Finding, Questions
from checks.grading.grades import Flag
from checks.grading.lifted import body_of
from checks.grading.reading import Notebook, as_dict
from checks.grading.sandbox import Sandbox
from checks.grading.session import KernelEnded, Session, Zygote
from checks.judging import Outcome
from checks.measuring import measure
from checks.plain import NotPlain
from checks.student import Student

LOSS_TOLERANCE = 0.2
"""Nats per token by which the measured validation loss may differ from the last that was reported: students measure
in other precisions, and over other parts of their validation stories."""
STORY_TOLERANCE = 0.5
"""Nats per token by which a story that is not written again exactly may surprise its model more than real stories do:
the mean of a hundred sampled tokens wanders by a fifth to a third of a nat."""
GREEDY_TOLERANCE = 0.05
"""How far below the likeliest token's score the kernel's choice may lie: devices round differently."""
SAME = 0.99
"""Share of equal weights from which on a model is called the same as the shipped one."""


class Measured(Exercise):
    """One round without questions, put to our own code in a clean room."""

    id, title, asks_for = "lab.0", "Measured", ()
    rounds, seconds = 1, 300.0

    def probe(self, student: Student, questions: Questions) -> Facts:
        """All facts of the bundle in a folder of the room."""
        return measure(questions["folder"])


@dataclass(frozen=True)
class State:
    """A bundle, measured."""

    claims: Facts
    """What the student's kernel said of the lab."""
    measured: Facts
    """What our own code found; empty when the bundle has no model."""
    problem: str = ""
    """Why there is nothing to grade from."""
    cells_sha256: str = ""
    """Of the notebook as it was saved when the bundle was made."""

    @property
    def without_model(self) -> bool:
        """Whether the kernel saved none, as when it is a class of the student's own: only the notebook can run it."""
        return not self.problem and not self.measured

    @property
    def device(self) -> str:
        """Where the model was trained, as the student's kernel said: `cuda, NVIDIA H200`."""
        device = as_dict(self.claims.get("device"))
        return ", ".join(
            text for text in (device.get("type"), device.get("name")) if isinstance(text, str) and text
        )


def read_state(data: bytes, lesson: str, zygote: Zygote, sandbox: Sandbox) -> State:
    """Unpack a bundle into a clean room and have it measured; whatever is wrong with it is a sentence."""
    try:
        facts, files = read_bundle(data)
    except BundleError as error:
        return State({}, {}, error.problem)
    if facts["lesson"] != lesson:
        return State({}, {}, f"The bundle is of lesson {facts['lesson'][:20]!r}.")
    claims, sha256 = as_dict(facts.get("lab")), str(as_dict(facts.get("notebook")).get("cells_sha256", ""))
    needed = {
        TOKENS,
        *(f"{CHECKPOINT}/{name}" for name in ("model.safetensors", "state.json", "tokenizer.json")),
    }
    if not files:
        return State(claims, {}, "" if claims else "The bundle holds no lab.", sha256)
    if missing := sorted(needed - set(files)):
        return State(claims, {}, f"The bundle lacks {missing[0]}.", sha256)
    measured = _in_a_room({**files, FACTS: json.dumps(facts).encode()}, zygote, sandbox)
    return State(claims, measured, str(measured.get("trouble", "")), sha256)


def _in_a_room(files: dict[str, bytes], zygote: Zygote, sandbox: Sandbox) -> Facts:
    """What our code measures of these files in a room where nothing else has run."""
    with tempfile.TemporaryDirectory(prefix="slm-bundle-", dir=zygote.folder) as folder:
        for name, data in files.items():
            path = Path(folder, "bundle", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        with Session.open(zygote, replace(sandbox, warm=folder, keep="")) as session:
            try:
                reply = session.ask(Measured(), {"folder": f"{session.sandbox.home}/slm/bundle"}, 0)
            except KernelEnded as ended:
                return {"trouble": f"Reading the checkpoint {ended}."}
    if reply.state != "answered" or not isinstance(reply.answer, dict):
        return {"trouble": f"The checkpoint could not be read. {reply.problem}".strip()}
    return reply.answer


def without_computing(notebook: Notebook) -> Notebook | None:
    """The notebook's imports, functions, classes and constants: enough to ask most exercises, and quick.

    None when `reference` is called in it: what is lent must be seen to be lent.
    """
    cells = []
    for cell in notebook.cells:
        body = body_of(cell.source)
        if any(
            isinstance(one, ast.Name) and one.id == "reference" for node in body for one in ast.walk(node)
        ):
            return None
        cells.append(
            replace(cell, source="\n".join(ast.unparse(node) for node in body if is_definition(node)))
        )
    return replace(notebook, cells=tuple(cells))


def judge_state(state: State | None, exercises: Sequence[Exercise], require_cuda: bool) -> list[Outcome]:
    """An outcome for each exercise of the lab; without a model only for what is wrong whatever the notebook's run shows."""
    if state is not None and state.without_model:
        missing = _not_on_cuda(state) if require_cuda else None
        return [_outcome(exercise, missing) for exercise in exercises if missing and exercise.id == "lab.2"]
    found = []
    for exercise in exercises:
        finding: Finding | None
        if state is None or state.problem:
            why = state.problem if state else "No bundle was handed in beside the notebook."
            finding = Finding(why)
        else:
            try:
                finding = JUDGES[exercise.id](state, require_cuda)
            except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, NotPlain):
                finding = Finding("The bundle's facts do not have the form that submit() gives them.")
        found.append(_outcome(exercise, finding))
    return found


def _not_on_cuda(state: State) -> Finding | None:
    """Why a model that was not handed in does not pass with --require-cuda."""
    devices = as_dict(state.claims.get("model")).get("devices")
    if devices == ["cuda"]:
        return None
    got = ", ".join(map(str, devices)) if isinstance(devices, list) else ""
    return Finding("Only a model on CUDA passes, and your kernel did not say that it was.", "cuda", got[:100])


def _outcome(exercise: Exercise, finding: Finding | None) -> Outcome:
    if finding is None:
        return Outcome.of(exercise, "pass", earned=exercise.points)
    fix = (
        "Run the lab and then the last cell, submit(), again; hand in the notebook and the bundle it writes."
    )
    return Outcome.of(exercise, "fail", finding, fix=fix)


def _tokens(state: State, require_cuda: bool) -> Finding | None:
    """The first 100,000 tokens are in the bundle: counted and compared with the tokenizer's vocabulary here."""
    return lab.judge_tokens(state.measured["tokens"])


def _model(state: State, require_cuda: bool) -> Finding | None:
    """Size measured; optimizer, schedule and device as the student's kernel said."""
    claimed = as_dict(state.claims.get("model"))
    facts = {name: claimed.get(name) for name in ("optimizer", "scheduler", "same_optimizer")}
    facts |= {"type": "Decoder", "is_model": True, "parameters": state.measured["parameters"]}
    facts |= {"trainable": state.measured["trainable"], "in_optimizer": int(claimed["in_optimizer"])}
    facts |= {"devices": [str(one) for one in claimed["devices"]], "require_cuda": require_cuda}
    return lab.judge_model(facts | {"cpu_mode": str(claimed.get("cpu_mode", ""))})


def _training(state: State, require_cuda: bool) -> Finding | None:
    """The curves as they were said; then whether the model that was handed in is where they end."""
    claimed = as_dict(state.claims.get("training"))
    curves = {name: _numbers(claimed.get(name)) for name in ("losses", "val_losses")}
    found = lab.judge_training(curves)
    if found is not None:
        return found
    last, measured = (curves["val_losses"] or [])[-1], state.measured
    if measured["validation"] is None:
        return Finding("The bundle has no validation tokens: keep the stream under the name `valid`.")
    if not abs(measured["validation"] - last) <= LOSS_TOLERANCE:
        return Finding(
            "The model that was handed in does not have the validation loss that was reported.",
            f"{last:.3f}",
            f"{measured['validation']:.3f}",
        )
    most = (1 - lab.MIN_FALL) * measured["uniform"]
    for text, loss in (
        ("your training tokens", measured["training"]),
        ("stories it never saw", measured["own"]),
    ):
        if not loss < most:
            return Finding(
                f"The model that was handed in has hardly learned: on {text} its loss is near that of guessing.",
                f"below {most:.3f}",
                f"{loss:.3f}",
            )
    return None


def _story(state: State, require_cuda: bool) -> Finding | None:
    """The story has its form, and the model writes it again or could have written it."""
    story, before = (as_dict(state.claims.get(name)).get("story") for name in ("story", "before"))
    story, before = (text if type(text) is str else None for text in (story, before))
    found = lab.judge_story({"story": story, "type": "str" if story is not None else "none"})
    if found is not None:
        return found
    if before is None or before == story:
        return Finding("story_before must be a string, written before the first step by the untrained model.")
    told, measured = state.measured["story"], state.measured
    if told["again"]:
        return None
    if (
        _training(state, require_cuda) is not None
    ):  # to a model that knows nothing, all texts are equally likely
        return Finding(
            "The model that was handed in does not write this story, nor is it the one that was trained."
        )
    usual = max(value for value in (measured["validation"], measured["own"]) if value is not None)
    if told["surprise"] is None or not told["surprise"] <= usual + STORY_TOLERANCE:
        got = "" if told["surprise"] is None else f"{told['surprise']:.2f}"
        sentence = (
            "The model that was handed in does not write this story, and is surprised by it (nats per token)."
        )
        return Finding(sentence, f"at most {usual + STORY_TOLERANCE:.2f}", got)
    return None


def _checkpoint(state: State, require_cuda: bool) -> Finding | None:
    """It was read strictly into a fresh model to get here; what it writes must be what the kernel's model wrote."""
    if state.claims.get("checkpoint_ok") is not True:
        return Finding("checkpoint_ok is not True: the round trip was not made, or it failed.", "True")
    gap = state.measured["greedy_gap"]
    if gap is None or not gap <= GREEDY_TOLERANCE:
        return Finding("The model that was handed in writes other tokens than the one in the kernel did.")
    return None


JUDGES: dict[str, Callable[[State, bool], Finding | None]] = {
    "lab.1": _tokens,
    "lab.2": _model,
    "lab.3": _training,
    "lab.4": _story,
    "lab.5": _checkpoint,
}


def state_flags(state: State | None) -> list[Flag]:
    """What a human should look at."""
    if state is None or state.problem:
        return []
    if state.without_model:
        why = "The bundle holds no model: the lab's points come from the notebook's run."
        return [Flag("lab.2", why, f"Its kernel said: {str(state.claims.get('trouble', ''))[:300]}")]
    found = []
    if state.measured["shipped"] >= SAME:
        share = (
            f"{state.measured['shipped']:.1%} of its weights are equal to within a hundredth of their spread."
        )
        found.append(Flag("lab.2", "The model is the one that comes with the course.", share))
    story = state.measured.get("story") or {}
    if not story.get("again") and story.get("surprise") is not None:
        where = f"trained on {state.device or 'an unknown device'}, graded on {state.measured['device']}"
        found.append(
            Flag(
                "lab.4",
                "The story was not written again exactly, only found likely.",
                f"{where}; other devices round differently.",
            )
        )
    return found


def remarks_of(state: State | None, notebook: Notebook) -> list[str]:
    """What was measured, for the student and the instructor."""
    if state is None or state.problem:
        return []
    found, measured = [], state.measured
    if "own" in measured:
        valid = "" if measured["validation"] is None else f"validation {measured['validation']:.3f}, "
        found.append(
            f"Measured again from the checkpoint: {valid}our own stories {measured['own']:.3f}, guessing "
            f"{measured['uniform']:.3f} nats per token. Its kernel said: {state.device or 'an unknown device'}."
        )
    if state.cells_sha256 and state.cells_sha256 != cells_sha256(cell.source for cell in notebook.cells):
        found.append("The notebook's code is not what was saved when its bundle was written.")
    return found


def _numbers(values: Any) -> list[float] | None:
    """A list of floats; null is a number that was not finite."""
    if type(values) is not list or not all(one is None or type(one) in (int, float) for one in values):
        return None
    return [math.nan if one is None else float(one) for one in values]
