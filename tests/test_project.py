"""The shell around the course: one list of dependencies, a Makefile that does what it says, a clean tree.

The rules are functions of texts, so that each is also tried on a text that breaks it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

COURSE = Path(__file__).resolve().parent.parent
PYPROJECT, LOCK, CONDA, MAKEFILE = (
    (COURSE / name).read_text(encoding="utf-8")
    for name in ("pyproject.toml", "requirements.lock", "environment.yml", "Makefile")
)

# What a person asked for by name; the rest of pyproject's list is what slmlib itself needs.
BY_NAME = {"torch", "tiktoken", "datasets", "matplotlib", "ipywidgets", "jupyterlab", "nbval", "nbformat"}
TOP_LEVEL = {
    *("lessons", "solutions", "slmlib", "checks", "tests", "benchmarks", ".ci", ".gitignore"),
    *(
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "environment.yml",
        "pyproject.toml",
        "requirements.lock",
    ),
}
LARGEST_FILE = 8_000_000


# --- one list of dependencies ---


def wishes(pyproject: str) -> dict[str, SpecifierSet]:
    """Every package pyproject.toml names, extras included, with the versions it allows."""
    project = tomllib.loads(pyproject)["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    named = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(wish.name): wish.specifier for wish in named}


def lock_problems(lock: str, pyproject: str) -> list[str]:
    pins, problems = {}, []
    for line in lock.splitlines():
        if line.startswith("#"):
            continue
        if match := re.fullmatch(r"([\w.-]+)==([\w.!]+)", line):
            pins[canonicalize_name(match[1])] = match[2]
        else:
            problems.append(f"no plain pin: {line}")
    problems += [f"{word!r} stands in the lock" for word in ("://", "+cpu", "file:") if word in lock]
    problems += [f"{name} is CUDA's" for name in pins if re.match(r"nvidia-|cuda-|triton$", name)]
    names = [line for line in lock.splitlines() if not line.startswith("#")]
    if names != sorted(names, key=str.casefold):
        problems.append("the lock is not sorted")
    for name, allowed in wishes(pyproject).items():
        if name not in pins:
            problems.append(f"{name} is not pinned")
        elif not allowed.contains(pins[name]):
            problems.append(f"{name}=={pins[name]} is not {name}{allowed}")
    return problems


def conda_problems(conda: str, pyproject: str) -> list[str]:
    """environment.yml: conda gives Python and tools, pip the same eight packages as pyproject.toml."""
    tree, wanted, problems = yaml.safe_load(conda), wishes(pyproject), []
    if tree["name"] != "slm" or tree["channels"] != ["conda-forge", "nodefaults"]:
        problems.append("name and channels changed")
    by_conda = [entry for entry in tree["dependencies"] if isinstance(entry, str)]
    by_pip = [line for entry in tree["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]
    conda_names = {re.split(r"[=<> ]", entry)[0] for entry in by_conda}
    if conda_names != {"python", "pip", "git", "make"}:
        problems.append(f"conda gives {sorted(conda_names)}")
    python = SpecifierSet(next((entry[6:] for entry in by_conda if entry.startswith("python")), ""))
    supported = SpecifierSet(tomllib.loads(pyproject)["project"]["requires-python"])
    for version in ("3.9", "3.10", "3.11", "3.12"):
        if python.contains(version) != supported.contains(version):
            problems.append(f"Python {version}: conda and pyproject.toml disagree")
    for option in ("-c requirements.lock", "-e ."):
        if option not in by_pip:
            problems.append(f"pip is not told {option}")
    packages = [line for line in by_pip if not line.startswith("-")]
    named = {canonicalize_name(w.name): w.specifier for w in map(Requirement, packages)}
    problems += [f"{name} is missing" for name in sorted(BY_NAME - named.keys())]
    for name, allowed in named.items():
        if name not in wanted:
            problems.append(f"{name} is not in pyproject.toml")
        elif allowed != wanted[name]:
            problems.append(f"{name}{allowed} here, {name}{wanted[name]} in pyproject.toml")
    return problems


def test_the_lock_fits_pyproject() -> None:
    assert lock_problems(LOCK, PYPROJECT) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (r"(?m)^torch==.*", "torch==2.13.0+cpu", "'+cpu' stands"),
        (r"(?m)^torch==.*", "torch==2.5.1", "torch==2.5.1 is not torch>=2.6"),
        (r"(?m)^nbval==.*\n", "", "nbval is not pinned"),
        (r"(?m)^torch==.*", r"\g<0>\nnvidia-nccl-cu13==2.29.2", "is CUDA's"),
        (r"(?m)^tqdm==.*", "tqdm @ https://example.org/tqdm.whl", "'://' stands"),
        (r"(?m)^tqdm==.*", "tqdm @ /somewhere/tqdm.whl", "no plain pin"),
        (r"(?m)^torch==.*\n", "", "torch is not pinned"),
        (r"\Z", "absl-py==2.5.1\n", "not sorted"),
    ],
)
def test_a_spoiled_lock_is_found(before: str, after: str, problem: str) -> None:
    spoiled = re.sub(before, after, LOCK, count=1)
    assert spoiled != LOCK
    assert any(problem in found for found in lock_problems(spoiled, PYPROJECT))


def test_conda_gets_the_same_list() -> None:
    """Parsed and compared. No conda solve is run: the tests work offline and without conda."""
    assert conda_problems(CONDA, PYPROJECT) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("- nbval>=0.11\n", "- pip\n", "nbval is missing"),
        ("- torch>=2.6\n", "- torch>=2.5\n", "torch>=2.5 here, torch>=2.6 in"),
        ("- torch>=2.6\n", "- torch>=2.6\n      - keras\n", "keras is not in pyproject.toml"),
        ("      - -e .\n", "", "not told -e ."),
        ("      - -c requirements.lock\n", "", "not told -c requirements.lock"),
        ("  - nodefaults\n", "  - defaults\n", "channels changed"),
        ("- make\n", "- make\n  - pytorch\n", "conda gives"),
        ("python>=3.11", "python>=3.10", "Python 3.10"),
    ],
)
def test_a_spoiled_conda_file_is_found(before: str, after: str, problem: str) -> None:
    assert before in CONDA
    found = conda_problems(CONDA.replace(before, after), PYPROJECT)
    assert any(problem in one for one in found)


# --- the Makefile ---


def make_problems(makefile: str, *documents: str) -> list[str]:
    """Targets that `make help` lists, or a document tells people to say, and that are not there or not phony."""
    listed = re.findall(r"(?m)^([a-z-]+):.*## ", makefile)
    phony = " ".join(re.findall(r"(?m)^\.PHONY:(.*)$", makefile)).split()
    problems = [f"{name} is not .PHONY" for name in listed if name not in phony]
    problems += [
        f"{name} has no words in make help" for name in phony if name[0] != "." and name not in listed
    ]
    for document in documents:
        code = " \n".join(re.findall(r"(?s)```.*?```|`[^`\n]+`", document))
        said = re.findall(r"(?m)(?:^|`|&& |; )make ([a-z][a-z-]*)", code)
        problems += [
            f"make {name} is told to people and does not exist" for name in said if name not in listed
        ]
    return problems


def test_the_makefile_has_what_it_lists() -> None:
    assert make_problems(MAKEFILE, (COURSE / "README.md").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("makefile", "document", "problem"),
    [
        (".PHONY: lab\nlab: ## open\nlob: ## misspelled\n", "", "lob is not .PHONY"),
        (".PHONY: lab train\nlab: ## open\n", "", "train has no words"),
        (".PHONY: lab\nlab: ## open\n", "Say `make train`.", "make train is told"),
        (".PHONY: lab\nlab: ## open\n", "```sh\ncd x && make bench\n```", "make bench is told"),
    ],
)
def test_a_spoiled_makefile_is_found(makefile: str, document: str, problem: str) -> None:
    assert any(problem in found for found in make_problems(makefile, document))


needs_make = pytest.mark.skipif(
    not shutil.which("make") or not Path("/bin/bash").exists(), reason="no make here"
)

# Stands in for .venv/bin/python: it says that the environment is ready, and prints what else it is told.
PARROT = """#!/bin/sh
if [ "$1" = -c ]; then echo True; exit; fi
for word in "$@"; do echo "<$word>"; done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile and what it calls, in a folder with a space in its name."""
    folder = tmp_path / "my course"
    shutil.copytree(COURSE / ".ci", folder / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(COURSE / name, folder)
    return folder


@pytest.fixture
def ready(checkout: Path) -> Path:
    """A checkout whose environment is ready; its Python only prints what it is told."""
    write_script(checkout / ".venv/bin/python", PARROT)
    for stamp in (".ready", ".ready-test"):
        (checkout / ".venv" / stamp).write_text(str(checkout))
    return checkout


def write_script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def make(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Say `make ...` as a person would: nothing of the make and pip that may run this test shows through."""
    hidden = re.compile(
        r"PIP_|MAKE|MFLAGS|SSH_|JUPYTER|(CI|DISPLAY|WAYLAND_DISPLAY|HOST|PORT|PYTHON|CORPUS|RUN)$"
    )
    environment = {key: value for key, value in os.environ.items() if not hidden.match(key)}
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


