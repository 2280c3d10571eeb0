"""The doctor tells the truth about this machine, and in words what is wrong with a worse one."""

import html.parser
import os
from types import SimpleNamespace

import psutil
import pytest
import torch

from slmlib import devices, doctor
from slmlib.cli import main
from slmlib.devices import Device
from slmlib.doctor import Examination, examine
from slmlib.errors import ConfigError, DataError
from slmlib.training.selftest import SelfTest

CPU = Device("cpu", "Pretended CPU", "float32", "it has no other units")


@pytest.fixture(autouse=True)
def healthy(monkeypatch, tmp_path):
    """A machine with nothing wrong, and no measuring: each test breaks or restores one thing."""
    monkeypatch.setenv("SLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("SLM_DEVICE", raising=False)
    (tmp_path / "stories.txt").write_text("Tom had a ball.\n<|endoftext|>\nAna saw it.\n")
    monkeypatch.setenv("SLM_CORPUS", str(tmp_path / "stories.txt"))
    monkeypatch.setattr(doctor, "choose_device", lambda *_: CPU)
    monkeypatch.setattr(doctor, "training_speed", lambda *_: 12_345.6)
    monkeypatch.setattr(doctor, "run_self_test", lambda device: SelfTest(device, 6, {"float32": 2e-7}))
    monkeypatch.setattr(doctor, "nvidia_driver", lambda: ("", ()))
    monkeypatch.setattr(doctor, "_cores", lambda: 64.0)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=80 * 10**9))
    memory = SimpleNamespace(available=8 * 10**9, total=16 * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(devices, "CGROUP", tmp_path / "no container")
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.1, 0.1, 0.1))


def finding(examination: Examination, name: str) -> str:
    return dict(examination.findings)[name]


def the_warning(examination: Examination) -> str:
    assert len(examination.warnings) == 1, examination.warnings
    return examination.warnings[0]


# --- a healthy machine ---


def test_everything_is_told_and_nothing_left_on_the_disk(tmp_path):
    found = examine()
    assert found.warnings == ()
    assert finding(found, "Device") == "cpu: Pretended CPU; torch sees no CUDA GPU"
    assert finding(found, "Number format") == "float32: it has no other units"
    assert str(torch.__version__) in finding(found, "torch")
    assert all(name in finding(found, "Packages") for name in doctor.PACKAGES)
    assert finding(found, "Memory") == "8.0 GB of 16.0 GB free"
    assert finding(found, "Home") == f"{tmp_path / 'home'} (80.0 GB of disk free)"
    assert finding(found, "Corpus").startswith("stories.txt: SLM_CORPUS points to")
    assert (
        finding(found, "Speed")
        == "12,000 tokens/s in training the 1M preset, not compiled: 5 minutes read about 3,700,000 tokens"
    )
    assert "from float64 on the CPU" in finding(found, "Self-test")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stories.txt"]


def test_the_card_fits_a_terminal_and_repeats_every_finding():
    found = examine()
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 100 or os.sep in max(lines, key=len)  # a long path stays whole
    told = " ".join(str(found).split())
    assert all(f"{name} {' '.join(value.split())}" in told for name, value in found.findings)
    assert lines[-1] == "No trouble found."


def test_the_card_fits_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr(doctor, "terminal_width", lambda: 72)
    longest = max(str(examine()).splitlines(), key=len)
    assert len(longest) <= 72 or os.sep in longest


def test_the_command_prints_the_card(capsys):
    main(["doctor"])
    assert "12,000 tokens/s" in capsys.readouterr().out


