"""What is chosen on machines we do not have here (torch's answers are replaced), and what is true on this one."""

import platform
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch

from slmlib import devices
from slmlib.devices import Device, choose_device, keep_freed_memory, self_test, set_threads
from slmlib.errors import ConfigError


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    monkeypatch.delenv("SLM_DEVICE", raising=False)
    devices._require_trustworthy.cache_clear()
    yield
    devices._require_trustworthy.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    """Makes this machine look like another one: `machine(gpu=(8, 0))`, `machine(apple=True)`."""

    def pretend(gpu=None, apple=False, difference=1e-6, bfloat16=(False, False), cuda_build="12.8"):
        cuda = {
            "is_available": lambda: gpu is not None,
            "get_device_capability": lambda: gpu,
            "get_device_name": lambda: "Pretended GPU",
        }
        for name, answer in cuda.items():
            monkeypatch.setattr(torch.cuda, name, answer)
        monkeypatch.setattr(torch.version, "cuda", cuda_build)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bfloat16[0], raising=False)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: bfloat16[1], raising=False)

        def tested(kind):
            if isinstance(difference, Exception):
                raise difference
            return difference

        monkeypatch.setattr(devices, "self_test", tested)

    return pretend


# --- what is chosen ---


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((6, 0), "float32"),
        ((7, 0), "float16"),
        ((7, 5), "float16"),
        ((8, 0), "bfloat16"),
        ((12, 0), "bfloat16"),
    ],
)
def test_a_gpu_comes_first_with_the_best_format_it_multiplies(machine, capability, dtype):
    machine(gpu=capability)
    device = choose_device()
    assert (device.type, device.dtype) == ("cuda", dtype)
    assert device.reason.startswith("this GPU")
    assert str(device) == f"Pretended GPU (cuda), {dtype}: {device.reason}"


@pytest.mark.parametrize(
    ("bfloat16", "dtype", "reason"),
    [
        ((True, False), "bfloat16", "AVX512-BF16"),
        ((False, True), "bfloat16", "AMX"),
        ((False, False), "float32", "no bfloat16 units"),
    ],
)
def test_without_a_gpu_it_is_the_cpu_even_on_a_mac(machine, bfloat16, dtype, reason):
    machine(apple=True, bfloat16=bfloat16)
    device = choose_device()
    assert (device.type, device.dtype) == ("cpu", dtype)
    assert reason in device.reason


def test_a_torch_that_cannot_tell_about_bfloat16_means_float32(machine, monkeypatch):
    machine()
    monkeypatch.setattr(torch, "cpu", SimpleNamespace())
    assert choose_device().dtype == "float32"


def test_the_apple_gpu_only_by_request_and_in_float32(machine):
    machine(apple=True)
    device = choose_device("mps")
    assert (device.type, device.dtype, device.name) == ("mps", "float32", "Apple GPU")


@pytest.mark.parametrize("value", ["cpu", "CPU", " cpu "])
def test_slm_device_decides_for_auto_only(machine, monkeypatch, value):
    machine(gpu=(8, 0))
    monkeypatch.setenv("SLM_DEVICE", value)
    assert choose_device().type == "cpu"
    assert choose_device("cuda").type == "cuda"


def test_an_empty_slm_device_means_auto(machine, monkeypatch):
    machine(gpu=(8, 0))
    monkeypatch.setenv("SLM_DEVICE", "")
    assert choose_device().type == "cuda"


def test_a_dtype_that_is_asked_for_is_taken_and_said(machine):
    machine(gpu=(7, 5))
    assert choose_device(dtype="float32").reason == "asked for; auto would take float16"
    assert choose_device(dtype="float16").reason == "asked for"
    assert choose_device(dtype="float16", because="as this run began").reason == "as this run began"


# --- what is refused ---


def refusal(**asked) -> str:
    with pytest.raises(ConfigError) as error:
        choose_device(**asked)
    return str(error.value)


def test_a_missing_gpu_is_a_sentence_that_tells_how_torch_was_built(machine):
    machine()
    assert "torch sees no GPU" in refusal(device="cuda")
    assert "built for CUDA 12.8" in refusal(device="cuda")
    machine(cuda_build=None)
    assert "built without CUDA" in refusal(device="cuda")
    assert "--device cpu" in refusal(device="cuda")


