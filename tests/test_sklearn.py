"""scikit-learn: the transformer keeps its contract, networks give the same predictions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from conftest import require_package

require_package("sklearn")

from scipy.sparse import csr_array  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_iris, make_multilabel_classification  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

import fastcpuact as act  # noqa: E402
from fastcpuact.sklearn import (  # noqa: E402
    ActivationTransformer,
    mlp_predict,
    mlp_predict_proba,
)

X, Y = load_iris(return_X_y=True)


@parametrize_with_checks(
    [
        ActivationTransformer(),
        ActivationTransformer("leaky_relu", negative_slope=0.2),
        ActivationTransformer("softmax"),
    ]
)
def test_estimator_checks(estimator, check):
    check(estimator)


def test_parameters():
    transformer = ActivationTransformer("elu", alpha=2.0)
    assert transformer.get_params() == {"name": "elu", "alpha": 2.0}
    assert clone(transformer).get_params() == transformer.get_params()
    assert np.array_equal(transformer.fit_transform(X - 3), act.elu(X - 3, 2.0))
    transformer.set_params(alpha=0.5)
    assert np.array_equal(transformer.fit_transform(X - 3), act.elu(X - 3, 0.5))
    transformer.set_params(name="gelu")
    assert transformer.get_params() == {"name": "gelu"}
    assert np.array_equal(transformer.fit_transform(X - 3), act.gelu(X - 3))
    transformer.set_params(name="celu", alpha=2.0)
    assert np.array_equal(transformer.fit_transform(X - 3), act.celu(X - 3, 2.0))
    transformer = ActivationTransformer(act.gelu.fast)
    assert np.array_equal(transformer.fit_transform(X), act.gelu.fast(X))
    single = ActivationTransformer("softmax").fit_transform(X.astype(np.float32))
    assert single.dtype == np.float32
    assert np.array_equal(single, act.softmax(X.astype(np.float32)))


def test_errors():
    with pytest.raises(ValueError, match="elu has no parameter 'beta'"):
        ActivationTransformer("elu", beta=1).fit(X)
    with pytest.raises(ValueError, match="elu has no parameter 'beta'"):
        ActivationTransformer("elu").set_params(beta=1).fit(X)
    with pytest.raises(ValueError, match="threshold needs the parameter 'value'"):
        ActivationTransformer("threshold", threshold=1.0).fit(X)
    with pytest.raises(ValueError, match="no activation is called 'gelo'"):
        ActivationTransformer("gelo").fit(X)
    with pytest.raises(ValueError, match="name must be that of an activation of one argument"):
        ActivationTransformer("swiglu").fit(X)
    with pytest.raises(ValueError, match="name must not be 'logsumexp'"):
        ActivationTransformer("logsumexp").fit(X)
    for predict in (mlp_predict, mlp_predict_proba):
        with pytest.raises(TypeError, match="model must be an MLPClassifier"):
            predict(Ridge().fit(X, Y), X)


def test_networks_of_one_class_of_counts_and_of_sparse_samples():
    small = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0}
    # Before scikit-learn 1.7 there was one loss.
    loss = {"loss": "poisson"} if "loss" in MLPRegressor().get_params() else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one = MLPClassifier(**small).fit(X, np.full(len(X), "a"))
        counts = MLPRegressor(**small, **loss).fit(X, Y)
        iris = MLPClassifier(**small).fit(X, Y)
    assert np.array_equal(mlp_predict(one, X), one.predict(X))
    np.testing.assert_allclose(mlp_predict_proba(one, X), one.predict_proba(X), rtol=1e-12)
    np.testing.assert_allclose(mlp_predict(counts, X), counts.predict(X), rtol=1e-12)
    sparse = csr_array(X)
    np.testing.assert_allclose(mlp_predict_proba(iris, sparse), iris.predict_proba(sparse))


def test_a_search_over_activations():
    search = GridSearchCV(
        make_pipeline(ActivationTransformer("elu", alpha=1.0), LogisticRegression(max_iter=1000)),
        {"activationtransformer__alpha": [0.5, 2.0]},
        cv=2,
    ).fit(X - 3, Y)
    assert search.best_score_ > 0.9


LABELS = make_multilabel_classification(80, 4, n_classes=3, random_state=0)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize(
    ("make", "x", "y"),
    [
        pytest.param(MLPClassifier, X, Y, id="classes"),
        pytest.param(MLPClassifier, X, np.array(["a", "b"])[(Y > 0).astype(int)], id="two"),
        pytest.param(MLPClassifier, *LABELS, id="labels"),
        pytest.param(MLPRegressor, X, X[:, 0] * 2, id="number"),
        pytest.param(MLPRegressor, X, X[:, :2], id="numbers"),
    ],
)
def test_networks_predict_the_same(make, x, y, activation):
    model = make(
        hidden_layer_sizes=(6, 5),
        activation=activation,
        solver="lbfgs",
        max_iter=20,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)
    ours, theirs = mlp_predict(model, x), model.predict(x)
    assert ours.shape == theirs.shape
    if make is MLPRegressor:
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
        with pytest.raises(TypeError, match="model must be an MLPClassifier"):
            mlp_predict_proba(model, x)
    else:
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
        p = mlp_predict_proba(model, x)
        np.testing.assert_allclose(p, model.predict_proba(x), rtol=1e-10, atol=1e-14)
