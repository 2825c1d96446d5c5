from ganad_tf.errors import UserError


def test_a_users_error_is_a_value_error_that_is_told_apart():
    assert issubclass(UserError, ValueError)
    assert UserError is not ValueError
