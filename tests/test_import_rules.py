"""The order of the rooms, and what may be imported where."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGE = ROOT / "ganad_tf"
# A room imports the root and the rooms before it.
ROOMS = (
    "",
    "data",
    "gan",
    "training",
    "detector",
    "evaluation",
    "paper",
    "serving",
    "bulk",
    "production",
    "benchmark",
)
LIGHT_CLIENTS = (
    "ganad_tf.serving.open_scorer",
    "ganad_tf.serving.rest_client",
    "ganad_tf.serving.score_files",
    "ganad_tf.serving.score_table",
)
HEAVY = ("tensorflow", "keras", "matplotlib", "sklearn")
# Packages of the extra `beam`, and the room that may import them.
OF_BEAM = {"apache_beam", "pyarrow", "dask", "distributed"}
BEAM_ROOM = "bulk"
# Rooms of the NumPy side, and modules of the TensorFlow side.
WITHOUT_TENSORFLOW = (
    "artifacts",
    "child_process",
    "colors",
    "progress",
    "recipes",
    "score_parts",
    "scores_csv",
    "benchmark.process_memory",
    "data.dataset",
    "data.image_files",
    "data.listing",
    "detector.calibration",
    "detector.detection",
    "detector.latent_statistics",
    "detector.spool",
    "evaluation.baselines",
    "evaluation.canvas",
    "evaluation.examples",
    "evaluation.figures",
    "evaluation.formatting",
    "evaluation.gallery",
    "evaluation.map_pictures",
    "evaluation.metrics",
    "evaluation.misses",
    "evaluation.page",
    "evaluation.picture_file",
    "evaluation.pixel_scores",
    "evaluation.report",
    "evaluation.result_tables",
    "data.division",
    "data.exclusion",
    "data.marks",
    "evaluation.corrected_labels",
    "production.appearance",
    "production.drift_figures",
    "production.line_monitor",
    "production.martingale",
    "production.monitor_figure",
    "production.monitor_page",
    "production.online_ranks",
    "production.products",
    "production.prometheus",
    "production.score_stream",
    "production.serving_files",
    "production.watching",
    "paper.measures",
    "paper.section",
    "paper.words",
    "serving.c_api",
    "serving.client",
    "serving.open_scorer",
    "serving.rest_client",
    "serving.score_files",
    "serving.score_table",
    "serving.scorer",
    "training.sweep",
    "version",
)
WITHOUT_SCIKIT_LEARN = (
    "gan.frozen_generator",
    "gan.gan",
    "gan.inversion",
    "gan.losses",
    "gan.moving_average",
    "gan.networks",
    "gan.optimizers",
    "gan.pyramid",
    "gan.step_losses",
    "gan.training_step",
)
# Tests of no one module.
WITHOUT_MODULE = {
    "cpp_loader",
    "device_graphs",
    "docstrings",
    "end_to_end",
    "import_rules",
    "public_api",
    "readmes",
    "style",
    "tensorboard",
    "tools",
}
TOOLS = {path.stem for path in (ROOT / "tools").glob("*.py")}


def name_of(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


PATHS = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = [name for name in PATHS if not name.endswith("__init__")]


def room_of(module: str) -> str:
    return module.rpartition(".")[0]


def tree_of(module):
    return ast.parse(PATHS[module].read_text())


def imports(nodes):
    """Full names of what is imported."""
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def imported_rooms(names):
    """The rooms that own what is imported of this package."""
    own = [name.split(".")[1:] for name in names if name.startswith("ganad_tf")]
    return {parts[0] if parts[0] in ROOMS else "" for parts in own}


def test_no_tool_runs_a_file_of_the_tests():
    for path in (ROOT / "tools").iterdir():
        if path.suffix in (".py", ".sh") and path.name != "run_tests.sh":
            assert "tests/" not in path.read_text()


def test_rooms_are_known_and_their_init_is_empty():
    inits = {room_of(name) for name in PATHS if name.endswith("__init__")}
    assert inits == {room_of(name) for name in MODULES} <= set(ROOMS)
    for room in inits - {""}:
        assert not (PACKAGE / room / "__init__.py").read_text().strip()


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_itself_and_rooms_before_it(module):
    reached = ROOMS[: ROOMS.index(room_of(module)) + 1]
    assert imported_rooms(imports(ast.walk(tree_of(module)))) <= set(reached)


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top(module):
    tree = tree_of(module)
    inner = set(imports(ast.walk(tree))) - set(imports(tree.body))
    assert not inner


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_the_numpy_side_imports_no_tensorflow(module):
    roots = {n.split(".")[0] for n in imports(ast.walk(tree_of(module)))}
    assert not roots & {"tensorflow", "keras"}


@pytest.mark.parametrize("module", WITHOUT_SCIKIT_LEARN)
def test_the_tensorflow_side_imports_no_scikit_learn(module):
    roots = {n.split(".")[0] for n in imports(ast.walk(tree_of(module)))}
    assert "sklearn" not in roots


@pytest.mark.parametrize("module", LIGHT_CLIENTS)
def test_a_light_client_loads_nothing_heavy(module):
    program = (
        f"import sys, {module}; "
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not ran.stdout.strip()


@pytest.mark.parametrize("module", MODULES)
def test_beam_is_imported_in_its_room_alone(module):
    names = imports(ast.walk(tree_of(module)))
    if room_of(module) != BEAM_ROOM:
        assert not {name.split(".")[0] for name in names} & OF_BEAM
        assert BEAM_ROOM not in imported_rooms(names)


@pytest.mark.parametrize("module", MODULES)
def test_no_flag_print_or_assert_is_in_the_package(module):
    for node in ast.walk(tree_of(module)):
        assert not isinstance(node, ast.Assert)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print"
    assert "absl.flags" not in imports(ast.walk(tree_of(module)))


def test_tests_mirror_modules():
    tests = {
        name_of(PACKAGE / path.relative_to(ROOT / "tests")).replace("test_", "")
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    assert set(MODULES) <= tests
    assert tests - set(MODULES) <= TOOLS | WITHOUT_MODULE
