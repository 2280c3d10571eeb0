"""A zip that is none."""

HONEST = ()
STATE = "unreadable"


def make(book):
    return {"broken_zip.zip": b"PK\x03\x04" + b"rubbish" * 100}
