"""A Hub on this machine with one dataset, and the faults that a Hub can have.

It speaks just enough of the Hub's protocol for the real `datasets` client to stream TinyStories from it.
GET /fault/NAME chooses a fault for all that follows.
"""

import hashlib
import io
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as arrow
from pyarrow import parquet

DATASET = "roneneldan/TinyStories"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FAULTS = ("none", "404", "429", "stall", "data-404", "data-429", "data-stall", "data-cut", "data-short")


def stories(split: str) -> list[str]:
    return [f"The {split} story number {number} is about a cat." for number in range(100)]


def table(split: str) -> bytes:
    file = io.BytesIO()
    parquet.write_table(arrow.table({"text": stories(split)}), file)
    return file.getvalue()


FILES = {f"data/{split}-00000-of-00001.parquet": table(split) for split in ("train", "validation")}


class Answers(BaseHTTPRequestHandler):
    """Answers one request; the server's `fault` says how badly."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        fault = self.server.fault
        if path.startswith("/fault/"):
            self.server.fault = path.removeprefix("/fault/")
            return self.say(200)
        self.server.asked.append(path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_data = "/resolve/" in path and path.endswith(".parquet")
        if fault.removeprefix("data-") in ("404", "429") and (is_data or "data-" not in fault):
            return self.say(int(fault[-3:]), headers={"Retry-After": "1"} if "429" in fault else {})
        if fault.endswith("stall") and (is_data or "data-" not in fault):
            self.server.released.wait(60)
            self.close_connection = True
            return None
        if is_data:
            return self.say_data(FILES[path.partition(f"{COMMIT}/")[2]], fault)
        if path.startswith(f"/api/datasets/{DATASET}"):
            return self.say(200, json.dumps(self.about(path.partition(DATASET)[2])).encode())
        return self.say(404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})

    do_HEAD = do_POST = do_GET

    def about(self, rest: str) -> object:
        """The dataset's description, or the files below a folder of it."""
        if "/tree/" not in rest:
            return {"id": DATASET, "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
        if not rest.endswith("/data"):
            return [{"type": "directory", "path": "data", "oid": "0" * 40, "size": 0}]
        return [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in FILES.items()
        ]

    def say_data(self, content: bytes, fault: str) -> None:
        """A file or a range of it; `cut` breaks off in the middle, `short` claims that there is no more."""
        headers = {
            "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
        }
        first, _, last = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content)) + 1]
        if fault == "data-short":
            part = part[: len(part) // 2]
        if fault == "data-cut":
            headers["Content-Length"] = str(len(part))
            part, self.close_connection = part[: len(part) // 2], True
        if "Range" in self.headers:
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        self.say(206 if "Range" in self.headers else 200, part, headers)

    def say(self, status: int, body: bytes = b"", headers: dict | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def standin_hub(answers: type[Answers] = Answers):
    """The running server; `.address` is what HF_ENDPOINT needs, `.asked` lists the paths it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    server.daemon_threads = True
    server.fault, server.asked, server.released = "none", [], threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
