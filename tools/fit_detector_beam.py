"""Fits the detector on a runner of Apache Beam, where images are millions.

    python tools/fit_detector_beam.py --data=/data/parts --model_dir=/data/model

gives what fit_detector.py gives, up to rounding, and takes its flags. Workers
sum up shards of the training images, then measure shards of the calibration
images; what is known of all images is made of these sums and measures by the
same code. All workers must see --data and --model_dir by these names. Without
--runner the workers are processes of this machine. Beam's own flags go to Beam,
such as --direct_num_workers=4 or --dask_client_address=tcp://host:8786. --trim
is left to fit_detector.py. It needs the extra `beam`.
"""

from absl import flags

import beam_cli
import cli
import fit_cli

flags.adopt_module_key_flags(fit_cli)


def main(rest: list[str]) -> None:
    bulk_fit, runners = beam_cli.import_bulk("bulk_fit", "runners")
    detector = bulk_fit.fit_in_bulk(
        options=runners.runner_options(rest), **fit_cli.arguments()
    )
    fit_cli.finish(detector)


if __name__ == "__main__":
    cli.run_with_more(main)
