"""The picture of a story: price and ladder, regime, position and profit on one time axis."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grinder.model.order import Side
from grinder.model.units import NS_PER_S
from grinder.plot.story import Fill, Rested, Story

BUY: Final = "#1a9850"
SELL: Final = "#d73027"
MID: Final = "#222222"
REGIMES: Final = {
    "RANGE": "#d9ead3",
    "TREND_UP": "#b6d7f2",
    "TREND_DOWN": "#f6cfb0",
    "VOL_SHOCK": "#f4b6c2",
    "THIN_BOOK": "#e6dcef",
    "TOXIC": "#c9a0a0",
    "PAUSED": "#dddddd",
    "EMERGENCY": "#e06666",
}
UNTOLD: Final = "no regime was told"


def figure_of(story: Story) -> go.Figure:
    """Return the picture."""
    figure = make_subplots(
        rows=4,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.03,
        row_heights=[0.58, 0.06, 0.16, 0.20],
    )
    for trace in (*_ladder(story.orders), _mid(story), _average(story), *_fills(story.fills)):
        figure.add_trace(trace, row=1, col=1)
    for trace in _regimes(story):
        figure.add_trace(trace, row=2, col=1)
    figure.add_trace(_position(story), row=3, col=1)
    for trace in _profit(story):
        figure.add_trace(trace, row=4, col=1)
    figure.update_yaxes(title_text="price", row=1, col=1)
    figure.update_yaxes(title_text="regime", showticklabels=False, range=[0, 1], row=2, col=1)
    figure.update_yaxes(title_text="position", row=3, col=1)
    figure.update_yaxes(title_text="profit", row=4, col=1)
    figure.update_layout(
        title=_title(story),
        template="plotly_white",
        hovermode="x",
        legend={"orientation": "h", "y": 1.04, "x": 0},
        height=900,
        margin={"l": 70, "r": 20, "t": 90, "b": 40},
    )
    return figure


def _title(story: Story) -> str:
    seconds = (story.last_ns - story.first_ns) // NS_PER_S
    last = story.books[-1] if story.books else None
    profit = f", profit {last.total.normalize():f}" if last is not None else ""
    policies = ", ".join(dict.fromkeys(one[1] for one in story.plans)) or "no plan told"
    return (
        f"{story.symbol}: {_time(story.first_ns):%Y-%m-%d %H:%M:%S} UTC, {seconds} s, "
        f"{len(story.orders)} orders, {len(story.fills)} fills{profit} ({policies})"
    )


def _time(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC)


def _times(points: Iterable[int]) -> list[datetime]:
    return [_time(one) for one in points]


def _mid(story: Story) -> Any:
    return go.Scattergl(
        x=_times(at for at, _ in story.mids),
        y=[mid for _, mid in story.mids],
        name="mid",
        line={"color": MID, "width": 1.4},
    )


def _ladder(orders: list[Rested]) -> list[Any]:
    kinds = (
        ("bids", Side.BUY, False),
        ("asks", Side.SELL, False),
        ("exits that buy", Side.BUY, True),
        ("exits that sell", Side.SELL, True),
    )
    chosen = (
        (name, [one for one in orders if one.side is side and one.is_exit is is_exit])
        for name, side, is_exit in kinds
    )
    return [_segments(name, rested) for name, rested in chosen if rested]


def _segments(name: str, orders: list[Rested]) -> Any:
    x: list[datetime | None] = []
    y: list[float | None] = []
    for one in orders:
        x += [_time(one.from_ns), _time(one.to_ns), None]
        y += [float(one.price), float(one.price), None]
    is_exit = orders[0].is_exit
    line = {
        "color": BUY if orders[0].side is Side.BUY else SELL,
        "width": 2 if is_exit else 1,
        "dash": "dot" if is_exit else "solid",
    }
    opacity = 0.9 if is_exit else 0.45
    return go.Scatter(
        x=x, y=y, name=name, mode="lines", line=line, opacity=opacity, hoverinfo="skip"
    )


def _average(story: Story) -> Any:
    return go.Scatter(
        x=_times(one.at_ns for one in story.books),
        y=[float(one.average_price) if one.position else None for one in story.books],
        name="average entry",
        line={"color": "#7b4fa3", "width": 1.5, "dash": "dash", "shape": "hv"},
    )


def _fills(fills: list[Fill]) -> list[Any]:
    return [
        _markers("bought", [one for one in fills if one.side is Side.BUY], BUY, "triangle-up"),
        _markers("sold", [one for one in fills if one.side is Side.SELL], SELL, "triangle-down"),
    ]


def _markers(name: str, fills: list[Fill], colour: str, symbol: str) -> Any:
    rim = {"color": "white", "width": 1}
    return go.Scatter(
        x=_times(one.at_ns for one in fills),
        y=[float(one.price) for one in fills],
        name=name,
        mode="markers",
        marker={"color": colour, "size": 10, "symbol": symbol, "line": rim},
        text=[f"{one.qty.normalize():f}{' exit' if one.is_exit else ''}" for one in fills],
    )


def _regimes(story: Story) -> list[Any]:
    """Return a band for each regime, and the plan on top of it to be read by hovering."""
    since = [(story.first_ns, story.regimes[0][1] if story.regimes else UNTOLD)]
    since += story.regimes[1:]
    ends = [*(at for at, _ in since[1:]), story.last_ns]
    bands: dict[str, tuple[list[Any], list[Any]]] = {}
    for (at_ns, regime), to_ns in zip(since, ends, strict=True):
        x, y = bands.setdefault(regime, ([], []))
        x += [_time(at_ns), _time(at_ns), _time(to_ns), _time(to_ns), None]
        y += [0, 1, 1, 0, None]
    traces: list[Any] = [
        go.Scatter(
            x=x, y=y, name=regime, mode="lines", fill="toself",
            line={"width": 0}, fillcolor=REGIMES.get(regime, "#eeeeee"), hoverinfo="name",
        )
        for regime, (x, y) in bands.items()
    ]  # fmt: skip
    return [*traces, _plans(story)] if story.plans else traces


def _plans(story: Story) -> Any:
    return go.Scatter(
        x=_times(one[0] for one in story.plans),
        y=[0.5] * len(story.plans),
        name="plan",
        mode="markers",
        marker={"color": MID, "size": 5, "symbol": "line-ns-open"},
        text=[f"{name}: {step:g} bps, {why}" for _, name, step, why in story.plans],
        hovertemplate="%{text}<extra></extra>",
    )


def _position(story: Story) -> Any:
    return go.Scatter(
        x=_times(one.at_ns for one in story.books),
        y=[float(one.position) for one in story.books],
        name="position",
        fill="tozeroy",
        line={"color": "#4a6fa5", "width": 1, "shape": "hv"},
        showlegend=False,
    )


def _profit(story: Story) -> list[Any]:
    x = _times(one.at_ns for one in story.books)
    return [
        go.Scatter(
            x=x,
            y=[float(one.total) for one in story.books],
            name="profit",
            line={"color": MID, "width": 1.4, "shape": "hv"},
        ),
        go.Scatter(
            x=x,
            y=[float(one.net) for one in story.books],
            name="realised, fees and funding",
            line={"color": "#999999", "width": 1.2, "dash": "dot", "shape": "hv"},
        ),
    ]
