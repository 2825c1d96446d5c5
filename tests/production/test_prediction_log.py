import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_log_pb2

from ganad_tf.errors import UserError
from ganad_tf.production import prediction_log
from ganad_tf.production import score_stream


def record(p_values, *, images=None, name="p_value"):
    """What a server logs of one request, by its own message types."""
    request, answer = (
        predict_pb2.PredictRequest(),
        predict_pb2.PredictResponse(),
    )
    if images is not None:
        tensor = tf.make_tensor_proto(images)
        request.inputs["image_bytes"].CopyFrom(tensor)
    values = np.array(p_values, np.float32)
    for key, column in (
        (name, values),
        ("anomaly_score", 1 / values),
        ("is_defective", values < 0.1),
        ("latents", np.ones([len(values), 3], np.float32)),
    ):
        answer.outputs[key].CopyFrom(tf.make_tensor_proto(column))
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(request)
    log.predict_log.response.CopyFrom(answer)
    log.log_metadata.model_spec.name = "parts"
    return log.SerializeToString()


def written(tmp_path, *records):
    path = str(tmp_path / "requests.log.1")
    with tf.io.TFRecordWriter(path) as writer:
        for content in records:
            writer.write(content)
    return path


def test_a_servers_log_is_read_image_by_image(tmp_path):
    path = written(
        tmp_path, record([0.5, 0.05], images=[b"one", b"two"]), record([1.0])
    )
    images, skipped = score_stream.read_stream(path)
    assert skipped == 0
    assert [image.p_value for image in images] == pytest.approx([0.5, 0.05, 1])
    assert [image.is_defective for image in images] == [False, True, False]
    assert [image.image_bytes for image in images] == [b"one", b"two", None]
    assert images[1].anomaly_score == pytest.approx(20)
    assert images[2].path == f"{path}#2"


def test_a_log_without_answers_is_an_error(tmp_path):
    path = written(tmp_path, record([0.5], name="other"))
    with pytest.raises(UserError, match="without the answer's p_value"):
        list(prediction_log.read_rows(path))


def test_another_file_is_an_error(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no log at all, but long enough for a record")
    with pytest.raises(UserError, match="cannot be read.*Expected a CSV"):
        list(prediction_log.read_rows(str(path)))
