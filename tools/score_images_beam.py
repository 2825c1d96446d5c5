"""Scores images by an exported SavedModel on a runner of Apache Beam.

    python tools/score_images_beam.py --saved_model=saved_models/solar \
        --images=/data/archive --output=scores

writes one row an image, as score_images.py does, to scores-*.parquet and
scores-*.csv in the folder; rows without scores again to unscored-*.csv; and
summary.json when all is done. Without --runner the workers are processes of
this machine. Beam's own flags go to Beam, such as --runner=FlinkRunner,
--direct_num_workers=4 or --dask_client_address=tcp://host:8786. The same
command resumes an interrupted run. It needs the extra `beam`.
"""

from absl import flags
from absl import logging

import beam_cli
import cli
from ganad_tf.errors import UserError
from ganad_tf.serving import open_scorer

_IMAGES = flags.DEFINE_string(
    "images",
    None,
    "Image file, folder (any depth) or glob, here or on any file system that "
    "Beam knows: gs://, s3://, hdfs://.",
    required=True,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Folder to write, on any such file system; this process and all workers "
    "see the same one.",
    required=True,
)
_SAVED_MODEL = flags.DEFINE_string(
    "saved_model",
    None,
    "SavedModel that all workers can read: a version's folder, or the folder "
    "of the versions, of which the newest is taken.",
    required=True,
)
_MAPS_DIR = flags.DEFINE_string(
    "maps_dir",
    None,
    "Folder for a picture of each image (input, reconstruction, anomaly map) "
    "and for the regions of the maps above their threshold.",
)
_SKIP_SCORED = flags.DEFINE_string(
    "skip_scored",
    None,
    "Output of an earlier run: its images are left out, except those that "
    "could not be read.",
)
_NUM_SHARDS = flags.DEFINE_integer(
    "num_shards",
    None,
    "Parts that the images are divided into by their paths, each with files "
    "of its own: the unit of work. Default: by the number of images.",
    lower_bound=1,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    64,
    "Most images in a batch, which has 16 MiB at most.",
    lower_bound=1,
)
_SHARE_MODEL = flags.DEFINE_bool(
    "share_model",
    False,
    "Whether the worker processes of a machine share one model: for a GPU.",
)


def main(rest: list[str]) -> None:
    bulk_run, pipeline, runners = beam_cli.import_bulk(
        "bulk_run", "pipeline", "runners"
    )
    options = runners.runner_options(rest)
    summary = bulk_run.score_in_bulk(
        pipeline.ImageSource(_IMAGES.value, _SKIP_SCORED.value),
        _OUTPUT.value,
        open_scorer.open_scorer(saved_model=_SAVED_MODEL.value),
        options,
        num_shards=_NUM_SHARDS.value,
        maps_dir=_MAPS_DIR.value,
        batch_size=_BATCH_SIZE.value,
        share_model=_SHARE_MODEL.value,
    )
    failed = summary["images"] - summary["statuses"].get("ok", 0)
    logging.info("%d images were scored before.", summary["skipped"])
    print(
        f"{summary['images']} images: "
        f"{summary['decisions'].get('defective', 0)} defective, {failed} not "
        f"scored. Scores: {_OUTPUT.value}"
    )
    if failed and failed == summary["images"]:
        raise UserError(f"no image could be scored, see {_OUTPUT.value}")


if __name__ == "__main__":
    cli.run_with_more(main)
