"""Evaluating: tasks, single runs, going on after an interruption, summaries, what is shown."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

import fastcpuact as act
from fastcpuact.commands import fastcpuact
from fastcpuact.demo.network import Network
from fastcpuact.evaluate import report, runs, study, summary
from fastcpuact.evaluate.tasks import FUNCTIONS, TASKS, task
from test_plot import is_legible

QUICK = runs.Setup("relu", "peak", depth=2, rate=3e-3, seed=0, epochs=2)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(fastcpuact, [str(a) for a in arguments], catch_exceptions=False)


# Tasks


@pytest.mark.parametrize("name", TASKS)
def test_tasks_are_normalised_and_seeded(name):
    given, again, other = task(name, 1), task.__wrapped__(name, 1), task(name, 2)
    for x in (given.train, given.test):
        assert x.dtype == np.float32 and np.isfinite(x).all()
    assert np.mean(given.train) == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(given.train, again.train)
    assert not np.array_equal(given.train, other.train)
    if not given.has_classes:
        assert np.mean(given.train_targets**2) == pytest.approx(1, rel=1e-5)


def test_scores_and_losses_of_known_answers():
    digits, sine = task("digits", 0), task("sine", 0)
    blind = np.full((len(digits.train), 10), 0.1, np.float32)
    assert digits.loss(blind) == pytest.approx(digits.chance)
    right = np.eye(10, dtype=np.float32)[digits.test_targets]
    assert digits.score(right) == 1 and digits.score(np.roll(right, 1, axis=1)) == 0
    assert sine.loss(np.zeros_like(sine.train_targets)) == pytest.approx(sine.chance, rel=1e-6)
    assert sine.score(sine.test_targets) == 1
    mean = np.full_like(sine.test_targets, sine.test_targets.mean())
    assert sine.score(mean) == pytest.approx(0, abs=1e-6)


def test_functions_are_sampled_as_they_are():
    given = task("kink", 0)
    x = np.linspace(-1, 1, len(given.test))[:, None]
    slope, _ = np.polyfit(FUNCTIONS["kink"](x).ravel(), given.test_targets.ravel(), 1)
    np.testing.assert_allclose(
        np.ptp(given.test_targets), slope * np.ptp(FUNCTIONS["kink"](x)), 1e-5
    )


# Networks of several activations and of numbers


def test_layers_have_the_activations_in_turns():
    net = Network((3, 4, 4, 4, 1), [act.relu, act.tanh], np.positive, np.random.default_rng(0))
    assert net.activations == [act.relu, act.tanh, act.relu]
    x = np.random.default_rng(1).standard_normal((5, 3), np.float32)
    h = x
    for (weights, shift), f in zip(net.layers[:-1], net.activations, strict=True):
        h = f(h @ weights + shift)
    weights, shift = net.layers[-1]
    np.testing.assert_array_equal(net.predict(x), h @ weights + shift)


def test_gradient_of_the_squared_error():
    net = Network((3, 8, 8, 2), [act.tanh, act.gelu], np.positive, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    x, targets = (rng.standard_normal((20, k)).astype(np.float32) for k in (3, 2))
    net.backpropagate(x, targets)

    def loss():
        errors = net.predict(x).astype(np.float64) - targets
        return np.sum(errors**2) / 2 / len(x)

    start, gradient = net.parameters.copy(), net.gradient.copy()
    norm = float(np.linalg.norm(gradient))
    step = 1e-2 * gradient / norm
    net.parameters[...] = start + step
    above = loss()
    net.parameters[...] = start - step
    assert (above - loss()) / 2e-2 == pytest.approx(norm, rel=2e-3)


# Runs


def test_run_learns_and_is_repeated_by_its_seed():
    setup = replace(QUICK, activation="gelu/relu", epochs=6)
    outcome, again = runs.run(setup), runs.run(setup)
    assert outcome.loss[0] > outcome.loss[-1] and len(outcome.loss) == 7
    assert outcome.score > 0.3 and not outcome.diverged and outcome.flow > 0
    assert replace(again, seconds=outcome.seconds) == outcome
    assert runs.run(replace(setup, seed=1)).loss != outcome.loss


def test_converged_is_the_first_epoch_below_the_mark(monkeypatch):
    outcome = runs.run(replace(QUICK, epochs=3))
    monkeypatch.setattr(runs, "CONVERGED_FUNCTION", outcome.loss[2])
    expected = next(k for k, x in enumerate(outcome.loss) if x <= outcome.loss[2])
    assert runs.run(replace(QUICK, epochs=3)).converged == expected
    monkeypatch.setattr(runs, "CONVERGED_FUNCTION", 0.0)
    assert runs.run(replace(QUICK, epochs=3)).converged is None


def test_divergence_is_a_finding():
    outcome = runs.run(replace(QUICK, activation="exponential", rate=30.0, depth=4))
    assert outcome.diverged
    assert json.dumps(outcome.as_dict(), allow_nan=False)


def test_units_without_slope_are_dead():
    outcome = runs.run(replace(QUICK, activation="step"))
    assert outcome.dead == outcome.saturated == 1
    assert runs.run(replace(QUICK, activation="identity")).saturated == 0


# Going on


def test_study_goes_on_from_its_state(tmp_path, monkeypatch):
    setups = study.plan(["relu", "tanh"], ["peak"], [2], [1e-3], seeds=2, epochs=1)
    assert [s.seed for s in setups] == [0, 0, 1, 1]
    path = tmp_path / "state.jsonl"
    first = study.study(setups[:3], study.State(path))
    with path.open("a") as file:
        file.write('{"version": "0.1')  # interrupted while it wrote
    done = []
    monkeypatch.setattr(study, "run", lambda setup: done.append(setup) or runs.run(setup))
    state = study.State(path)
    assert study.study(setups, state)[:3] == first
    assert done == setups[3:]
    assert study.study(setups, study.State(path)) == list(state.outcomes.values())
    assert done == setups[3:]


def test_state_of_another_version_or_of_nothing(tmp_path, monkeypatch):
    path = tmp_path / "state.jsonl"
    study.study([QUICK], study.State(path))
    monkeypatch.setattr(study, "__version__", "another")
    assert study.State(path).outcomes == {}
    path.write_text("[]\n")
    with pytest.raises(ValueError, match=r"line 1 of .* is no outcome"):
        study.State(path)


# Summaries


def outcome(name: str = "relu", rate: float = 1e-3, seed: int = 0, **changes: object):
    made = runs.Outcome(
        runs.Setup(name, "sine", 2, rate, seed, 2),
        score=0.5,
        loss=[1.0, 0.5, 0.2],
        diverged=False,
        converged=2,
        flow=1.0,
        dead=0.0,
        saturated=0.0,
        seconds=0.001,
    )
    return replace(made, **changes)


def test_spread_counts_failures_as_worst():
    spread = summary.Spread.of([1.0, 2.0, None, 3.0, 4.0], math.inf)
    assert (spread.low, spread.median, spread.high) == (2, 3, 4)
    failed = summary.Spread.of([1.0, None, None], math.inf)
    assert failed.median == math.inf and failed.as_dict()["median"] is None


def test_summary_takes_the_rate_that_learned_best_in_training():
    outcomes = [
        outcome(score=0.9, loss=[1.0, 0.9]),
        outcome(rate=1e-2, score=0.1, loss=[1.0, 0.1]),
        outcome(rate=1.0, score=None, loss=[1.0, None], diverged=True),
        outcome("tanh", score=0.3),
    ]
    relu, tanh = summary.summarize(outcomes)
    assert relu.rate == 1e-2 and relu.score.median == 0.1 and relu.runs == 1
    assert relu.diverged == pytest.approx(1 / 3) and tanh.diverged == 0
    assert summary.ranks([relu, tanh]) == {"tanh": 1.0, "relu": 2.0}


def shown(summaries) -> str:
    console = Console(width=110)
    with console.capture() as capture:
        for table in report.tables(summaries):
            console.print(table)
    return capture.get()


def test_report_is_legible():
    names = [*act.names()[:14], "spike_fast_sigmoid/hardsigmoid"]
    outcomes = [
        replace(made, setup=replace(made.setup, task=name))
        for name in TASKS
        for k, activation in enumerate(names)
        for made in [outcome(activation, score=k / 15 - 0.3 * (k == 3), converged=None)]
    ]
    outcomes[0] = replace(outcomes[0], score=None, loss=[None] * 3)
    summaries = summary.summarize(outcomes)
    text = shown(summaries)
    assert "never" in text and "…" not in text
    assert report.verdict(summaries).startswith(
        f"Mean place over {len(TASKS)} tasks: {names[-1]} 1.0"
    )
    page = report.page(summaries, "fastcpuact evaluate")
    assert page.count(".. list-table::") == len(TASKS)
    assert is_legible(report.scores(summaries))
    assert is_legible(report.losses(outcomes, summaries))


# The command


def test_evaluate(tmp_path):
    picture, curves, page = (tmp_path / n for n in ("a.png", "b.svg", "c.rst"))
    arguments = (
        *("evaluate", "relu", "quick_gelu/tanh", "--quick", "--task", "peak", "--epochs", 1),
        *("--state", tmp_path / "state.jsonl", "--picture", picture, "--curves", curves),
    )
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)["summaries"]
    assert [s["activation"] for s in found] == ["relu", "gelu_sigmoid/tanh"]
    assert found[0]["runs"] == 2 and found[0]["score"]["median"] is not None
    assert picture.exists() and "<svg" in curves.read_text()
    result = invoke(*arguments, "--page", page)
    assert "Mean place over 1 tasks" in result.stdout.replace("\n", " ")
    assert "fastcpuact evaluate relu" in page.read_text()
    assert ".. image:: a.png\n" in page.read_text() and ".. image:: b.svg\n" in page.read_text()
    assert len((tmp_path / "state.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gleu",), "did you mean"),
        (("relu/threshold",), "threshold has a parameter without default"),
        (("relu", "--task", "chess"), "'chess' is none of digits"),
        (("relu", "--rate", "0"), "Invalid value for '--rate'"),
        (("relu", "--page", "page.txt"), "must end in .rst"),
    ],
)
def test_evaluate_refuses(arguments, message):
    result = invoke("evaluate", *arguments)
    assert result.exit_code == 2
    assert message in result.output
