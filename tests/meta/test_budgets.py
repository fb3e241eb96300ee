"""Sizes: the shared library stays small, modules and functions stay readable."""

from __future__ import annotations

import ast

SHARED_LINES_MAX = 4_460  # docs/adr/0013: may only fall
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60

# Functions longer than the limit, with their length: entries may only shrink or go.
LONG_FUNCTIONS: dict[str, int] = {}


def code_lines(text):
    """Lines without blank ones and docstrings; comments count."""
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(1 for number, line in lines if line.strip() and number not in docstrings)


def long_functions(sources):
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    yield f"{path}:{node.name}", length


def test_code_lines_count_comments_but_no_docstrings_or_blank_lines():
    assert (
        code_lines(
            '"""Doc."""\n\n# why\nx = 1\n\n\ndef f():\n    """Doc\n    more."""\n    return x\n'
        )
        == 4
    )


def test_shared_stays_within_its_budget(sources):
    shared = {p: t for p, t in sources.items() if p.startswith("shared/") and "/kernel/" not in p}
    counted = {path: code_lines(text) for path, text in shared.items()}
    largest = sorted(counted.items(), key=lambda item: -item[1])[:5]
    assert sum(counted.values()) <= SHARED_LINES_MAX, f"{sum(counted.values())} lines; {largest}"


def test_no_module_is_too_long(sources):
    lengths = {path: len(text.splitlines()) for path, text in sources.items()}
    assert {p: n for p, n in lengths.items() if n > MODULE_LINES_MAX} == {}


def test_long_functions_only_get_fewer_and_shorter(sources):
    found = dict(long_functions(sources))
    grown = {name: n for name, n in found.items() if n > LONG_FUNCTIONS.get(name, 0)}
    assert grown == {}, "split these"
    assert set(LONG_FUNCTIONS) <= set(found), "these are short now: take them off the list"
