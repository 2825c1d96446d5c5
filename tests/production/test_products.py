import json
import os
import threading

import pytest
from conftest import make_parts
from conftest import write_images

from ganad_tf.errors import UserError
from ganad_tf.production import products


@pytest.fixture
def found(tmp_path):
    for name in ("bolt", "nut", ".hidden"):
        write_images(tmp_path / "parts" / name, make_parts(25, seed=len(name)))
    return products.list_products(
        str(tmp_path / "parts"),
        model_dir=str(tmp_path / "models"),
        export_dir=str(tmp_path / "saved"),
    )


class Tools:
    """Stands for the tools: keeps what was run, and writes results."""

    def __init__(self):
        self.ran, self.lock = [], threading.Lock()
        self.killed_after_export = False

    def __call__(self, tool, *arguments):
        given = dict(a.removeprefix("--").split("=", 1) for a in arguments)
        with self.lock:
            self.ran.append((tool, given))
        os.makedirs(given["model_dir"], exist_ok=True)
        if tool == "export_saved_model.py":
            os.makedirs(f"{given['export_dir']}/{given['version']}")
            if self.killed_after_export:
                raise KeyboardInterrupt
        if given["data"].endswith("bolt") and tool == "fit_detector.py":
            raise UserError("too few images")
        if tool == "evaluate_detector.py":
            os.makedirs(given["report_dir"], exist_ok=True)
            results = {
                "num_train": 15,
                "auroc": {"anomaly_score": 0.75},
                "overkill_rate": 0.04,
                "escape_rate": None,
            }
            with open(f"{given['report_dir']}/results.json", "w") as file:
                json.dump(results, file)

    def tools_of(self, name):
        return [t for t, given in self.ran if given["data"].endswith(name)]


def test_a_product_that_fails_does_not_stop_the_others(found):
    assert [product.name for product in found] == ["bolt", "nut"]
    tools = Tools()
    rows = products.train_products(found, tools, num_parallel=2, alpha=0.1)
    assert rows[0] == {"name": "bolt", "failed": "too few images"}
    assert tools.tools_of("bolt") == ["train_gan.py", "fit_detector.py"]
    assert tools.tools_of("nut") == [
        *("train_gan.py", "fit_detector.py", "evaluate_detector.py"),
        "export_saved_model.py",
    ]
    lines = products.table(rows).splitlines()
    assert lines[2].endswith("| too few images |")
    assert lines[3] == "| nut | 15 | 0.750 | 4.0 % | – | complete |"


def test_complete_products_are_not_repeated(found):
    first, again = Tools(), Tools()
    products.train_products(found, first, num_parallel=1, alpha=0.1)
    products.train_products(found, again, num_parallel=1, alpha=0.1)
    assert again.tools_of("nut") == [] and again.tools_of("bolt")
    other = Tools()
    products.train_products(found[1:], other, num_parallel=1, alpha=0.2)
    assert len(other.tools_of("nut")) > 0
    assert "0.2" in [given.get("alpha") for _, given in other.ran]
    default = Tools()
    products.train_products(found[1:], default, num_parallel=1)
    assert not any("alpha" in given for _, given in default.ran)


def test_a_product_that_is_exported_is_not_exported_again(found):
    killed, again, last = Tools(), Tools(), Tools()
    killed.killed_after_export = True
    with pytest.raises(KeyboardInterrupt):
        products.train_products(found[1:], killed, num_parallel=1, alpha=0.1)
    assert os.listdir(found[1].export_dir) == ["1"]
    rows = products.train_products(found[1:], again, num_parallel=1, alpha=0.1)
    assert again.ran == [] and rows[0]["auroc"] == 0.75
    products.train_products(found[1:], last, num_parallel=1, alpha=0.1)
    assert last.ran == [] and os.listdir(found[1].export_dir) == ["1"]


def test_an_export_that_was_cut_takes_its_number(found):
    cut, again = Tools(), Tools()

    def killed_before_export(tool, *arguments):
        if tool == "export_saved_model.py":
            raise KeyboardInterrupt
        cut(tool, *arguments)

    with pytest.raises(KeyboardInterrupt):
        products.train_products(
            found[1:], killed_before_export, num_parallel=1, alpha=0.1
        )
    products.train_products(found[1:], again, num_parallel=1, alpha=0.1)
    assert again.tools_of("nut") == ["export_saved_model.py"]
    assert os.listdir(found[1].export_dir) == ["1"]


def test_a_folder_without_products_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no product in"):
        products.list_products(str(tmp_path), model_dir="m", export_dir="e")