@needs_make
def test_help_lists_every_target(ready: Path) -> None:
    listed = re.findall(r"(?m)^([a-z-]+):.*## ", MAKEFILE)
    said = make(ready)
    assert said.returncode == 0
    assert re.findall(r"(?m)^  make ([a-z-]+)", said.stdout) == listed
    for name in listed:
        assert make(ready, "-n", name).returncode == 0, name


@needs_make
def test_a_misspelt_option_is_named(ready: Path) -> None:
    for word in ("minutes=5", "MINUTE=20"):
        said = make(ready, "train", word)
        assert said.returncode == 2
        assert f"There is no option {word.split('=')[0]}. The options are HOST PORT MINUTES" in said.stderr


@needs_make
def test_train_passes_only_what_was_given(ready: Path) -> None:
    assert make(ready, "train").stdout.split("\n")[:-1] == ["<-m>", "<slmlib>", "<train>"]
    said = make(ready, "train", "MINUTES=0.5", "CORPUS=my stories/all.txt", "ARGS=--seed 3")
    assert said.stdout.split("\n")[3:-1] == [
        *("<--minutes>", "<0.5>", "<--corpus>", "<my stories/all.txt>", "<--seed>", "<3>")
    ]


@needs_make
def test_lab_listens_on_loopback_and_keeps_its_token(ready: Path) -> None:
    """Some shells export HOST: it must not open the server to the network."""
    said = make(ready, "lab", HOST="0.0.0.0", PORT="1").stdout
    assert "<--ServerApp.ip=127.0.0.1>" in said
    assert "<--ServerApp.port=8888>" in said
    assert f"<--ServerApp.root_dir={ready}>" in said
    assert "token" not in said
    assert "password" not in said
    assert ("<--allow-root>" in said) == (os.geteuid() == 0)
    chosen = make(ready, "lab", "HOST=0.0.0.0", "PORT=9999").stdout
    assert "<--ServerApp.ip=0.0.0.0>" in chosen
    assert "<--ServerApp.port=9999>" in chosen


