"""The lines of a card, which a terminal, a comparison and a page of the documentation show."""

from __future__ import annotations

from .info import LIBRARIES, Info
from .properties import Properties, number

_CONTINUITY = {
    -1: "no: it jumps",
    0: "continuous; its slope jumps",
    1: "once; its curvature jumps",
    2: "yes",
}


def facts(info: Info) -> list[tuple[str, str]]:
    """Return labels and texts, the same labels for every function; a text may be empty."""
    return [
        ("kind", info.kind),
        ("f(x)" if info.kind != "gated" else "f(value, gate)", info.formula.rstrip(".")),
        ("f'(x)", info.derivative.rstrip(".")),
        ("parameters", _parameters(info)),
        ("also called", ", ".join(info.aliases)),
        *_of_curve(info.properties),
        ("error, float32", _errors(info, "float32")),
        ("error, float64", _errors(info, "float64")),
        ("cost", _costs(info)),
        *((label, info.names.get(key, "")) for key, label in LIBRARIES.items()),
        ("paper", info.paper or ""),
        ("used in", "; ".join(info.used)),
        ("beware", " ".join(info.pitfalls)),
    ]


def _parameters(info: Info) -> str:
    return ", ".join(
        f"{name} (required)" if default is None else f"{name} = {default:g}"
        for name, default in info.parameters.items()
    )


def _of_curve(p: Properties | None) -> list[tuple[str, str]]:
    labels = ("range", "limits", "monotone", "smooth", "saturating", "symmetry", "zero-centred",
              "steepest slope")  # fmt: skip
    if p is None:
        return [(label, "") for label in labels]
    at = ", ".join(f"{name} = {value:g}" for name, value in p.params.items())
    kinks = f" at {', '.join(map(number, p.kinks))}" if p.kinks else ""
    flat = "" if not any(p.flat) else ", to exactly zero slope"
    direction = "rising" if p.rising else "falling"
    surrogate = "; what stands for f' is a surrogate" if p.surrogate else ""
    texts = (
        str(p.range) + (f" for {at}" if at else ""),
        f"f: {_ends(p.limits)}; f': {_ends(p.slope_limits)}",
        f"yes, {direction}" if p.monotone else "no",
        _CONTINUITY[p.derivatives] + kinks + surrogate,
        p.saturating + flat,
        p.symmetry or "none",
        ("yes" if p.zero_centred else "no")
        + f": mean {number(p.mean)}, deviation {number(p.deviation)} for normal input",
        number(p.steepest),
    )
    return list(zip(labels, texts, strict=True))


def _ends(limits: tuple[float, float]) -> str:
    return f"{number(limits[0])} and {number(limits[1])}"


def _errors(info: Info, dtype: str) -> str:
    parts = []
    for formula, by_dtype in info.bounds.items():
        bound = by_dtype.get(dtype)
        if bound is None:
            continue
        measured = info.errors.get(formula, {}).get(dtype)
        # What was measured under another bound was another formula.
        found = f"{measured.ulp:.3g} of " if measured and measured.bound == bound else ""
        parts.append(f"{formula} {found}{bound:g}")
    return f"{', '.join(parts)} ULP" if parts else ""


def _costs(info: Info) -> str:
    parts = [f"{form} {cost.relative:.2g}×" for form, cost in info.costs.items()]
    return f"{', '.join(parts)} relu" if parts else ""
