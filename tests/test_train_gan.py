"""What `train_gan.py` hands to the training run."""

import ast

from tool_runner import done


def _record():
    """Training runs print their arguments and do nothing."""
    from ganad_tf.training import held_out_losses
    from ganad_tf.training import training_run

    def train_gan(data, model_dir, **arguments):
        print("arguments", repr(arguments))

    training_run.train_gan = train_gan
    held_out_losses.read_result = lambda model_dir: {
        held_out_losses.DENOISING_LOSS: 1.0
    }


def arguments_of(tmp_path, *more, **flags):
    """The arguments of each training run that the tool starts."""
    answer = done(
        "train_gan",
        *more,
        data="x",
        model_dir=str(tmp_path / "swept"),
        prepare=_record,
        **flags,
    )
    return [
        ast.literal_eval(line.removeprefix("arguments "))
        for line in answer.stdout.splitlines()
        if line.startswith("arguments ")
    ]


def test_a_sweep_trains_what_it_says(tmp_path):
    runs = arguments_of(
        tmp_path,
        "--without=corruptions",
        "--without=adversarial",
        width=4,
        num_steps=7,
        sweep="without=linear_head+adversarial,field;width=8,16;"
        "horizontal_flip=true,false;learning_rate=1e-4",
    )
    found = {
        (tuple(r["without"]), r["width"], r["horizontal_flip"]) for r in runs
    }
    assert found == {
        (without, width, flip)
        for without in (("linear_head", "adversarial"), ("field",))
        for width in (8, 16)
        for flip in (True, False)
    }
    assert len(runs) == 8
    assert {r["learning_rate"] for r in runs} == {1e-4}
    assert {r["num_steps"] for r in runs} == {7}


def test_a_repeated_flag_reaches_the_training_run(tmp_path):
    (run,) = arguments_of(tmp_path, "--without=field", "--without=adversarial")
    assert run["without"] == ["field", "adversarial"]
    assert run["channels"] is None and run["seed"] == 0
