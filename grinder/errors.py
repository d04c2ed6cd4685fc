"""Every exception class of Grinder.

::

    GrinderError
      ConfigError            the operator must change something; raised before anything starts
      VenueError             a venue said no, or did not say anything
        TransientError       the read may be repeated
        ThrottledError       wait ``retry_after_ms``
        RefusedError         the venue refused: ``code`` and ``text`` are its own
        UnknownOutcomeError  it may have happened: reconcile before doing anything else
      JournalError           what a journal holds is not what was written, or there is none
      BooksError             the store of the books can't be reached, or holds what it can't hold
      LatchesError           the file of the latches can't be used, or holds what was not written
      InvariantError         our own bug: the actor must die, its supervisor decides

Expected refusals inside the system are messages (``IntentsDenied``), not exceptions.
"""

from __future__ import annotations


class GrinderError(Exception):
    """Base of everything that Grinder raises on purpose."""


class ConfigError(GrinderError):
    """The operator must change something; nothing has been started.

    ``problems`` holds every problem found, each a sentence that names its place.
    """

    def __init__(self, problems: str | tuple[str, ...]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else problems
        super().__init__("; ".join(self.problems))


class VenueError(GrinderError):
    """A venue said no, or did not say anything."""


class TransientError(VenueError):
    """The request did not take effect and may be repeated."""


class ThrottledError(VenueError):
    """The venue asks for silence for ``retry_after_ms`` milliseconds."""

    def __init__(self, text: str, retry_after_ms: int) -> None:
        self.retry_after_ms = retry_after_ms
        super().__init__(f"{text} (retry after {retry_after_ms} ms)")


class RefusedError(VenueError):
    """The venue refused the request: nothing happened there.

    ``code`` is the venue's number (-2011 and the like), ``status`` the HTTP status (0 if none).
    """

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        self.code = code
        self.text = text
        self.status = status
        super().__init__(f"venue refused with {code}: {text}")


class UnknownOutcomeError(VenueError):
    """The request may or may not have taken effect."""


class JournalError(GrinderError):
    """A journal can't be read, or its bytes are not those that were written."""


class BooksError(GrinderError):
    """The store of the books can't be reached, or what was kept contradicts itself."""


class LatchesError(GrinderError):
    """The file of the latches can't be used, or does not hold what was written."""


class InvariantError(GrinderError):
    """A rule of our own code was broken."""
