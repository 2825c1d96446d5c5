import pytest

from ganad_tf import sweep

GRID = {"width": ["4", "8"], "learning_rate": ["1e-4", "3e-4", "1e-3"]}


def test_every_combination_is_there_once_in_an_order_that_stays():
    found = sweep.combinations(GRID, num_samples=None, seed=0)
    assert len({sweep.folder_name(c) for c in found}) == len(found) == 6
    assert found == sweep.combinations(GRID, num_samples=None, seed=5)


def test_samples_are_some_of_the_grid_without_repetition():
    grid = sweep.combinations(GRID, num_samples=None, seed=0)
    drawn = sweep.combinations(GRID, num_samples=4, seed=1)
    assert all(combination in grid for combination in drawn)
    assert len({sweep.folder_name(c) for c in drawn}) == 4
    assert drawn == sweep.combinations(GRID, num_samples=4, seed=1)
    assert len(sweep.combinations(GRID, num_samples=99, seed=0)) == 6


@pytest.mark.parametrize("text", ["", "width", "width=", "=4", "width=4;;"])
def test_another_form_is_an_error_that_shows_the_right_one(text):
    with pytest.raises(ValueError, match="Expected name=value,value"):
        sweep.parse_sweep(text)
