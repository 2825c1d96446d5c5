import collections

import numpy as np
import pytest

from ganad_tf.data import grouping
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector.calibration import conformal_p_values
from ganad_tf.errors import UserError


def file_of(name, digest="", group=""):
    return ImageFile(
        f"/{name}", name, 0, "good", "pool", digest or name, "ok", group
    )


def groups_of(names, group_by):
    files = grouping.with_groups(map(file_of, names), group_by)
    return [file.group for file in files]


def test_groups_are_folders_or_what_an_expression_finds():
    names = ["b1/tile7_0.png", "b1/tile7_1.png", "b2/tile8_0.png"]
    assert groups_of(names, "folder") == ["b1", "b1", "b2"]
    assert groups_of(names, r"tile(\d+)_") == ["7", "7", "8"]
    assert groups_of(names, r"^(\w+)/") == ["b1", "b1", "b2"]
    assert groups_of(names, None) == ["", "", ""]


@pytest.mark.parametrize(
    ("group_by", "words"),
    [
        ("tile", "with 0 groups"),
        (r"(t)(i)", "with 2 groups"),
        ("(tile", "unterminated"),
        (r"(part\d+)", r"not found in the name tile1\.png"),
        ("(part)?tile", r"not found in the name tile1\.png"),
    ],
)
def test_an_expression_that_tells_nothing_is_the_users_error(group_by, words):
    with pytest.raises(UserError, match=f"--group_by.*{words}"):
        groups_of(["tile1.png"], group_by)


def test_groups_with_a_common_content_are_one_thing():
    files = [
        file_of("a1", "1", "a"),
        file_of("a2", "2", "a"),
        file_of("b1", "2", "b"),
        file_of("b2", "3", "b"),
        file_of("c1", "4", "c"),
        file_of("d", "5"),
        file_of("e", "6"),
    ]
    for order in (files, files[::-1]):
        things = grouping.things_of(order)
        assert len({things[d] for d in "123"}) == 1
        assert len(set(things.values())) == 4


def test_a_hash_depends_on_contents_and_not_on_names():
    one = [file_of("a", "1", "x"), file_of("b", "2", "x"), file_of("c", "3")]
    other = [file_of("k", "2", "y"), file_of("l", "1", "y"), file_of("m", "3")]
    hashes = [
        sorted(grouping.hashes_of(f, grouping.things_of(f)).values())
        for f in (one, other)
    ]
    assert hashes[0] == hashes[1] and "3" in hashes[0]


def test_one_image_of_each_thing_is_drawn_by_the_seed():
    files = [file_of(f"{g}{n}", group=g) for g in "abc" for n in range(4)]
    things = grouping.things_of(files)
    counts = collections.Counter()
    for seed in range(200):
        drawn, spare = grouping.one_of_each(files, seed, things)
        assert [file.group for file in drawn] == ["a", "b", "c"]
        assert len(spare) == 9 and spare[0].status.startswith("in a group with")
        assert drawn == grouping.one_of_each(files, seed, things)[0]
        counts[drawn[0].name] += 1
    assert len(counts) == 4 and min(counts.values()) > 25


def test_p_values_by_group_keep_their_promise():
    """Exposures of a thing are nearly equal; all of them promise too much."""
    rng = np.random.default_rng(0)
    called = {"one of each": 0, "all": 0}
    num_runs, num_groups = 1000, 19
    for seed in range(num_runs):
        sizes = rng.integers(1, 9, num_groups)
        levels = rng.normal(size=num_groups)
        files = [
            file_of(f"{g}-{n}", f"{seed}-{g}-{n}", str(g))
            for g in range(num_groups)
            for n in range(sizes[g])
        ]
        scores = {f: levels[int(f.group)] + 0.05 * rng.normal() for f in files}
        drawn, _ = grouping.one_of_each(files, seed, grouping.things_of(files))
        new = rng.normal(size=1) + 0.05 * rng.normal(size=1)
        for name, chosen in (("one of each", drawn), ("all", files)):
            calibration = np.array([scores[file] for file in chosen])
            (p_value,) = conformal_p_values(calibration, new)
            called[name] += p_value <= 0.05
    error = 3 * np.sqrt(0.05 * 0.95 / num_runs)
    assert abs(called["one of each"] / num_runs - 0.05) < error
    assert called["all"] > 1.2 * called["one of each"]