@needs_make
@pytest.mark.parametrize(
    ("variables", "browser"),
    [
        ({"DISPLAY": ":0"}, True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "x"}, False),
        ({"DISPLAY": ":0", "CI": "true"}, False),
    ],
)
def test_lab_opens_a_browser_where_there_is_one(
    ready: Path, variables: dict[str, str], browser: bool
) -> None:
    assert ("<--no-browser>" not in make(ready, "lab", **variables).stdout) == browser


@needs_make
def test_lab_opens_the_first_lesson_until_something_was_checked(ready: Path, tmp_path: Path) -> None:
    url = "<--LabApp.default_url=/lab/tree/lessons/00_first_story.ipynb>"
    assert (COURSE / "lessons/00_first_story.ipynb").is_file()
    assert url in make(ready, "lab", SLM_HOME="").stdout
    (ready / "work").mkdir()
    (ready / "work/progress.json").write_text("{}")
    assert url not in make(ready, "lab", SLM_HOME="").stdout
    assert url in make(ready, "lab", SLM_HOME=str(tmp_path / "elsewhere")).stdout


@needs_make
def test_notebooks_are_tested_once_they_exist(ready: Path) -> None:
    assert "nbval" not in make(ready, "test").stdout
    (ready / "solutions").mkdir()
    (ready / "solutions/00_first_story.ipynb").write_text("{}")
    said = make(ready, "test").stdout
    assert "<--nbval-lax>" in said
    assert "<solutions/>" in said


NOTING = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(6))
def {test}(number, worker_id):
    Path(f"{test} {{number}} {{worker_id}}").touch()
