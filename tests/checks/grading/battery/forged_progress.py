"""The progress file and the kernel's memory of the checks say that everything is earned."""


def make(book):
    book.write(
        "98.1",
        """
import json, os, pathlib
home = pathlib.Path(os.environ.get("SLM_HOME", "."))
home.mkdir(parents=True, exist_ok=True)
(home / "progress.json").write_text(json.dumps({"98.1": {"state": "earned", "points": 3}}))
os.environ["NBGRADER_EXECUTION"] = "1"
_slm_checks = None

def causal_weights(queries, keys):
    return 0
""",
    )