def test_the_table_has_a_caption_and_row_heads_and_escapes():
    class Tags(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.seen, self.text = [], ""

        def handle_starttag(self, tag, attributes):
            self.seen.append((tag, *attributes[:1]))

        def handle_data(self, data):
            self.text += data

    tags = Tags()
    tags.feed(Examination((("Home", "<script>"),), ("a < b",), None)._repr_html_())
    assert ("caption",) in tags.seen
    assert ("th", ("scope", "row")) in tags.seen
    assert "script" not in [tag for tag, *_ in tags.seen]
    assert "<script>" in tags.text
    assert "Warning: a < b" in tags.text


# --- trouble ---


@pytest.mark.parametrize(
    ("target", "value", "words"),
    [
        ((doctor.shutil, "disk_usage"), lambda _: SimpleNamespace(free=3e9), "Only 3.0 GB of disk"),
        (
            (psutil, "virtual_memory"),
            lambda: SimpleNamespace(available=1e9, total=2e9),
            "Only 1.0 GB of memory",
        ),
        ((torch, "__version__"), "2.5.1+cu121", "torch 2.5.1+cu121 is older than 2.6"),
        ((doctor, "_writable"), lambda _: False, "cannot be written to"),
        ((psutil, "getloadavg"), lambda: (200.0, 1.0, 1.0), "busy (load 200.0 on 64 cores)"),
        ((torch, "get_num_threads"), lambda: 96, "OMP_NUM_THREADS=64"),
    ],
)
def test_trouble_is_one_warning_that_says_what_to_do(monkeypatch, target, value, words):
    monkeypatch.setattr(*target, value)
    found = examine()
    assert words in the_warning(found)
    assert "No trouble" not in str(found)
    assert words in " ".join(str(found).split())


@pytest.mark.parametrize(
    ("cuda", "words"), [(None, "built without CUDA"), ("13.0", "cannot use it with driver 470.1")]
)
def test_an_nvidia_gpu_that_torch_cannot_use(monkeypatch, cuda, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(doctor, "nvidia_driver", lambda: ("470.1", ("Tesla T4",)))
    found = examine()
    assert words in the_warning(found)
    assert "Tesla T4 (this torch cannot use it)" in finding(found, "Not used")
    assert "NVIDIA driver 470.1" in finding(found, "torch")


def test_a_device_that_was_asked_for_and_is_not_there(monkeypatch):
    def choose(device="auto"):
        if device == "cpu":
            return CPU
        raise ConfigError("CUDA was asked for, but torch sees no GPU.", "Use --device cpu.")

    monkeypatch.setenv("SLM_DEVICE", "cuda")
    monkeypatch.setattr(doctor, "choose_device", choose)
    found = examine()
    assert "CUDA was asked for, but torch sees no GPU." in the_warning(found)
    assert finding(found, "Device").startswith("cpu")


def test_no_corpus_is_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("SLM_CORPUS", str(tmp_path / "gone.txt"))
    found = examine()
    assert "There is no corpus at" in the_warning(found)
    assert finding(found, "Corpus") == "none"


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory.\nmore"), DataError("Broken.")])
def test_a_step_that_fails_is_a_warning_and_the_rest_is_told(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(doctor, "training_speed", fail)
    found = examine()
    assert str(error).splitlines()[0].rstrip(".") in the_warning(found)
    assert "\n" not in the_warning(found)
    assert finding(found, "Speed") == "not measured"
    assert found.tokens_per_second is None


def test_wrong_gradients_are_a_warning(monkeypatch):
    monkeypatch.setattr(doctor, "self_test", lambda _: 0.7)
    assert "Gradients on cpu are wrong" in the_warning(examine())


# --- the parts ---


def test_unused_devices_are_named_with_the_reason(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i=0: f"H{i}")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setenv("SLM_DEVICE", "cpu")
    assert doctor.other_devices(CPU, ("", ()))[:2] == [
        "GPU 0 H0 (SLM_DEVICE is cpu)",
        "GPU 1 H1 (SLM_DEVICE is cpu)",
    ]
    assert "SLM_DEVICE=mps" in doctor.other_devices(CPU, ("", ()))[2]
    gpu = Device("cuda", "H0", "bfloat16", "")
    assert doctor.other_devices(gpu, ("", ()))[0] == "GPU 1 H1 (for several at once: torchrun)"
    assert doctor.other_devices(gpu, ("", ()))[-1] == "the CPU (slower)"


def test_the_compiler_is_found_or_what_is_missing_named(monkeypatch, tmp_path):
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}" if name == "g++" else None)
    assert doctor.compiler(CPU) == "could work (g++ was found)"
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert doctor.compiler(CPU) == "could not work without a C++ compiler"
    (tmp_path / "Python.h").unlink()
    assert doctor.compiler(CPU).endswith("a C++ compiler and Python.h (python3-dev)")


def test_nvidia_smi_is_read_and_its_failure_is_no_driver(monkeypatch, tmp_path):
    monkeypatch.undo()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '550.54, Tesla T4'\necho '550.54, NVIDIA A10, 24 GB'\n")
    program.chmod(0o755)
    monkeypatch.setattr(doctor.shutil, "which", lambda _: str(program))
    assert doctor.nvidia_driver() == ("550.54", ("Tesla T4", "NVIDIA A10, 24 GB"))
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert doctor.nvidia_driver() == ("", ())
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert doctor.nvidia_driver() == ("", ())


@pytest.mark.parametrize(("content", "cores"), [("150000 100000", 1.5), ("max 100000", 8), ("nonsense", 8)])
def test_a_containers_quota_counts(monkeypatch, tmp_path, content, cores):
    monkeypatch.undo()
    (tmp_path / "cpu.max").write_text(content)
    monkeypatch.setattr(doctor, "CGROUP_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert doctor._cores() == cores


def test_a_containers_memory_counts(monkeypatch, tmp_path):
    for name, content in (
        ("max", 3 * 10**9),
        ("current", 2 * 10**9),
        ("stat", "anon 5\ninactive_file 500000000"),
    ):
        (tmp_path / f"memory.{name}").write_text(f"{content}\n")
    monkeypatch.setattr(devices, "CGROUP", tmp_path)
    found = examine()
    assert finding(found, "Memory") == "1.5 GB of 16.0 GB free"
    assert "Only 1.5 GB of memory" in the_warning(found)


@pytest.mark.parametrize(
    ("number", "words"),
    [(0.4, "0"), (7, "7"), (42, "42"), (123, "120"), (12_345, "12,000"), (9_960, "10,000")],
)
def test_numbers_are_rounded_to_two_digits(number, words):
    assert doctor._two_digits(number) == words