"""


def test_a_file_of_tests_stays_in_one_process_but_for_what_may_go_anywhere(tmp_path: Path) -> None:
    """Else every process makes the fixtures of every file; once a new pytest split all files without a word."""
    shutil.copy(COURSE / "tests/conftest.py", tmp_path)
    for test in ("test_one", "test_two", "test_a_student_can_do_a_lesson"):
        (tmp_path / f"{test}s.py").write_text(NOTING.format(test=test))
    options = re.findall("(?m)^side_by_side := -n logical (.+)", MAKEFILE)[0].split()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", *options]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    processes: dict[str, set[str]] = {}
    for note in tmp_path.glob("test_* * gw*"):
        test, _, process = note.name.split()
        processes.setdefault(test, set()).add(process)
    assert {test: len(found) for test, found in processes.items()} == {
        "test_one": 1,
        "test_two": 1,
        "test_a_student_can_do_a_lesson": 2,
    }


@needs_make
def test_clean_keeps_what_was_trained(ready: Path) -> None:
    for folder in ("work/runs", "slmlib/__pycache__", ".mypy_cache"):
        (ready / folder).mkdir(parents=True)
    assert make(ready, "clean").returncode == 0
    left = {path.name for path in ready.iterdir()}
    assert "work" in left
    assert not left & {".venv", ".mypy_cache"}
    assert not (ready / "slmlib/__pycache__").exists()


@needs_make
def test_no_python_is_said_in_words(checkout: Path) -> None:
    old = write_script(checkout / "old python", "#!/bin/sh\nexit 1\n")
    for python in ("/nowhere/python3", str(old)):
        said = make(checkout, "lab", f"PYTHON={python}")
        assert said.returncode != 0
        assert f"No Python 3.11 or newer answers to: {python}." in said.stderr
        assert "make lab PYTHON=" in said.stderr
    assert not (checkout / ".venv").exists()


@needs_make
def test_an_unreachable_registry_is_said_in_words(checkout: Path) -> None:
    said = make(
        checkout,
        "env",
        f"PYTHON={sys.executable}",
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="0",
    )
    assert said.returncode != 0
    assert "could not reach the package registry" in said.stderr
    assert "Traceback" not in said.stderr
    assert not (checkout / ".venv/.ready").exists()


@needs_make
def test_a_moved_checkout_gets_its_environment_anew(ready: Path) -> None:
    """Stamps hold the folder they were left in; a Python that is gone answers nothing."""
    write_script(ready / ".venv/bin/python", "#!/bin/sh\nexit 1\n")
    assert "environment.py install" in make(ready, "-n", "lab").stdout


# --- .ci/environment.py: what it says and writes ---


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("course_environment", COURSE / ".ci/environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_freeze_becomes_plain_pins(environment: ModuleType) -> None:
    frozen = "torch==2.13.0+cpu\nnvidia-nccl-cu13==2.29.2\ntriton==3.7.0\nJinja2==3.1.6\nabsl-py==2.5.1\n"
    text = environment.lock_text(frozen, "2.13.0", "3.11.7")
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert pins == ["absl-py==2.5.1", "Jinja2==3.1.6", "torch==2.13.0"]
    with pytest.raises(environment.Refusal, match="no plain pin"):
        environment.lock_text("slmlib @ file:///somewhere\n", "2.13.0", "3.11.7")


def test_a_pods_torch_decides_what_torch_needs(environment: ModuleType) -> None:
    """torch 2.6 wants sympy==1.13.1 exactly: the lock's newer sympy must not stand against it."""
    lock = "# pins\nsympy==1.14.0\ntorch==2.13.0\ntqdm==4.67.1\ntyping_extensions==4.15.0\n"
    kept = environment.constraints(lock, "2.6.0+cu124", ["sympy", "typing-extensions"])
    assert kept == "# pins\ntqdm==4.67.1\ntorch==2.6.0+cu124\n"


@pytest.mark.parametrize(
    ("version", "usable"),
    [
        ("2.13.0+cu130", True),
        ("2.6.0", True),
        ("3.0", True),
        ("2.5.1", False),
        ("1.13.1", False),
        ("", False),
    ],
)
def test_which_torch_is_kept(environment: ModuleType, version: str, usable: bool) -> None:
    assert environment.is_usable(version) == usable


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "The virtual environment was not created successfully because ensurepip is not",
            "-venv), or choose",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "The disk is full",
        ),
        ("WARNING: Retrying (Retry(total=4)) after connection broken by 'ProxyError('Cannot", "HTTPS_PROXY"),
        ("ERROR: No matching distribution found for setuptools>=77", "could not reach"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no torch for this Python"),
        ("ERROR: ResolutionImpossible: for help visit", "cannot stand together"),
        ("something never seen", ""),
    ],
)
def test_usual_failures_have_a_sentence(environment: ModuleType, output: str, sentence: str) -> None:
    said = environment.explain(output)
    assert sentence in said
    assert bool(said) == bool(sentence)


