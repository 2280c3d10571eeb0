"""Nothing a document says leads nowhere: its links and anchors exist, and so do the commands it tells people to type.

Documents are the Markdown files and the Markdown cells of the notebooks. Addresses on the web are not visited here.
"""

import contextlib
import dataclasses
import functools
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from checks import __main__ as checks_command
from checks.course import Course
from checks.grading.release import TARGETS, release
from slmlib import cli
from slmlib.config import ModelConfig, Sampling, TrainConfig
from slmlib.export.names import GPT2_NAMES, LLAMA_NAMES, QKV
from slmlib.storyworld import stories

COURSE = Path(__file__).resolve().parent.parent
MAKEFILE = (COURSE / "Makefile").read_text(encoding="utf-8")
CODE = re.compile(r"(?ms)^ *```.*?^ *```|`[^`\n]+`")


def documents() -> list[Path]:
    """Every Markdown file and notebook that belongs to the course."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=COURSE, capture_output=True, text=True)
    if listing.returncode or not listing.stdout:
        return [*COURSE.glob("*.md"), *COURSE.glob("*/*.md"), *COURSE.glob("*/*.ipynb")]
    names = [name for name in listing.stdout.split("\0") if name.endswith((".md", ".ipynb"))]
    return [COURSE / name for name in names if (COURSE / name).is_file()]


@functools.cache
def text_of(path: Path) -> str:
    """The Markdown of a document; of a notebook, of all its Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def anchors(path: Path) -> set[str]:
    """The anchors that headings become: GitHub's way for a page, Jupyter's for a notebook."""
    headings = re.findall(r"(?m)^#{1,6} +(.+?) *#*$", re.sub(r"(?ms)^```.*?^```", "", text_of(path)))
    if path.suffix == ".ipynb":
        return {heading.replace(" ", "-") for heading in headings}
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def link_problems(path: Path, course: Path = COURSE) -> list[str]:
    """Links of one document to files and headings that are not there."""
    prose = CODE.sub("", text_of(path))
    targets = re.findall(r"\]\(<?([^)\s>]+)>?(?: +\"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"", prose)
    problems = []
    for target in (one or other for one, other in targets):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        goal = (path.parent / name).resolve() if name else path
        if not goal.exists():
            problems.append(f"{target}: there is no such file")
        elif not goal.is_relative_to(course):
            problems.append(f"{target}: lies outside of the course")
        elif anchor and anchor not in anchors(goal):
            problems.append(f"{target}: no such heading")
    return problems


def commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """(`make`, `slmlib` or `checks`, the words after it) for every command in the code of a document."""
    for code in CODE.findall(text):
        for line in code.strip("`").splitlines():
            line = re.split(r" #|\||&&|;|>", line)[0]
            if found := re.search(r"(?:\bpy|python\S*|torchrun\b.*) -m (slmlib|checks)\b(?!\.)(.*)", line):
                yield found[1], found[2].split()
            elif found := re.match(r"\s*(?:\w+=\S+ )*make (.+)", line):
                yield "make", found[1].split()


@functools.cache
def help_of(program: str, command: str) -> str:
    """What `python -m PROGRAM COMMAND --help` prints; the empty string when there is no such command."""
    main: Callable[..., object] = {"slmlib": cli.main, "checks": checks_command.main}[program]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        try:
            main([*([command] if command else []), "--help"])
        except SystemExit as end:
            if end.code:
                return ""
    return said.getvalue() if f"-m {program} {command}" in said.getvalue() else ""


def command_problems(text: str) -> list[str]:
    """Commands, flags and make's options that a document names and that do not exist."""
    options = set(re.findall(r"(?m)^([A-Z]+) ?[:?]?=", MAKEFILE)) | set(re.findall(r"\[?([A-Z]+)=", MAKEFILE))
    targets = set(re.findall(r"(?m)^([a-z-]+):.*## ", MAKEFILE))
    problems = []
    for program, words in commands_in(text):
        said = f"{program} {' '.join(words)}"
        if program == "make":
            named = [word for word in words if re.fullmatch(r"[a-z-]+", word)][:1]
            problems += [f"{said}: no target {name}" for name in named if name not in targets]
            given = [word.partition("=")[0] for word in words if re.match(r"[A-Z]+=", word)]
            problems += [f"{said}: no option {name}" for name in given if name not in options]
            continue
        command = words[0] if words and re.fullmatch(r"[a-z][a-z-]*", words[0]) else ""
        page = help_of(program, command)
        if not page:
            problems.append(f"{said}: no such command")
        flags = [word.partition("=")[0] for word in words if word.startswith("--")]
        known = set(re.findall(r"--[a-z][\w-]*", page)) | {"--help"}
        problems += [f"{said}: no flag {flag}" for flag in flags if page and flag not in known]
    return problems


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(COURSE)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert link_problems(path) == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(COURSE)))
def test_every_command_exists(path: Path) -> None:
    assert command_problems(text_of(path)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("See [the plan](plan.md).", "plan.md: there is no such file"),
        ('<img alt="a cat" src="cat.png">', "cat.png: there is no such file"),
        ("See [below](#what-is-it).\n\n## What is that?", "#what-is-it: no such heading"),
        ("See [there](other.md#Other).", "other.md#Other: no such heading"),
        ("See [up](../../elsewhere.md).", "there is no such file"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "other.md").write_text("# Other `code`\n")
    page = tmp_path / "page.md"
    page.write_text(text)
    found = link_problems(page, tmp_path)
    assert len(found) == 1
    assert problem in found[0]


def test_a_right_link_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# What is `it`, then?\n[up](#what-is-it-then) [web](https://example.org/x) `[not](a.link)` x[0](y)"
    )
    assert link_problems(page, tmp_path) == ["y: there is no such file"], (
        "prose with code in it belongs in backticks"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("`make nothing`", "no target nothing"),
        ("```\nmake train HOURS=3   # long\n```", "no option HOURS"),
        ("`python -m slmlib fly`", "no such command"),
        ("```\n.venv/bin/python -m slmlib train --wings 2\n```", "no flag --wings"),
        ("`torchrun --nproc-per-node 2 -m slmlib train --wings=2`", "no flag --wings"),
        ("`python -m checks grade work --wings`", "no flag --wings"),
        ("`python -m checks fly`", "no such command"),
    ],
)
def test_a_command_that_does_not_exist_is_found(text: str, problem: str) -> None:
    found = command_problems(text)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "`make train MINUTES=20 PRESET=3M`",
        "`python -m slmlib train --seed 3 --help`",
        "`python -m checks grade DIR --resume | tee log`",
        "`python -m slmlib`",
        "You can make nothing of it, says python -m slmlib fly",
    ],
)
def test_a_right_command_is_left_alone(text: str) -> None:
    assert command_problems(text) == []


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What students are handed."""
    folder = tmp_path_factory.mktemp("release") / "bundle"
    release(folder, Course(COURSE))
    return folder


def test_nothing_in_the_students_bundle_leads_nowhere(bundle: Path) -> None:
    pages = [path for pattern in ("*.md", "*.ipynb") for path in bundle.rglob(pattern)]
    assert len(pages) > 13
    problems = {str(path.relative_to(bundle)): link_problems(path, bundle) for path in pages}
    assert {path: found for path, found in problems.items() if found} == {}
    assert command_problems(text_of(bundle / "README.md")) == []


def test_the_students_bundle_offers_only_what_works_in_it(bundle: Path) -> None:
    makefile = (bundle / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^([a-z-]+):.*## ", makefile)) == set(TARGETS)
    assert "ready-test:" not in makefile
    python = {
        "cwd": bundle,
        "capture_output": True,
        "text": True,
        "env": os.environ | {"PYTHONPATH": str(bundle)},
    }
    # Without the finder of an editable install, which would fetch what the bundle leaves out from this checkout.
    alone = (
        "import runpy, sys; sys.meta_path = [one for one in sys.meta_path if 'editable' not in repr(one).lower()]; "
        "runpy.run_module('checks', run_name='__main__', alter_sys=True)"
    )
    said = subprocess.run([sys.executable, "-c", alone, "--help"], **python).stdout
    assert re.findall(r"(?m)^    (\w+) ", said) == ["progress"]
    assert "tests" not in {path.name for path in bundle.rglob("*")}


def test_every_target_has_a_way_without_make() -> None:
    """Windows has no make, and a Makefile's bash is nobody's duty."""
    listed = set(re.findall(r"(?m)^([a-z-]+):.*## ", MAKEFILE)) - {"help"}
    assert listed == set(
        re.findall(r"(?m)^\| `make ([a-z-]+)[^|]*` \| .*(?:python|delete)", text_of(COURSE / "README.md"))
    )


def rooms_in(readme: str) -> set[str]:
    """The files and folders that README's table of floors names: `training/muon.py`, `cli.py`, `houses/`."""
    table = readme.partition("| floor | rooms of `slmlib` |")[2].partition("\n\n")[0]
    named = set()
    for row in table.splitlines():
        folder = ""
        for name in re.findall(r"`([\w/]+)`", row):
            if name in ("text/", "model/", "training/", "export/"):
                folder = name
            standalone = folder == "export/" and name == "shipped"
            named.add(name if name.endswith("/") else f"{'' if standalone else folder}{name}.py")
    return named


