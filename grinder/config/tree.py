"""The shape of the settings tree: which fields there are, of which type, and what they mean."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

import attrs

from grinder.model.settings import Config


@attrs.frozen(kw_only=True)
class Field:
    """One setting."""

    section: str
    name: str
    kind: Any
    """The annotated type: bool, int, float, str, Decimal or ``tuple[str, ...]``."""
    default: Any
    doc: str
    """The sentence under the field; empty when its name says it all."""

    @property
    def path(self) -> str:
        """``section.field``, as problems and ``--set`` write it."""
        return f"{self.section}.{self.name}"


@cache
def fields() -> dict[str, Field]:
    """Return every setting by its path, in the order of the file."""
    found: dict[str, Field] = {}
    for section, cls in _classes().items():
        docs = field_docs(cls)
        for field in attrs.fields(attrs.resolve_types(cls)):
            entry = Field(
                section=section,
                name=field.name,
                kind=field.type,
                default=field.default,
                doc=docs.get(field.name, ""),
            )
            found[entry.path] = entry
    return found


@cache
def sections() -> dict[str, str]:
    """Return the sentence about each section by its name, in the order of the file."""
    return {
        section: (inspect.getdoc(cls) or "").partition(": ")[2]
        for section, cls in _classes().items()
    }


def _classes() -> dict[str, type[attrs.AttrsInstance]]:
    default = Config()
    return {section.name: type(getattr(default, section.name)) for section in attrs.fields(Config)}


def field_docs(cls: type) -> dict[str, str]:
    """Return the sentence under each field of ``cls``, by name.

    Python keeps no docstrings of fields, so they are read from the source.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs: dict[str, str] = {}
    for field, after in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            docs[field.target.id] = inspect.cleandoc(after.value.value)
    return docs
