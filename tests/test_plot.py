"""Pictures: what they show, that it can be read, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import fastcpuact as act
from fastcpuact import plain, plot
from fastcpuact.palette import LINES


def boxes(figure: Figure) -> np.ndarray:
    """The extents of all texts and panels, as drawn."""
    figure.draw_without_rendering()
    found = [legend.get_window_extent() for legend in figure.legends]
    texts = [t for t in (figure._supxlabel, figure._supylabel, figure._suptitle) if t]
    for panel in figure.axes:
        found.append(panel.get_window_extent())
        texts += [panel.title, panel.xaxis.label, panel.yaxis.label]
        for axis in (panel.xaxis, panel.yaxis):
            low, high = axis.get_view_interval()
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high and tick.label1.get_visible():
                    texts.append(tick.label1)
    found += [t.get_window_extent() for t in texts if t.get_text()]
    return np.array([box.extents for box in found])


def is_legible(figure: Figure) -> bool:
    """Whether nothing overlaps, and nothing leaves the picture."""
    x0, y0, x1, y1 = boxes(figure).T
    apart = (x1 <= x0[:, None]) | (y1 <= y0[:, None])
    width, height = figure.bbox.size
    inside = min(x0) >= 0 and min(y0) >= 0 and max(x1) <= width and max(y1) <= height
    return bool(np.all(apart | apart.T | np.eye(len(x0), dtype=bool)) and inside)


def curve(figure: Figure, panel: int, line: int) -> tuple[np.ndarray, np.ndarray]:
    return figure.axes[panel].get_lines()[line].get_data()


def test_activation_draws_its_curves():
    figure = plot.activation("gelu")
    for line, kernel in enumerate((act.gelu, act.gelu.grad, act.gelu.grad2)):
        x, y = curve(figure, 0, line)
        np.testing.assert_array_equal(y, kernel(x))
    assert figure.axes[0].get_title() == "gelu"
    assert is_legible(figure)


def test_activation_takes_parameters():
    figure = plot.activation("leaky_relu", negative_slope=0.25)
    x, y = curve(figure, 0, 0)
    np.testing.assert_array_equal(y, act.leaky_relu(x, 0.25))
    assert figure.axes[0].get_title() == "leaky_relu, negative_slope = 0.25"


def test_curves_break_where_they_jump():
    x, y = curve(plot.activation("relu"), 0, 1)
    assert np.isnan(y[x == 0]).all() and np.isnan(y).sum() == 1
    x, y = curve(plot.activation("tanh"), 0, 1)
    assert not np.isnan(y).any()


def test_several_activations_share_panels():
    names = ["gelu", "silu", "mish", "relu", "elu", "hardswish", "tanh"]
    figure = plot.activation(*names, "silu")
    assert [t.get_text() for t in figure.legends[0].get_texts()] == names
    for panel in figure.axes:
        styles = {(line.get_color(), line.get_linestyle()) for line in panel.get_lines()[:7]}
        assert len(styles) == 7
    assert is_legible(figure)


def test_gallery_has_a_panel_for_each():
    figure = plot.gallery()
    assert [panel.get_title() for panel in figure.axes] == act.names()
    assert is_legible(figure)
    # Nothing that a function does near zero is cut off.
    for panel, name in zip(figure.axes, act.names(), strict=True):
        low, high = panel.get_xlim()
        assert all(low < kink < high for kink in act.get(name).info.properties.kinks)


@pytest.mark.parametrize("names", [["relu"], ["spike_fast_sigmoid"] * 6])
def test_small_galleries_are_legible(names):
    assert is_legible(plot.gallery(names))


def test_error_shows_the_largest_errors_below_the_bound():
    figure = plot.error("gelu", samples=2000)
    assert [panel.get_title() for panel in figure.axes] == ["f(x)", "f'(x)", "f''(x)"]
    for panel, form in zip(figure.axes, ("value", "grad", "grad2"), strict=True):
        points, bound = panel.get_lines()
        assert set(bound.get_ydata()) == {act.gelu.record.bounds[form, "float32"]}
        assert 0.5 < max(points.get_ydata()) <= bound.get_ydata()[0]
    assert is_legible(figure)


def test_error_shows_what_others_lose():
    """Half of the ULPs of an expression that is computed wrong are there to be seen."""
    figure = plot.error(
        "softplus",
        against={"naive": lambda x: np.log(1 + np.exp(x)), "plain": plain.PLAIN["softplus"]},
        samples=2000,
    )
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["fastcpuact", "naive", "plain", "stated bound"]
    assert max(curve(figure, 0, 1)[1]) > 1e6 > 10 > max(curve(figure, 0, 0)[1])
    assert is_legible(figure)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.activation(), "names must be 1 to 7 activations, got 0"),
        (lambda: plot.activation(*act.names()[:8]), "names must be 1 to 7 activations, got 8"),
        (lambda: plot.activation("elu", "celu", alpha=2.0), "parameters belong to one activation"),
        (lambda: plot.activation("gleu"), "did you mean"),
        (lambda: plot.activation("softmax"), "'softmax' is rowwise, not elementwise"),
        (lambda: plot.gallery([]), "names must be one activation at least"),
        (lambda: plot.error("gelu", "float16"), "dtype must be float32 or float64"),
        (lambda: plot.error("threshold"), "threshold has a parameter without default"),
        (lambda: plot.error("gelu", samples=10), "samples must be 1000 at least, got 10"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="gelu has no parameter 'alpha'"):
        plot.activation("gelu", alpha=1.0)


def luminance(colour: str) -> float:
    """Relative luminance of sRGB, as the web's guidelines define it."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_lines_can_be_told_from_white_and_from_each_other():
    assert all(luminance(style["color"]) < 0.5 for style in LINES)
    assert len({style["color"] for style in LINES}) == len(LINES)
    assert len({str(style["linestyle"]) for style in LINES}) == len(LINES)
