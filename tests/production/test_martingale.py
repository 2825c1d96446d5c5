import numpy as np

from ganad_tf.production import martingale


def test_bets_are_fair():
    # Dense at both ends, where bets are steep.
    end = np.linspace(0.0, 0.5, 4001) ** 10 / 0.5**9
    grid = np.concatenate([end, 1.0 - end[-2::-1]])
    middle, width = (grid[1:] + grid[:-1]) / 2, np.diff(grid)
    for bets in (martingale.uniform_bets, martingale.tail_bets):
        payoffs = bets(middle)
        # A little is lost where payoffs are bounded.
        np.testing.assert_allclose(width @ payoffs, 0.99, atol=0.011)
        assert (payoffs >= 0).all()
        np.testing.assert_allclose(payoffs[:, 0], 1.0)
    assert martingale.uniform_bets(middle).shape[1] == (
        martingale.NUM_UNIFORM_BETS
    )


def test_bets_on_a_rate_win_below_it_alone():
    paid = martingale.rate_bets(np.array([True, False]), 0.3)

    def mean(probability):
        return probability * paid[0] + (1 - probability) * paid[1]

    np.testing.assert_allclose(mean(0.3), 1.0)
    assert (mean(0.2)[1:] > 1).all() and (mean(0.4)[1:] < 1).all()


def test_the_capital_is_that_of_a_gambler_who_jumps():
    payoffs = martingale.uniform_bets(np.random.default_rng(0).uniform(size=9))
    expected = []
    for jump in martingale.JUMP_RATES:
        money, path = np.eye(payoffs.shape[1])[0], []
        for paid in payoffs:
            money = (1 - jump) * money + jump * money.sum() / len(money)
            money = money * paid
            path.append(money.sum())
        expected.append(path)
    np.testing.assert_allclose(
        martingale.log_capital(payoffs), np.log(np.mean(expected, axis=0))
    )


def test_false_alarms_over_a_life_are_rare():
    generator = np.random.default_rng(1)
    highest = [
        martingale.log_capital(
            martingale.uniform_bets(generator.uniform(size=500))
        ).max()
        for _ in range(60)
    ]
    # At level .2 of 60 lives at most 12 are expected, 21 once in 300 tries.
    assert np.sum(np.array(highest) >= np.log(5)) <= 21
    assert max(highest) < np.log(2000)


def test_late_changes_are_detected_and_located():
    generator = np.random.default_rng(2)
    numbers = generator.uniform(size=1200)
    numbers[1000:] **= 3
    path = martingale.log_capital(martingale.uniform_bets(numbers))
    alarm = int(np.argmax(path >= np.log(200)))
    assert 1000 < alarm < 1060
    assert abs(martingale.onset(path, alarm) - 1000) < 30


def test_shared_money_is_the_mean():
    paths = [np.log([1.0, 4.0]), np.log([3.0, 2.0])]
    np.testing.assert_allclose(
        martingale.mean_log_capital(paths), np.log([2.0, 3.0])
    )


def test_an_onset_follows_the_least_money():
    assert martingale.onset(np.array([-1.0, -2.0, 0.0, 3.0]), 3) == 2
    assert martingale.onset(np.array([1.0, 2.0]), 1) == 0
