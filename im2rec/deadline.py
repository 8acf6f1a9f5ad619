"""How long an item may take. Pure."""

from __future__ import annotations


class Deadline:
    """Tells when an item had its time.

    Time in which nobody looked for half of it does not count: all processes may have been stopped, or the machine asleep, and then the
    items had none of it either.

    Args:
        seconds: that an item may take, 0 for no limit.
        now: the time of a clock that does not go back, in seconds, as everywhere here.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self.seconds = seconds
        self._looked = self._counted_from = now

    @property
    def pause(self) -> float | None:
        """Seconds after which to look again, at the latest; None without a limit."""
        return min(1.0, self.seconds / 4) if self.seconds else None

    def look(self, now: float) -> None:
        """Note that somebody looks; to be called before :meth:`is_over`."""
        if now - self._looked > self.seconds / 2:
            self._counted_from = now
        self._looked = now

    def is_over(self, since: float) -> bool:
        """Tell whether an item that was begun at some time has had its own by the last look."""
        return bool(self.seconds) and self._looked - max(since, self._counted_from) > self.seconds
