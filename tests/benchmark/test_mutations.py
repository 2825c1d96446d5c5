from ganad_tf.benchmark import mutations
from ganad_tf.data import image_files


def test_valid_images_are_valid(tmp_path):
    for row, data in enumerate(mutations.valid_images()):
        (tmp_path / str(row)).write_bytes(data)
        assert image_files.read_image_bytes(str(tmp_path / str(row)))


def test_equal_seeds_give_equal_files_that_differ():
    first, again, other = (
        list(mutations.mutations(200, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first)) > 190
    assert len(set(first) & set(mutations.valid_images())) < 5