@pytest.mark.parametrize(
    ("message", "tries"),
    [
        ("ERROR: ResolutionImpossible: for help visit", 2),
        ("ERROR: No matching distribution found for soupsieve==4.1.1", 2),
        ("ERROR: No matching distribution found for setuptools>=77", 1),
        ("[Errno 28] No space left on device", 1),
    ],
)
def test_pins_that_do_not_fit_give_way(
    environment: ModuleType, tmp_path: Path, message: str, tries: int
) -> None:
    """The second try pins torch alone; a network or a disk that fails is not tried twice."""
    log = tmp_path / "log"
    pip = f"#!/bin/sh\ncat \"$6\" >> '{log}'; echo ---- >> '{log}'; echo '{message}' >&2; exit 1\n"
    python = write_script(tmp_path / "python", pip)
    with pytest.raises(environment.Refusal):
        environment.install_pinned(python, "-e", ".", pins="soupsieve==4.1.1\ntorch==2.13.0\n")
    seen = ["soupsieve==4.1.1\ntorch==2.13.0\n", "torch==2.13.0\n"][:tries]
    assert log.read_text() == "".join(pins + "----\n" for pins in seen)


def test_a_full_disk_is_refused_before_pip_starts(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def with_free(gigabytes: float) -> None:
        usage = type("Usage", (), {"free": gigabytes * 1e9})
        monkeypatch.setattr(environment.shutil, "disk_usage", lambda folder: usage)

    with_free(1)
    with pytest.raises(environment.Refusal, match=r"Only 1\.0 GB are free"):
        environment.check_disk(COURSE, has_torch=False)
    environment.check_disk(COURSE, has_torch=True)  # nothing large to bring
    with_free(100)
    environment.check_disk(COURSE, has_torch=False)
    assert capsys.readouterr().out == ""


def test_the_operating_systems_python_is_left_alone(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").write_text("")
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(environment.sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("PIP_BREAK_SYSTEM_PACKAGES", raising=False)
    with pytest.raises(environment.Refusal, match=r"make kernel PYTHON=\.venv/bin/python"):
        environment.kernel()


# --- a clean tree ---


def strangers(paths: list[str]) -> set[str]:
    """Names at the top level that are not in the house plan."""
    return {path.split("/")[0] for path in paths} - TOP_LEVEL


def machine_paths(text: str) -> list[str]:
    """Addresses of somebody's own machine: they work nowhere else."""
    return re.findall(r"(?<![\w.~-])/(?:root|home|Users)/[\w.]*|[A-Z]:\\\\?Users\\\\?\w*", text)


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=COURSE, capture_output=True, text=True)
    if listing.returncode or not listing.stdout:
        pytest.skip("not a git checkout: which files belong to the course is not known")
    return [path for path in listing.stdout.split("\0") if path and (COURSE / path).is_file()]


def test_the_top_level_is_the_house_plan(tracked: list[str]) -> None:
    assert strangers(tracked) == set()
    assert strangers(["slmlib/config.py", "notes.txt", "docs/index.md"]) == {"notes.txt", "docs"}


def test_no_file_is_too_large(tracked: list[str]) -> None:
    assert [path for path in tracked if (COURSE / path).stat().st_size > LARGEST_FILE] == []


def test_no_path_of_one_machine(tracked: list[str]) -> None:
    found = {}
    for path in tracked:
        try:
            text = (COURSE / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a model
        if paths := machine_paths(text):
            found[path] = paths
    assert found == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("open('" + "/home" + "/ann/x.txt')", ["/home" + "/ann"]),
        ("file://" + "/root" + "/.cache", ["/root" + "/.cache"]),
        ('"C:' + "\\\\Users" + '\\\\ann"', ["C:" + "\\\\Users" + "\\\\ann"]),
        ("https://example.org/home/page, ~/home/x and square/home/of", []),
    ],
)
def test_a_machine_path_is_found(text: str, expected: list[str]) -> None:
    assert machine_paths(text) == expected
