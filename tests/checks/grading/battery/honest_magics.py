"""IPython's own magics, a shell line, await at the top level, help with a question mark."""

HONEST = ("98.1", "98.2")


def make(book):
    book.before(
        "98.1", "%%time\n%matplotlib inline\nx = 1" if False else "%matplotlib inline\nfiles = !ls\nlen?"
    )
    book.before(
        "98.2",
        "import asyncio\nawait asyncio.sleep(0.01)\nasync def one():\n    return 1\nassert await one() == 1",
    )
    book.last("%%capture out\nprint(1)")
    book.last("%timeit -n 1 -r 1 1 + 1")
    book.write("98.2", "%%time\n" + book.solution("98.2"))