def test_readme_names_every_room() -> None:
    """Each file of the floors that one reads; of the wings with a list of their own, the folder."""
    slmlib = COURSE / "slmlib"
    files = {
        path
        for folder in ("", "text", "model", "training", "export")
        for path in (slmlib / folder).glob("*.py")
    }
    there = {path.relative_to(slmlib).as_posix() for path in files if not path.stem.startswith("__")}
    there |= {
        f"{name}/"
        for name in ("config", "storyworld", "text", "model", "training", "export", "plots", "widgets")
    }
    assert rooms_in(text_of(COURSE / "README.md")) == there | {"houses/"}


def test_the_example_in_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """README's, as it stands, offline, on stories of StoryWorld in a file of one's own."""
    (example,) = re.findall(r"(?ms)^```python\n(.*?)^```", text_of(COURSE / "README.md"))
    told = "\n<|endoftext|>\n".join(story.text for story in stories(0, 400))
    (tmp_path / "stories.txt").write_text(told, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLM_DEVICE", "cpu")
    exec(compile(example, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert said.startswith("Once upon a time")
    assert len(re.findall(r"(?m)^\d\.\d+ bits per byte, perplexity \d+", said)) == 2
    assert (tmp_path / "work/runs/first/checkpoints/step-00000020/model.safetensors").is_file()
    assert (tmp_path / "work/exported/first/config.json").is_file()


def test_the_glossary_names_what_there_is() -> None:
    """Our column holds fields of the configs and modules that export knows; Hugging Face's holds its own names."""
    page = text_of(COURSE / "slmlib/GLOSSARY.md")
    sizes, parts, training = page.split("\n## ")[1:]
    configs = (ModelConfig, TrainConfig, Sampling)
    fields = {field.name for config in configs for field in dataclasses.fields(config)}
    assert set(re.findall(r"(?m)^\| `(\w+)` ", sizes + training)) <= fields
    for ours, gpt2, llama in re.findall(r"(?m)^\| `([\w.]+)`[^|]*\| ([^|]*) \| ([^|]*) \|", parts):
        name = f".{ours}" if f".{ours}" in LLAMA_NAMES else ours
        for theirs, names in ((gpt2, GPT2_NAMES), (llama, LLAMA_NAMES)):
            if theirs.startswith("`") and name != "blocks.0":
                known = names.get(name) or names[QKV]
                assert f"`{known}`" in theirs, (ours, theirs)
