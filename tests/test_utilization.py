"""The share of a GPU's promise: from published numbers only, and none where there is none."""

import pytest

from slmlib.config import ModelConfig
from slmlib.devices import Device
from slmlib.model.counts import flops_per_token
from slmlib.utilization import model_flops_utilization, peak_flops


@pytest.mark.parametrize(
    ("name", "dtype", "teraflops"),
    [
        ("NVIDIA H200", "bfloat16", 989.4),
        ("NVIDIA H100 80GB HBM3", "bfloat16", 989.4),
        ("NVIDIA H100 PCIe", "bfloat16", 756),
        ("NVIDIA A100-SXM4-80GB", "bfloat16", 311.9),
        ("NVIDIA L4", "bfloat16", 121),
        ("NVIDIA L40S", "bfloat16", 362.1),
        ("Tesla T4", "float16", 65),
        ("NVIDIA GeForce RTX 4090", "bfloat16", 165.2),
        ("NVIDIA H200", "float32", None),
        ("NVIDIA T400", "float16", None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bfloat16", None),
        ("NVIDIA GeForce RTX 4090 D", "bfloat16", None),
        ("NVIDIA GeForce RTX 3090 Ti", "bfloat16", None),
        ("NVIDIA H200 NVL", "bfloat16", None),
        ("NVIDIA H100 NVL", "bfloat16", 835),
        ("A card of tomorrow", "bfloat16", None),
    ],
)
def test_the_peak_of_a_gpu(name, dtype, teraflops):
    peak = peak_flops(Device("cuda", name, dtype, "test"))
    assert peak == (teraflops and pytest.approx(teraflops * 1e12))


def test_the_share_of_the_peak():
    model = ModelConfig(vocab_size=1000, context_length=64, embed_dim=64, num_layers=2, num_heads=2)
    gpu = Device("cuda", "NVIDIA H200", "bfloat16", "test")
    whole = 989.4e12 / flops_per_token(model)
    assert model_flops_utilization(model, whole / 2, gpu) == pytest.approx(0.5)
    assert model_flops_utilization(model, whole, gpu, device_count=4) == pytest.approx(0.25)
    assert model_flops_utilization(model, whole, Device("cpu", "EPYC", "bfloat16", "test")) is None
