"""An input transformer rewrites every later cell."""


def make(book):
    book.write(
        "98.1",
        """
def rewrite(lines):
    return ["pass\\n"] if any("check" in line for line in lines) else lines

get_ipython().input_transformers_cleanup.append(rewrite)
get_ipython().input_transformers_post.append(rewrite)

def causal_weights(queries, keys):
    return 0
""",
    )
