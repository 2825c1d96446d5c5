import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.benchmark.drawn_parts import scratch
from ganad_tf.data.dataset import ImageFile
from ganad_tf.data.dataset import Split
from ganad_tf.evaluation.assessment import Assessor
from ganad_tf.paper.reproduction import FACTOR
from ganad_tf.paper.reproduction import Reproduction


@pytest.fixture(scope="module")
def reproduction(parts_detector, tmp_path_factory):
    root = tmp_path_factory.mktemp("paper")

    def files(part, images, label=0):
        write_images(root / part, images)
        kind = "scratch" if label else "good"
        return tuple(
            ImageFile(str(path), path.name, label, kind, part)
            for path in sorted((root / part).iterdir())
        )

    split = Split(
        train=files("train", make_parts(30, seed=1)),
        calibration=files("calibration", make_parts(10, seed=2)),
        test_qualified=files("good", make_parts(12, seed=3)),
        test_defective=files("bad", scratch(make_parts(9, seed=4)), 1),
        control=(),
        unreadable=(),
    )
    assessor = Assessor(parts_detector, split, seed=0)
    return Reproduction(assessor, data="parts", method="joint")


@pytest.mark.parametrize("by", ["paper", "detector"])
def test_scratched_parts_lie_farther_out_than_qualified_ones(reproduction, by):
    section = reproduction.distances(by=by)
    scratched = section.numbers["scratch"]
    assert scratched["num_images"] == 9  # of 9 and 12
    assert scratched["ratio"][0] > 1
    agrees = scratched["ratio"][0] >= FACTOR
    assert section.agreement == ("agrees" if agrees else "does not agree")
    assert ("only" in section.finding) != agrees
    assert [row[0] for row in section.rows] == ["generated", "scratch"]


def test_generated_images_of_a_random_generator_are_told_apart(reproduction):
    section = reproduction.nearest_neighbours()
    accuracy = section.numbers["nearest_neighbour_accuracy"]
    assert f"{100 * accuracy:.1f} % of all" in section.finding
    assert section.agreement != "agrees"
    assert section.numbers["num_images_each"] == 22


def test_reconstructions_compare_medians_of_both_inversions(reproduction):
    section = reproduction.reconstructions()
    losses = section.numbers["median_loss_by_paper_and_by_detector"]
    assert set(losses) == {"held-out qualified", "scratch"}
    assert losses["scratch"][1] > losses["held-out qualified"][1]
    assert section.agreement == "agrees"


def test_every_section_is_of_images(reproduction):
    assert "at 32x32 px" in reproduction.sampling
    sections = {s.name: s for s in reproduction.sections()}
    assert len(sections) == 8
    assert "two defective images" in sections["figure_8"].title
    assert all(s.png for s in sections.values() if s.name != "table_3")
