import re

import scored

from ganad_tf.production import watching

SAMPLE = re.compile(
    r'^[a-z_0-9]+(\{[a-z_]+="[^"]*"\})? -?\d+(\.\d+)?(e[+-]\d+)?$'
)


def test_figures_are_in_prometheus_format(tmp_path):
    path = scored.write(tmp_path / "s.csv", scored.rows(shift=6.0))
    file = tmp_path / "line.prom"
    watching.monitor_scores(path, metrics_file=str(file))
    text = file.read_text()
    assert text.endswith("\n")
    lines = text.splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    for line in lines:
        if not line.startswith("#"):
            assert SAMPLE.match(line), line
            assert re.split(r"[{ ]", line)[0] in names
    assert 'ganad_tf_monitor_verdict{verdict="moved"} 1' in lines
    assert 'ganad_tf_monitor_alarm{question="any"} 1' in lines
    assert "ganad_tf_monitor_images 300" in lines
