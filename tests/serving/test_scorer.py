import pytest

from ganad_tf.errors import UserError
from ganad_tf.serving import scorer as scorers
from ganad_tf.serving.scorer import RefusedError


class FakeScorer(scorers.Scorer):
    """Has one signature of bytes, and refuses what is no image."""

    def __init__(self, failure=None):
        super().__init__("fake://host/x")
        self.failure, self.calls = failure, []

    def _inputs(self):
        if self.failure:
            raise self.failure
        return {"score": {"image_bytes"}, "images": {"images"}}

    def _predict(self, images, signature):
        self.calls.append((signature, len(images)))
        if any(image.startswith(b"bad") for image in images):
            raise RefusedError("no\nimage")
        return [{"value": image} for image in images]


@pytest.mark.parametrize("name", ["images", "nothing"])
def test_a_signature_of_bytes_is_expected(name):
    FakeScorer().check("score")
    with pytest.raises(UserError, match=f"no signature '{name}' of image_by"):
        FakeScorer().check(name)


def test_a_refused_check_names_the_model_and_the_reason():
    with pytest.raises(UserError, match="fake://host/x: not so") as error:
        FakeScorer(RefusedError("not so")).check("score")
    assert not isinstance(error.value, RefusedError)


def test_a_bad_image_is_located_by_halving():
    scorer = FakeScorer()
    images = [b"%d" % row for row in range(64)]
    images[37] = b"bad"
    rows = scorer.score(images, signature="inspect")
    assert rows.pop(37) == "no image"
    assert [row["value"] for row in rows] == images[:37] + images[38:]
    assert {signature for signature, _ in scorer.calls} == {"inspect"}
    sizes = [size for _, size in scorer.calls]
    assert len(sizes) == 13 and sum(sizes) < 64 * 3


def test_all_bad_and_none():
    assert FakeScorer().score([b"bad"] * 3) == ["no image"] * 3
    assert FakeScorer().score([]) == []
