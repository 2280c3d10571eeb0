"""Model FLOPs utilization: the share of a GPU's published peak that a training spends on the model's own products.

It compares trainings across models and GPUs (Chowdhery et al. 2022, appendix B). On a CPU there is no such
published number, so there is none here.
"""

import re

from slmlib.config import LanguageModelConfig
from slmlib.devices import Device
from slmlib.model.counts import flops_per_token

PEAK_TFLOPS = {
    "B200": 2250.0,
    "H200": 989.4,
    "H100 PCIe": 756.0,
    "H100 NVL": 835.0,
    "H100": 989.4,
    "A100": 311.9,
    "L40S": 362.1,
    "L4": 121.0,
    "RTX 4090": 165.2,
    "RTX 3090": 71.0,
    "V100": 125.0,
    "T4": 65.0,
}
"""Matrix products of 16-bit numbers without sparsity, summed in float32, in 10**12 operations a second: NVIDIA's
data sheets. A more special name stands before the one it begins with."""


def peak_flops(device: Device) -> float | None:
    """Operations a second that this GPU promises in its dtype; None when nobody published a number we know."""
    if device.type != "cuda" or device.dtype == "float32":
        return None
    for name, teraflops in PEAK_TFLOPS.items():
        if re.search(rf"\b{name}\b(?! (?:Ti|D|Laptop|NVL)\b)", device.name):  # those are other chips
            return teraflops * 1e12
    return None


def model_flops_utilization(
    model: LanguageModelConfig, tokens_per_second: float, device: Device, device_count: int = 1
) -> float | None:
    """Between 0 and 1, over `device_count` equal GPUs together; None where the peak is not known."""
    peak = peak_flops(device)
    return tokens_per_second * flops_per_token(model) / (peak * device_count) if peak else None
