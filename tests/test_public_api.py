import inspect

import pytest

import ganad_tf

NAMES = [name for name in ganad_tf.__all__ if name != "__version__"]


def test_all_is_everything_public():
    public = {
        name
        for name in dir(ganad_tf)
        if not name.startswith("_")
        and not inspect.ismodule(getattr(ganad_tf, name))
    }
    assert public == set(NAMES)
    assert len(ganad_tf.__all__) == len(set(ganad_tf.__all__))


def test_a_name_that_is_not_there_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ganad_tf.nothing  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name):
    value = getattr(ganad_tf, name)
    assert len(inspect.getdoc(value) or "") > 20
    assert value.__module__.startswith("ganad_tf.")


@pytest.mark.parametrize("name", NAMES)
def test_public_arguments_have_types(name):
    value = getattr(ganad_tf, name)
    if inspect.isclass(value) and issubclass(value, Exception):
        return  # takes a message
    function = value.__init__ if inspect.isclass(value) else value
    if isinstance(value, type) and issubclass(value, tuple):
        assert set(value.__annotations__) == set(value._fields)
        return
    for argument in inspect.signature(function).parameters.values():
        if argument.name != "self" and argument.kind not in (
            argument.VAR_KEYWORD,
            argument.VAR_POSITIONAL,
        ):
            assert argument.annotation is not argument.empty, argument
