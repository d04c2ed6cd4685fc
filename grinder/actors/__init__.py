"""The thin doors: one actor a file. Import them as ``grinder.actors``, never as ``actors``."""

if __name__ != "grinder.actors":
    raise ImportError(
        "import grinder.actors, not actors: the link at the top of the repository would make "
        "second copies of every class"
    )
