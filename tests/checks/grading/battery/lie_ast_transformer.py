"""An AST transformer turns every comparison into True."""


def make(book):
    book.write(
        "98.1",
        """
import ast

class Yes(ast.NodeTransformer):
    def visit_Compare(self, node):
        return ast.copy_location(ast.Constant(True), node)

get_ipython().ast_transformers.append(Yes())

def causal_weights(queries, keys):
    return 0
""",
    )
