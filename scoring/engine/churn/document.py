"""A model as JSON: coefficients, a format number and a sha256 of the content. Nothing is ever unpickled.

What comes back from a row of a table is not trusted: every number and length is looked at, and CorruptModel says
what is wrong (a caller then keeps the last good scores).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import timing as contract
from .data import PERIODS, Floats
from .model import LASTING, Calibration, Curve, Fitted, Timing

FORMAT = 1
METHODS = ("none", "intercept", "both", "base_rate")
FORMS = ("linear", "step")
DIGITS = 6  # significant ones of the interval's directions; coefficients are kept whole


class CorruptModel(ValueError):
    """A stored model that cannot be used, and why."""


def _short(values: Floats | None) -> list[Any] | None:
    if values is None:
        return None
    with np.errstate(divide="ignore"):
        size = np.where(values == 0, 0.0, np.floor(np.log10(np.abs(np.where(values == 0, 1.0, values)))))
    factor = 10.0 ** (DIGITS - 1 - size)
    short: list[Any] = [
        [float(f"{value:.{DIGITS}g}") for value in row] for row in np.round(values * factor) / factor
    ]
    return short


def _whole(values: Floats | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "name": curve.name,
        "form": curve.form,
        "xs": _whole(curve.xs),
        "ys": _whole(curve.table[:-1]),
        "missing": float(curve.table[-1]),
        "usual": None if np.isnan(curve.usual) else float(curve.usual),
        "early": _whole(curve.early),
        "spread": _short(curve.spread),
        "early_spread": _short(curve.early_spread),
    }


def _timing(timing: Timing) -> dict[str, Any]:
    return {
        "columns": list(contract.COLUMNS),
        "coefs": _whole(timing.coefs),
        "usual": _whole(timing.usual),
        "base": _whole(timing.base),
        "base_usual": _whole(timing.base_usual),
        "auto": timing.auto,
        "link": None if timing.link is None else _curve(timing.link),
        "spread": _short(timing.spread),
        "base_spread": _short(timing.base_spread),
    }


def digest(document: Mapping[str, Any]) -> str:
    """sha256 over the sorted JSON of everything but the digest itself."""
    body = {key: value for key, value in document.items() if key != "sha256"}
    # jsonb gives 1e16 and more back as a whole number: all numbers are compared as floats
    plain = json.loads(json.dumps(body), parse_int=float)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def to_document(fitted: Fitted) -> dict[str, Any]:
    """JSON of the model. from_document(to_document(m)) gives the same chances and parts; bounds to 6 digits."""
    done = fitted.calibration
    document: dict[str, Any] = {
        "format": FORMAT,
        "kind": fitted.kind,
        "periods": list(PERIODS),
        "curves": [_curve(curve) for curve in fitted.curves],
        "timing": _timing(fitted.timing),
        "fade": _whole(fitted.fade),
        "calibration": {
            "method": done.method,
            "intercept": float(done.intercept),
            "slope": float(done.slope),
            "facts": dict(done.facts),
        },
        "facts": dict(fitted.facts),
    }
    # the database's jsonb knows no minus zero: with one, the content that comes back would have another sha256
    document = json.loads(json.dumps(document, allow_nan=False), parse_float=lambda text: float(text) + 0.0)
    return document | {"sha256": digest(document)}


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise CorruptModel(what)


def _field(part: Any, key: str, where: str) -> Any:
    _need(isinstance(part, Mapping) and key in part, f"{where} has no {key}")
    return part[key]


def _numbers(part: Any, key: str, where: str, *, shape: tuple[int | None, ...]) -> Floats:
    found = _field(part, key, where)
    try:
        values = np.array(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CorruptModel(f"{where}.{key} is not numbers") from error
    fits = values.ndim == len(shape) and all(
        b is None or a == b for a, b in zip(values.shape, shape, strict=False)
    )
    _need(fits, f"{where}.{key} has the shape {values.shape}, not {shape}")
    _need(bool(np.isfinite(values).all()), f"{where}.{key} is not finite")
    return values


def _maybe(part: Any, key: str, where: str, *, shape: tuple[int | None, ...]) -> Floats | None:
    return None if _field(part, key, where) is None else _numbers(part, key, where, shape=shape)


def _number(part: Any, key: str, where: str) -> float:
    _need(isinstance(_field(part, key, where), int | float), f"{where}.{key} is not a number")
    return float(_numbers(part, key, where, shape=()))


def _text(part: Any, key: str, where: str) -> str:
    found = _field(part, key, where)
    _need(isinstance(found, str), f"{where}.{key} is not text")
    return str(found)


def _read_curve(part: Any, where: str, directions: int | None) -> Curve:
    form = _text(part, "form", where)
    _need(form in FORMS, f"{where}.form is {form!r}")
    xs = _numbers(part, "xs", where, shape=(None,))
    _need(bool((np.diff(xs) > 0).all()), f"{where}.xs do not rise")
    _need(form == "step" or len(xs) > 0, f"{where}.xs are empty")
    ys = _numbers(part, "ys", where, shape=(len(xs) + (form == "step"),))
    rows = len(ys) + 1
    usual = np.nan if _field(part, "usual", where) is None else _number(part, "usual", where)
    return Curve(
        name=_text(part, "name", where),
        form="step" if form == "step" else "linear",
        xs=xs,
        table=np.append(ys, _number(part, "missing", where)),
        usual=usual,
        early=_maybe(part, "early", where, shape=(rows,)),
        spread=_maybe(part, "spread", where, shape=(rows, directions)),
        early_spread=_maybe(part, "early_spread", where, shape=(rows, directions)),
    )


def _read_timing(part: Any) -> Timing:
    _need(
        _field(part, "columns", "timing") == list(contract.COLUMNS),
        "timing.columns are those of another version",
    )
    width, count = len(contract.COLUMNS), len(PERIODS)
    link = _field(part, "link", "timing")
    return Timing(
        coefs=_numbers(part, "coefs", "timing", shape=(width,)),
        usual=_numbers(part, "usual", "timing", shape=(count,)),
        base=_numbers(part, "base", "timing", shape=(width,)),
        base_usual=_numbers(part, "base_usual", "timing", shape=(count,)),
        auto=_text(part, "auto", "timing"),
        link=None if link is None else _read_curve(link, "timing.link", None),
        spread=_maybe(part, "spread", "timing", shape=(width, None)),
        base_spread=_maybe(part, "base_spread", "timing", shape=(width, None)),
    )


def _read_calibration(part: Any) -> Calibration:
    method = _text(part, "method", "calibration")
    _need(method in METHODS, f"calibration.method is {method!r}")
    slope = _number(part, "slope", "calibration")
    _need(slope >= 0, "calibration.slope is below zero")
    facts = _field(part, "facts", "calibration")
    _need(isinstance(facts, Mapping), "calibration.facts are not named")
    return Calibration(method, _number(part, "intercept", "calibration"), slope, dict(facts))  # type: ignore[arg-type]


def from_document(document: Any) -> Fitted:
    """The model of a document. CorruptModel says what is wrong with it."""
    _need(isinstance(document, Mapping), "not a model: no mapping")
    _need(document.get("format") == FORMAT, f"format {document.get('format')!r} is not {FORMAT}")
    try:
        same = document.get("sha256") == digest(document)
    except (TypeError, ValueError) as error:
        raise CorruptModel("holds what JSON does not know") from error
    _need(same, "the content is not what its sha256 says")
    _need(_field(document, "periods", "model") == list(PERIODS), "periods are those of another version")
    timing = _read_timing(_field(document, "timing", "model"))
    directions = None if timing.spread is None else timing.spread.shape[1]
    curves = _field(document, "curves", "model")
    _need(isinstance(curves, list), "curves are no list")
    read = tuple(_read_curve(curve, f"curves[{at}]", directions) for at, curve in enumerate(curves))
    _need(len({curve.name for curve in read}) == len(read), "two curves share a name")
    _need(
        timing.spread is not None or all(c.spread is None for c in read),
        "curves have a spread, timing has none",
    )
    fade = LASTING
    if "fade" in document:  # versions from before it have none
        fade = _numbers(document, "fade", "model", shape=(len(PERIODS),))
        falls = fade[0] == 1 and (np.diff(fade) <= 0).all() and fade[-1] >= 0
        _need(bool(falls), "fade does not fall from 1 to 0")
    facts = _field(document, "facts", "model")
    _need(isinstance(facts, Mapping), "facts are not named")
    calibration = _read_calibration(_field(document, "calibration", "model"))
    return Fitted(_text(document, "kind", "model"), read, timing, calibration, dict(facts), fade)
