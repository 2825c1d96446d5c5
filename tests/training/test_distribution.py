import json
import os
import signal
import socket
import subprocess
import time

import numpy as np
import pytest
import tensorflow as tf
from conftest import make_parts
from conftest import write_images
from tool_runner import command

from ganad_tf.errors import UserError
from ganad_tf.training import distribution
from ganad_tf.training.training_run import train_gan

# A checkpoint is written every 100 steps.
RUN = {
    "image_size": 16,
    "latent_dim": 3,
    "width": 2,
    "batch_size": 8,
    "num_steps": 102,
    "field_steps": 0,
    "horizontal_flip": False,
    "vertical_flip": False,
}


def test_one_device_needs_no_strategy_of_its_own():
    strategy = distribution.open_strategy()
    with distribution.scope(strategy):
        assert strategy.num_replicas_in_sync == 1
        assert distribution.num_hosts() == 1
        assert distribution.is_chief()
        assert distribution.of_chief(1, 2) == (1, 2)
        distribution.agree(3)
        with distribution.chief_first():
            pass


@pytest.mark.parametrize(
    "devices", [("GPU:99",), ("TPU:0",), ("CPU:0", "CPU:0"), ("CPU:0", "GPU:0")]
)
def test_devices_that_are_not_there_are_one_line(devices):
    with pytest.raises(UserError, match="--devices. Expected some of .* GPUs"):
        distribution.open_strategy(devices)


def test_it_is_too_late_to_divide_the_cpu_once_tensorflow_runs():
    tf.zeros([1])
    with pytest.raises(UserError, match="comes too late"):
        distribution.open_strategy(("CPU:0", "CPU:1"))


def test_a_broken_cluster_is_one_line(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{cluster")
    with pytest.raises(UserError, match="TF_CONFIG is not JSON"):
        distribution._cluster()


def test_batches_are_shared_evenly(monkeypatch):
    distribution.check_batch_sizes(batch_size=64, crops=16)
    monkeypatch.setattr(distribution.replicas, "count", lambda: 3)
    with pytest.raises(UserError, match="3 devices cannot share a batch size"):
        distribution.check_batch_sizes(batch_size=64, crops=15)


def test_an_error_of_one_host_alone_is_a_bug():
    with (
        pytest.raises(tf.errors.UnavailableError),
        distribution.scope(distribution.open_strategy()),
    ):
        raise tf.errors.UnavailableError(None, None, "gone")


def free_ports(count):
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in opened]
    for server in opened:
        server.close()
    return ports


def start(data, folder, *, num_hosts):
    """The processes of a training run on hosts of the loopback."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(num_hosts)]
    flags = {"data": data, "model_dir": f"{folder}/model", **RUN}
    arguments = command("train_gan", "--without=corruptions", **flags)
    for index in range(num_hosts):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": hosts}, "task": task})
        with open(f"{folder}/log{index}", "w") as log:
            yield subprocess.Popen(
                arguments,
                env={
                    **os.environ,
                    "TF_CONFIG": config,
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                },
                stdout=log,
                stderr=log,
            )


def wait_for(path, processes):
    while not os.path.exists(path):
        assert not any(process.poll() for process in processes)
        time.sleep(0.1)


def weights_of_one_host(data, folder):
    gan = train_gan(data, f"{folder}/model", without=["corruptions"], **RUN)
    return [np.asarray(weight) for weight in gan.get_weights()]


def test_a_run_of_two_hosts_that_was_cut_ends_as_one_of_one_host(tmp_path):
    data, two, one = (str(tmp_path / name) for name in ("data", "two", "one"))
    write_images(tmp_path / "data", make_parts(40, seed=0))
    os.makedirs(two)
    chief, worker = start(data, two, num_hosts=2)
    wait_for(f"{two}/model/checkpoint.weights.h5", [chief, worker])
    worker.send_signal(signal.SIGKILL)
    if chief.wait(120):  # it may have ended before the kill
        with open(f"{two}/log0") as log:
            last = log.read().strip().splitlines()[-1]
        assert last.startswith("train_gan.py: error: One of the 2 hosts")
    assert sorted(os.listdir(f"{two}/model"))[:2] == [
        "checkpoint.weights.h5",
        "config.json",
    ]
    for ours, theirs in zip(
        weights_of_one_host(data, two),
        weights_of_one_host(data, one),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=2e-2, atol=2e-3)
