"""What an instructor may set, and the little that a student's process is told of this machine."""

import os
from dataclasses import dataclass

from checks.grading.sandbox import USERS, Kind, Sandbox, python_paths
from slmlib.text.textfiles import split_column

KEPT = ("SLM_DEVICE", "CUDA_VISIBLE_DEVICES", "TIKTOKEN_CACHE_DIR", "LD_LIBRARY_PATH")
"""Variables that a student's process keeps; every other one is dropped, keys among them."""

PATIENCE = 4.0
"""A limit's seconds are seconds of computing; on the clock it may last so many times longer, on a machine that is
busy with others. A cell that only sleeps has no more than that either."""


@dataclass(frozen=True)
class Settings:
    """How to grade. Plain fields: a hash of them says whether an earlier result still holds."""

    cell_seconds: float = 120.0
    total_seconds: float = 600.0
    """For all cells of one notebook, each time it is run; the questions afterwards have their own limits."""
    memory_mb: int = 4096
    disk_mb: int = 1024
    full_size: bool = False
    """Run lessons at full size instead of SLM_FAST=1."""
    from_state: bool = False
    """Grade the lab from the bundles beside the notebooks, and run no cell that only computes."""
    require_cuda: bool = False
    """With from_state: a model that was not trained on CUDA does not pass."""
    restarts: int = 4
    """How often a notebook that kills its kernel is run again, without the cell that did it."""

    def environment(self) -> dict[str, str]:
        """All that a student's process has in its environment."""
        found = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
        corpus = os.environ.get("SLM_CORPUS")
        if corpus:
            path, column = split_column(corpus)
            whole = f"{path.absolute()}#{column}" if column else str(path.absolute())
            found["SLM_CORPUS"] = whole if path.exists() else corpus
        if not self.full_size:
            found["SLM_FAST"] = "1"
        return found | {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "passive",
            "SLM_CHECKS": "rehearsal",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # so that the warm process need not touch the GPU
            "HF_HUB_OFFLINE": "1",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def sandbox(self, kind: Kind, warm: str = "", keep: str = "") -> Sandbox:
        """The room for one notebook."""
        corpus = self.environment().get("SLM_CORPUS", "")
        extra = tuple(
            path
            for path in (
                str(split_column(corpus)[0]) if corpus else "",
                self.environment().get("TIKTOKEN_CACHE_DIR", ""),
            )
            if path and os.path.exists(path)
        )
        return Sandbox(
            kind,
            os.getpid() % USERS,
            visible=(*python_paths(), *extra),
            warm=warm,
            keep=keep,
            memory_mb=self.memory_mb,
            disk_mb=self.disk_mb,
        )
