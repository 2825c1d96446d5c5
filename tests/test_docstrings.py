import doctest
import importlib.util
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parent.parent / "ganad_tf"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__"
)
if importlib.util.find_spec("apache_beam") is None:
    MODULES = [name for name in MODULES if not name.startswith("bulk.")]


def examples_of(module):
    loaded = importlib.import_module(f"ganad_tf.{module}")
    return [
        docstring
        for docstring in doctest.DocTestFinder().find(loaded)
        if docstring.examples
    ]


@pytest.mark.parametrize("module", MODULES)
def test_examples_do_what_they_say(module):
    for example in examples_of(module):
        results = doctest.DocTestRunner().run(example)
        assert results.failed == 0, example.name


def test_there_are_examples():
    assert sum(bool(examples_of(module)) for module in MODULES) >= 12
