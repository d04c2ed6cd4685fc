"""Which response model Binance's SDK has for each call and stream, and how a body differs from it.

The models were generated from Binance's own description of its API, independently of the samples
that this repository keeps: they are a second witness.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from binance_sdk_derivatives_trading_usds_futures.rest_api import api as rest_api
from binance_sdk_derivatives_trading_usds_futures.websocket_api import api as socket_api
from binance_sdk_derivatives_trading_usds_futures.websocket_streams import models as stream_models
from binance_sdk_derivatives_trading_usds_futures.websocket_streams import streams
from pydantic import BaseModel

KEPT = {"additional_properties"}
KINDS: Mapping[type, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
}


def rest_models() -> dict[tuple[str, str], Any]:
    """Return the model of each REST call, by method and path; None where the SDK has no model."""
    return {
        (method, path): model
        for source, model in _calls(rest_api)
        for method in re.findall(r'method="(\w+)"', source)
        for path in re.findall(r'path="([^"]+)"', source)
    }


def socket_models() -> dict[str, Any]:
    """Return the model of each method of the WebSocket API, without its leading slash."""
    return {
        name: model
        for source, model in _calls(socket_api)
        for name in re.findall(r'"method": "/?([^"]+)"', source)
    }


def stream_models_by_name() -> dict[str, Any]:
    """Return the model of each stream, by its name with ``<symbol>`` and the like in it."""
    return {
        name: model
        for source, model in _calls(streams)
        for name in re.findall(r'"/([^"]+)"\.replace', source)
    }


def event_model(event: str) -> Any:
    """Return the model of a user-data event, None if the SDK has none."""
    wanted = re.sub(r"[^a-z]", "", event.lower())
    found = {
        name.lower(): each for name, each in inspect.getmembers(stream_models, inspect.isclass)
    }
    return found.get(wanted)


def _calls(package: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield source and response model of every call of a package of the SDK."""
    for _, module in inspect.getmembers(package, inspect.ismodule):
        for _, holder in inspect.getmembers(module, inspect.isclass):
            if holder.__module__ != module.__name__:
                continue
            for _, call in inspect.getmembers(holder, inspect.isfunction):
                source = inspect.getsource(call)
                found = re.search(r"response_model=(\w+)", source)
                yield source, getattr(module, found.group(1), None) if found else None


def differences(value: Any, wanted: Any, path: str = "") -> list[str]:
    """Return how ``value`` differs from a model or an annotation: fields and JSON kinds."""
    if inspect.isclass(wanted) and issubclass(wanted, BaseModel):
        return _of_model(value, wanted, path)
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        # Of a call that answers one row or all of them, some models know the row only.
        found = [
            (_of_rows if isinstance(value, list) and inspect.isclass(each) else differences)(
                value, each, path
            )
            for each in inner
            if each is not type(None)
        ]
        return min(found, key=len)
    if origin is list:
        if not isinstance(value, list):
            return [f"{path} is {type(value).__name__}, not a list"]
        return _of_rows(value, inner[0], path)
    if inner and inner[0] in KINDS:
        wanted = inner[0]
    if wanted not in KINDS:
        return []
    return [] if type(value) in KINDS[wanted] else [f"{path} is {value!r}, not {wanted.__name__}"]


def _of_rows(value: list[Any], wanted: Any, path: str) -> list[str]:
    return [each for row in value for each in differences(row, wanted, f"{path}[]")]


def _of_model(value: Any, model: Any, path: str) -> list[str]:
    if "actual_instance" in model.model_fields:
        return differences(value, model.model_fields["actual_instance"].annotation, path)
    if isinstance(value, list) and getattr(model, "is_array", bool)():
        return [each for row in value for each in _of_row(row, model, f"{path}[]")]
    return _of_row(value, model, path)


def _of_row(value: Any, model: Any, path: str) -> list[str]:
    fields = {
        field.alias or name: field.annotation
        for name, field in model.model_fields.items()
        if name not in KEPT
    }
    if not fields:
        return []
    if not isinstance(value, dict):
        return [f"{path} is {type(value).__name__}, not an object"]
    found = [f"{path}.{name} is absent" for name in fields if name not in value]
    found += [f"{path}.{name} is unknown" for name in value if name not in fields]
    for name, annotation in fields.items():
        if name in value:
            found += differences(value[name], annotation, f"{path}.{name}")
    return found
