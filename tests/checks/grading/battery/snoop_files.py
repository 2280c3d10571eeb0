"""Every file that can be reached is searched: other submissions, grades, homes, exercises, solutions."""

HONEST = ("98.1", "98.2")


def make(book):
    book.last("""
import os
found = []
for top in ("/home", "/root", "/tmp", "/var", "/mnt", "/srv", "/media", "/run"):
    for folder, _, names in os.walk(top):
        if "site-packages" in folder or "/lib/python" in folder:
            continue
        for name in names:
            if name.endswith((".ipynb", ".json", ".csv", ".key", ".py")) and len(found) < 50:
                try:
                    if "SECRET" in open(os.path.join(folder, name), errors="replace").read(10**6):
                        found.append("SECRET in " + name)
                except OSError:
                    pass
raise ValueError("FOUND " + " ".join(found)[:200])
""")
