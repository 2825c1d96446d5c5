import pytest

from ganad_tf.serving.model_address import model_address
from ganad_tf.serving.model_address import paths_by_model


@pytest.mark.parametrize(
    "base, address",
    [
        ("https://host:8501/", "https://host:8501/v1/models/part"),
        ("grpcs://host:8500", "grpcs://host:8500/part"),
        ("saved_models", "saved_models/part"),
    ],
)
def test_addresses_name_the_model(base, address):
    assert model_address(base, "part") == address


def test_images_are_routed_by_their_first_folder():
    paths = ["/in/b/2.png", "/in/a/x/1.png", "/in/0.png", "/in/b/1.png"]
    assert paths_by_model(paths, "/in/") == {
        "b": ["/in/b/2.png", "/in/b/1.png"],
        "a": ["/in/a/x/1.png"],
    }
