"""Limits on the length of functions and modules."""

import ast
import pathlib
import statistics

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FILES = {
    str(path.relative_to(ROOT)): path.read_text()
    for folder in ("ganad_tf", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 50
MEDIAN_FUNCTION_LINES = 8


def length(function: ast.FunctionDef) -> int:
    """Lines after the first one of a function, its docstring aside."""
    docstring = ast.get_docstring(function, clean=False) or ""
    lines = function.end_lineno - function.lineno
    return lines - docstring.count("\n")


def functions(path):
    return {
        f"{path}:{node.lineno} {node.name}": length(node)
        for node in ast.walk(ast.parse(FILES[path]))
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("path", FILES)
def test_modules_and_functions_are_short(path):
    num_lines = len(FILES[path].splitlines())
    assert num_lines <= MAX_MODULE_LINES
    too_long = {
        name: lines
        for name, lines in functions(path).items()
        if lines > MAX_FUNCTION_LINES
    }
    assert not too_long


def test_most_functions_are_very_short():
    lengths = [lines for path in FILES for lines in functions(path).values()]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION_LINES
