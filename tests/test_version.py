import platform
import subprocess
import sys

import keras
import numpy as np
import scipy
import sklearn
import tensorflow as tf

from ganad_tf import version


def test_versions_are_those_of_the_imported_packages():
    assert version.versions() == {
        "ganad_tf": version.__version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def test_versions_are_told_without_importing_packages():
    program = (
        "import sys; from ganad_tf.version import versions; versions(); "
        "print({'tensorflow', 'keras', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "set()"
