"""A connection to a server on this machine, as a notebook server or a metadata service would be."""

HONEST = ("98.1", "98.2")


def make(book):
    book.last(f"""
import socket
try:
    connection = socket.create_connection(("127.0.0.1", {book.port}), timeout=2)
    words = connection.recv(100).decode()
except OSError as error:
    words = str(error)
raise ValueError("FOUND " + words)
""")
