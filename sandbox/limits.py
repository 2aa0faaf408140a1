"""How many calls a second a source takes before it asks for patience."""

import time

GENEROUS = 5000.0


class Limits:
    """One bucket per source, holding a second's worth of calls."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._buckets = {source: Bucket(GENEROUS) for source in sources}

    def set(self, source: str, per_second: float) -> None:
        self._buckets[source] = Bucket(per_second)

    def per_second(self) -> dict[str, float]:
        return {source: bucket.per_second for source, bucket in self._buckets.items()}

    def allow(self, source: str) -> bool:
        return self._buckets[source].take()


class Bucket:
    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._room = max(per_second, 1.0)
        self._calls = self._room
        self._filled_at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._calls = min(self._room, self._calls + (now - self._filled_at) * self.per_second)
        self._filled_at = now
        if self._calls < 1:
            return False
        self._calls -= 1
        return True
