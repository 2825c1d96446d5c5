import subprocess

import pytest
import scored
from tool_runner import command
from tool_runner import failed

from ganad_tf.production import watching


def test_a_growing_table_never_takes_an_alarm_back(tmp_path):
    rows = scored.rows(300, shift=4.0, start=100)
    seen = []
    for count in (90, 150, 300):
        path = scored.write(tmp_path / f"{count}.csv", rows[:count])
        monitored = watching.monitor_scores(path, num_calibration=60).monitored
        seen.append({alarm.kind: alarm.step for alarm in monitored.alarms})
    assert seen[0] == {} and "any" in seen[1]
    assert seen[2].items() >= seen[1].items()


@pytest.mark.parametrize("shift, code", [(0.0, 0), (6.0, 3)])
def test_the_tool_says_it_by_its_exit_code(tmp_path, shift, code):
    path = scored.write(tmp_path / "s.csv", scored.rows(shift=shift))
    ran = subprocess.run(
        command("monitor_scores", scores=path, report=str(tmp_path / "m.html")),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code, ran.stderr
    assert (tmp_path / "m.html").exists()
    assert ("recalibrate.py" in ran.stdout) == (code == 3)


def test_the_tool_ends_with_one_line(tmp_path):
    line = failed("monitor_scores", scores=str(tmp_path / "none.csv"))
    assert "There is no file" in line
