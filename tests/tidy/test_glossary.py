"""Every message is registered in the codec and explained in the glossary."""

from __future__ import annotations

import ast

from grinder.messages.codec import CODEC
from tidy import glossary, source

PLUMBING = source.CODE / "kernel" / "cell.py"
"""What the kernel puts into its own mailboxes for pykka and for fault injection; never recorded."""


def test_the_glossary_lists_the_messages_of_today() -> None:
    assert glossary.written() == glossary.message_list(), f"run {glossary.COMMAND}"


def test_every_message_class_in_the_code_is_registered() -> None:
    registered = {cls.__name__ for cls in CODEC.message_classes}

    unregistered = [
        source.place(path, node.lineno, node.name)
        for path, node in source.classes()
        if path != PLUMBING
        and any(ast.unparse(base).rpartition(".")[2] == "Message" for base in node.bases)
        and node.name not in registered
    ]

    assert not unregistered, "\n".join(unregistered)


def test_every_message_says_what_it_means() -> None:
    # attrs leaves an undocumented class without a docstring, and the list without a meaning.
    assert ": \n" not in glossary.message_list() + "\n"
