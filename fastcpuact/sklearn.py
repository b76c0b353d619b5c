"""scikit-learn: activations as a transformer, and trained networks run through this package."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import fastcpuact as act
from fastcpuact.extras import needed

with needed("sklearn", __name__):
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["ActivationTransformer", "mlp_predict", "mlp_predict_proba"]

Array = NDArray[Any]

_KINDS = ("elementwise", "rowwise")


class ActivationTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Apply an activation to every feature, or a function along an axis to every sample.

    Parameters
    ----------
    name : str or Activation, default "gelu"
        What `fastcpuact.get` finds, elementwise or along an axis; or an activation itself, one made
        by `fastcpuact.define` for instance.
    **params
        Parameters of the activation, such as ``negative_slope=0.2``; those of the estimator too:
        ``get_params``, ``set_params`` and a grid search know them.

    Attributes
    ----------
    activation_ : Activation
        The activation that is applied.
    n_features_in_ : int
        Number of features in `fit`.

    Notes
    -----
    float32 keeps its dtype. NaN stays NaN.

    Examples
    --------
    >>> from fastcpuact.sklearn import ActivationTransformer
    >>> ActivationTransformer("leaky_relu", negative_slope=0.5).fit_transform([[-2.0, 3.0]])
    array([[-1.,  3.]])
    """

    def __init__(self, name: Any = "gelu", **params: Any) -> None:
        self.name = name
        self._params = params

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters: the name, and those of the activation that were given."""
        return {"name": self.name, **self._params}

    def set_params(self, **params: Any) -> ActivationTransformer:
        """Set the name, or parameters of the activation; `fit` checks them.

        Another name leaves the parameters behind that the activation of that name does not have.
        """
        if "name" in params:
            self.name = params.pop("name")
            # An unknown name is for fit to refuse.
            with contextlib.suppress(ValueError):
                known = self._find().params
                self._params = {p: value for p, value in self._params.items() if p in known}
        self._params = {**self._params, **params}
        return self

    def fit(self, X: Any, y: Any = None) -> ActivationTransformer:  # noqa: N803
        """Check the name, the parameters and the samples.

        Parameters
        ----------
        X : array_like of shape (samples, features)
            The samples, of which nothing but the number of features is learnt.
        y : object
            Ignored.

        Raises
        ------
        ValueError
            If there is no such activation, or it does not have such a parameter.
        """
        activation = self._find()
        if unknown := self._params.keys() - activation.params.keys():
            raise ValueError(f"{activation.name} has no parameter {sorted(unknown)[0]!r}")
        required = [p for p, default in activation.params.items() if default is None]
        if missing := [p for p in required if p not in self._params]:
            raise ValueError(f"{activation.name} needs the parameter {missing[0]!r}")
        self._validated(X, reset=True)
        self.activation_ = activation
        return self

    def transform(self, X: Any) -> Array:  # noqa: N803
        """Return the activation of the samples.

        Parameters
        ----------
        X : array_like of shape (samples, features)
            The samples.
        """
        check_is_fitted(self)
        result: Array = self.activation_(self._validated(X, reset=False), **self._params)
        return result

    def _find(self) -> Any:
        activation = act.get(self.name) if isinstance(self.name, str) else self.name
        if getattr(activation, "kind", None) not in _KINDS:
            raise ValueError(
                f"name must be that of an activation of one argument, got {self.name!r}"
            )
        if activation is act.logsumexp:
            raise ValueError("name must not be 'logsumexp', which leaves one number of a sample")
        return activation

    def _validated(self, X: Any, reset: bool) -> Array:  # noqa: N803
        dtypes = [np.float64, np.float32]
        result: Array = validate_data(
            self, X, reset=reset, dtype=dtypes, ensure_all_finite="allow-nan"
        )
        return result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


# What scikit-learn calls the activations of its networks.
_MLP: dict[str, Callable[..., Any]] = {
    "exp": act.exponential,
    "identity": act.identity,
    "logistic": act.sigmoid,
    "relu": act.relu,
    "softmax": act.softmax,
    "tanh": act.tanh,
}


def _outputs(model: Any, X: ArrayLike) -> Array:  # noqa: N803
    """Run a fitted network: its layers are public attributes."""
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise TypeError(f"model must be an MLPClassifier or MLPRegressor, got {model!r}")
    check_is_fitted(model)
    dtypes = [np.float64, np.float32]
    layer: Array = validate_data(model, X, reset=False, accept_sparse=("csr", "csc"), dtype=dtypes)
    last = len(model.coefs_) - 1
    for k, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        layer = layer @ weights
        layer += bias
        _MLP[model.out_activation_ if k == last else model.activation](layer, out=layer)
    return layer


def mlp_predict_proba(model: Any, X: ArrayLike) -> Array:  # noqa: N803
    """Return what a fitted MLPClassifier's ``predict_proba`` does, through this package.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier
        A fitted network.
    X : array_like of shape (samples, features)
        The samples.

    Returns
    -------
    ndarray
        Probabilities of the classes, or of the labels.

    Raises
    ------
    TypeError
        If the model is no MLPClassifier.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from fastcpuact.sklearn import mlp_predict_proba
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(activation="tanh", solver="lbfgs", alpha=1.0, max_iter=1000)
    >>> model = model.set_params(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> abs(mlp_predict_proba(model, X) - model.predict_proba(X)).max() < 1e-12
    np.True_
    """
    if not isinstance(model, MLPClassifier):
        raise TypeError(f"model must be an MLPClassifier, got {model!r}")
    p = _outputs(model, X)
    # One output is the probability of the second of two classes.
    return np.hstack([1 - p, p]) if model.n_outputs_ == 1 else p


def mlp_predict(model: Any, X: ArrayLike) -> Array:  # noqa: N803
    """Return what ``predict`` of a fitted MLPClassifier or MLPRegressor does, through this package.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier or MLPRegressor
        A fitted network.
    X : array_like of shape (samples, features)
        The samples.

    Returns
    -------
    ndarray
        Classes, indicators of labels, or numbers.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the model is something else.
    ValueError
        If ``X`` has another number of features, or numbers that are not finite.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from fastcpuact.sklearn import mlp_predict
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(activation="tanh", solver="lbfgs", alpha=1.0, max_iter=1000)
    >>> model = model.set_params(hidden_layer_sizes=8, random_state=0).fit(X, y)
    >>> (mlp_predict(model, X) == model.predict(X)).all()
    np.True_
    """
    if not isinstance(model, MLPClassifier):
        y = _outputs(model, X)
        return y.ravel() if y.shape[1] == 1 else y
    p = mlp_predict_proba(model, X)
    if model.out_activation_ == "logistic" and model.n_outputs_ > 1:
        return (p > 0.5).astype(int)
    # Of a single class there is no second.
    result: Array = model.classes_[p[:, : len(model.classes_)].argmax(axis=1)]
    return result
