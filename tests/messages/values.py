"""Generated values of every type that a message may hold."""

from __future__ import annotations

import types
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, get_args, get_origin

import attrs
from hypothesis import strategies as st

from grinder.kernel.schema import fields_of, is_optional
from grinder.model.grid import GridPlan

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(min_value=-(2**63), max_value=2**63 - 1),
    str: st.text(max_size=20),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
}
above_zero = st.decimals("1E-8", "1E+12", allow_nan=False, allow_infinity=False)

CHECKED: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    GridPlan: {
        "center_price": above_zero,
        "spacing_bps": st.floats(1e-6, 1e6),
        "levels_up": st.integers(0, 99),
        "levels_down": st.integers(0, 99),
        "size_schedule": st.lists(above_zero, min_size=1, max_size=3).map(tuple),
    }
}
"""Fields of classes that refuse values that make no sense."""


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Generate values of ``kind``."""
    if isinstance(kind, NewType):
        return values_of(kind.__supertype__)
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if is_optional(kind):
        inner = next(part for part in get_args(kind) if part is not types.NoneType)
        return st.none() | values_of(inner)
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if parts[-1] is Ellipsis:
            return st.lists(values_of(parts[0]), max_size=3).map(tuple)
        return st.tuples(*(values_of(part) for part in parts))
    if isinstance(kind, type) and attrs.has(kind):
        fields = {name: values_of(field) for name, field in fields_of(kind).items()}
        return st.builds(kind, **(fields | CHECKED.get(kind, {})))
    raise TypeError(f"no values of {kind!r} are known")
