"""The command that serves the simulated venue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grinder.cli.common import EPILOG, failures_told

Port = Annotated[int, typer.Option(min=0, max=65535, help="REST and a page at /; 0 picks one.")]
StreamPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Streams, WebSocket API; 0 picks one.")
]
ControlPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Faults, statuses, regimes; closed when absent."),
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[SYMBOL=]FILE",
        help="Recording to play: frames of hftbacktest or cryptofeed, bars (CSV), or what "
        "grinder import writes; may be repeated.",
    ),
]
Symbols = Annotated[
    str,
    typer.Option(
        metavar="A,B",
        help="What is traded; spot: before those of spot.",
        show_default="BTCUSDT,ETHUSDT",
    ),
]
Markets = Annotated[
    str, typer.Option(metavar="A,B", help="Of usdm, coinm, spot: with their usual symbols.")
]
Seed = Annotated[int, typer.Option(help="Seed of generated markets and of chance in faults.")]
Speed = Annotated[float, typer.Option(help="Times faster than recorded.")]
RegimeNames = Annotated[
    list[str] | None,
    typer.Option(
        help="Kind of the markets: range, trend-up, trend-down, shock, thin, crash, halt; may be "
        "repeated. They are generated then, unless --data names a recording.",
    ),
]
Spread = Annotated[int, typer.Option(min=1, help="Width of the quote made up for bars.")]
Faults = Annotated[Path | None, typer.Option(help="File of faults (TOML), see docs/venue.md.")]
OrderLog = Annotated[Path | None, typer.Option(help="File for order operations.")]
Account = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY:SECRET:BALANCE[,spot.USDT=N..][:vipN][:hedge]",
        help="SECRET may be ed25519=PUBLIC; may be repeated.",
    ),
]


def venue(
    *,
    rest_port: Port = 0,
    ws_port: StreamPort = 0,
    control_port: ControlPort = None,
    host: Host = "127.0.0.1",
    data: Data = None,
    symbols: Symbols = "",
    markets: Markets = "",
    seed: Seed = 1,
    speed: Speed = 1.0,
    regime: RegimeNames = None,
    spread_ticks: Spread = 1,
    faults: Faults = None,
    order_log: OrderLog = None,
    account: Account = None,
) -> None:
    """Serve the simulated venue over HTTP and WebSocket."""
    with failures_told():
        from grinder.venues.sim.command import serve

        code = serve(
            rest_port=rest_port,
            ws_port=ws_port,
            control_port=control_port,
            host=host,
            data=data,
            symbols=_names(symbols),
            markets=_names(markets),
            seed=seed,
            speed=speed,
            regimes=regime or (),
            spread_ticks=spread_ticks,
            faults=faults,
            order_log=order_log,
            accounts=account or (),
        )
    raise typer.Exit(code)


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def add_to(app: typer.Typer) -> None:
    """Make this a command of ``app``."""
    app.command(epilog=EPILOG)(venue)
