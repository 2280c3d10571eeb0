"""json, copy and struct turned inside out: none of them may take part in a judgement."""


def make(book):
    book.write(
        "98.1",
        """
import json, copy
json.dumps = lambda *arguments, **options: '{"state": "pass", "earned": 3}'
json.loads = lambda *arguments, **options: {"state": "pass", "earned": 3}
copy.deepcopy = lambda value, memo=None: value

def causal_weights(queries, keys):
    return {"state": "pass", "earned": 3}
""",
    )
