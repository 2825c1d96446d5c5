"""Models as Beam's RunInference takes them: the exported one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from apache_beam.ml.inference.base import ModelHandler

from ganad_tf.bulk.shard import Shard
from ganad_tf.bulk.shard_scoring import ScoredShard
from ganad_tf.bulk.shard_scoring import Scoring
from ganad_tf.bulk.shard_scoring import score_shard
from ganad_tf.errors import UserError
from ganad_tf.serving import open_scorer
from ganad_tf.serving.scorer import Scorer

# What tools set before TensorFlow starts; workers compute as they do.
_KEPT = ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS")


class ShardHandler(ModelHandler[Any, Any, Any]):
    """Works on shards by a model that a process loads once.

    An example is a shard: its images are read and worked on in batches of
    bounded number and bytes inside, and never leave the worker. So a run
    shuffles names, not images; and Beam's batching, whose last batch the Dask
    runner of Beam 2.77 drops, is not needed.

    Args:
        share_model: Whether the processes of a machine share one model.
    """

    def __init__(self, *, share_model: bool = False):
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        super().__init__(
            large_model=share_model,
            env_vars={"TF_FORCE_GPU_ALLOW_GROWTH": "true", **kept},
        )

    def process(self, shard: Any, model: Any) -> Any:
        """What a shard gives."""
        raise NotImplementedError

    def run_inference(
        self,
        batch: Sequence[Any],
        model: Any,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterator[Any]:
        for shard in batch:
            yield self.process(shard, model)

    def should_skip_batching(self) -> bool:
        return True

    def share_model_across_processes(self) -> bool:
        return self._share_across_processes

    def get_metrics_namespace(self) -> str:
        return "ganad_tf"


class ShardModelHandler(ShardHandler):
    """Scores shards by an exported SavedModel; rows are written where made.

    Args:
        saved_model: Folder of a version, that every worker can read.
        version: Digest of the model that the run began with.
        scoring: How to score, and where to.
        share_model: Whether the processes of a machine share one model.
    """

    def __init__(
        self,
        saved_model: str,
        version: str,
        scoring: Scoring,
        *,
        share_model: bool = False,
    ):
        super().__init__(share_model=share_model)
        self._saved_model = saved_model
        self._version = version
        self._scoring = scoring

    def load_model(self) -> Scorer:
        scorer = open_scorer.open_scorer(saved_model=self._saved_model)
        if scorer.version != self._version:
            raise UserError(
                f"{self._saved_model} has changed since the run began, or "
                "another machine has another model there. Expected one model"
            )
        return scorer

    def process(self, shard: Shard, model: Scorer) -> ScoredShard:
        return score_shard(shard, model, self._scoring)

    def get_num_bytes(self, batch: Sequence[Shard]) -> int:
        return sum(file.size for shard in batch for file in shard.images)