def test_a_missing_apple_gpu_is_a_sentence(machine):
    machine()
    assert "no Apple GPU" in refusal(device="mps")


def test_an_unknown_device_is_a_sentence(machine, monkeypatch):
    machine()
    assert "no device 'tpu'" in refusal(device="tpu")
    monkeypatch.setenv("SLM_DEVICE", "gpu0")
    assert "no device 'gpu0'" in refusal()


@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.parametrize("difference", [0.5, float("nan")])
def test_a_device_that_disagrees_with_the_cpu_is_a_sentence(machine, kind, difference):
    machine(gpu=(8, 0), apple=True, difference=difference)
    assert f"{kind} disagrees with the CPU" in refusal(device=kind)


def test_a_gpu_that_this_torch_has_no_code_for_is_a_sentence(machine):
    machine(gpu=(6, 0), difference=RuntimeError("CUDA error: no kernel image is available.\nmore lines"))
    told = refusal()
    assert "cannot compute on it (CUDA error: no kernel image is available)" in told
    assert "more lines" not in told


def test_float16_on_a_cpu_is_a_sentence(machine):
    machine()
    assert "float16" in refusal(device="cpu", dtype="float16")


# --- what is true here ---


def test_the_self_test_passes_here_and_fails_where_attention_is_wrong(monkeypatch):
    assert self_test("cpu") < 1e-5
    right = torch.nn.functional.scaled_dot_product_attention

    def without_mask_in_float32(q, k, v, is_causal):
        return right(q, k, v, is_causal=is_causal and q.dtype == torch.float64)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", without_mask_in_float32)
    assert self_test("cpu") > 10 * devices.SELF_TEST_TOLERANCE


def test_autocast_multiplies_in_the_dtype_and_gives_float32_back_afterwards(machine):
    machine()
    a = torch.ones(2, 2)
    for name in ("float32", "bfloat16"):
        with choose_device("cpu", name).autocast():
            assert (a @ a).dtype == getattr(torch, name)
        assert (a @ a).dtype == torch.float32


def test_memory_is_in_bytes(machine):
    machine()
    device = choose_device("cpu")
    assert 10**7 < device.memory() < 10**14
    assert 10**7 < device.peak_memory() < 10**12


@pytest.mark.parametrize(
    ("limit", "current", "stat", "free"),
    [
        ("3000", "1000", "anon 7\ninactive_file 20\n", 2020),
        ("3000", "4000", "inactive_file 20\n", 0),  # above its limit, for a moment
        ("90000", "1000", "inactive_file 0\n", 5000),  # the machine itself has less
        ("max", "1000", "inactive_file 0\n", 5000),
        ("3000", "1000", "anon 7\n", 2000),
        ("", "", "", 5000),
        (None, None, None, 5000),
    ],
)
def test_a_container_has_the_memory_that_its_limit_leaves(monkeypatch, tmp_path, limit, current, stat, free):
    for name, content in (("max", limit), ("current", current), ("stat", stat)):
        if content is not None:
            (tmp_path / f"memory.{name}").write_text(content)
    monkeypatch.setattr(devices, "CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5000))
    assert Device("cpu", "test", "float32", "test").memory() == free


def test_set_threads_sets_them_and_0_leaves_them():
    before = torch.get_num_threads()
    try:
        set_threads(3)
        assert torch.get_num_threads() == 3
        set_threads(0)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns freed memory like this")
def test_freed_memory_is_kept_also_when_torch_was_imported_before():
    """Counts page faults, which load on the machine does not change: 40 MB are 10,000 pages."""
    script = """
import resource, sys, torch
from slmlib.devices import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
without = faults()
took = keep_freed_memory()
faults()
print(took, without, faults())
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    took, without, kept = answer.split()
    assert took == "True"
    assert int(kept) < int(without) / 10


@pytest.mark.parametrize(("kind", "calls"), [("cpu", 1), ("cuda", 0)])
def test_choosing_the_cpu_keeps_freed_memory(machine, monkeypatch, kind, calls):
    machine(gpu=(8, 0))
    called = []
    monkeypatch.setattr(devices, "keep_freed_memory", lambda: called.append(True))
    choose_device(kind)
    assert len(called) == calls


def test_other_systems_keep_their_allocator(monkeypatch):
    monkeypatch.setattr(devices.sys, "platform", "darwin")
    assert keep_freed_memory() is False
