import os

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ganad_tf.serving import warmup


def requests(tmp_path):
    path = os.path.join(tmp_path, "extra", "requests")
    warmup.write_warmup_requests(path, model_name="parts", size=[32, 32, 1])
    return [
        prediction_log_pb2.PredictionLog.FromString(
            record.numpy()
        ).predict_log.request
        for record in tf.data.TFRecordDataset(path)
    ]


def test_the_servers_own_messages_read_the_file(tmp_path):
    sent = requests(tmp_path)
    assert [request.model_spec.signature_name for request in sent] == [
        "serving_default",
        "images",
        "score",
        "inspect",
    ]
    assert {request.model_spec.name for request in sent} == {"parts"}
    data = tf.make_ndarray(sent[0].inputs["image_bytes"])
    assert tf.io.decode_png(data[0]).shape == [32, 32, 1]
    pixels = tf.make_ndarray(sent[1].inputs["images"])
    assert pixels.shape == (1, 32, 32, 1) and pixels.dtype == np.float32


def test_the_file_is_the_same_each_time(tmp_path):
    contents = []
    for name in ("a", "b"):
        path = str(tmp_path / name)
        warmup.write_warmup_requests(path, model_name="x", size=[32, 32, 3])
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_requests_are_read_back(exported):
    inputs = dict(warmup.read_warmup_requests(exported))
    assert sorted(inputs) == ["images", "inspect", "score", "serving_default"]
    assert inputs["images"]["images"].shape == (1, 32, 32, 1)
    assert list(inputs["score"]) == ["image_bytes"]
