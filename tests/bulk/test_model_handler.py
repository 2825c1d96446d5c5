import pathlib
import pickle

import pytest
from conftest import make_parts
from conftest import write_images

pytest.importorskip("apache_beam")

from ganad_tf.bulk.file_systems import list_images
from ganad_tf.bulk.model_handler import ShardModelHandler
from ganad_tf.bulk.shard import Shard
from ganad_tf.bulk.shard_files import ShardFiles
from ganad_tf.bulk.shard_scoring import Scoring
from ganad_tf.errors import UserError
from ganad_tf.serving.saved_model import SavedModelScorer


@pytest.fixture
def scoring(tmp_path):
    return Scoring(ShardFiles(str(tmp_path / "out"), 1), batch_size=4)


def test_a_pickled_handler_gives_the_scores_of_the_model(
    exported, scoring, tmp_path
):
    write_images(tmp_path / "in", make_parts(6, seed=0))
    images = sorted(list_images(str(tmp_path / "in")))
    scorer = SavedModelScorer(exported)
    made = ShardModelHandler(exported, scorer.version, scoring)
    handler = pickle.loads(pickle.dumps(made))
    (scored,) = handler.run_inference(
        [Shard(0, images, 0)], handler.load_model()
    )
    contents = [pathlib.Path(file.path).read_bytes() for file in images]
    expected = [row["anomaly_score"] for row in scorer.score(contents)]
    found = [row.anomaly_score for row in scored.rows]
    assert found == pytest.approx(expected, rel=1e-5)
    assert handler.get_num_bytes([Shard(0, images, 0)]) == sum(
        map(len, contents)
    )


def test_a_model_that_changed_is_an_error(exported, scoring):
    handler = ShardModelHandler(exported, "another digest", scoring)
    with pytest.raises(UserError, match="has changed since the run began"):
        handler.load_model()


def test_batching_is_left_to_the_shard_and_a_model_can_be_shared(scoring):
    handler = ShardModelHandler("m", "v", scoring, share_model=True)
    assert handler.should_skip_batching()
    assert handler.share_model_across_processes()
    own = ShardModelHandler("m", "v", scoring)
    assert not own.share_model_across_processes()
