"""A circuit breaker: a server that failed several times in a row is left alone, then tried by one question."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from triage.slm.vllm.errors import CircuitOpenError, ServerError


class CircuitBreaker:
    """Safe to use from several threads.

    Args:
        failures: so many in a row open the circuit. Questions that were under way together and lost together count
            once.
        rest_seconds: how long nothing is asked then. Afterwards one question goes through; if it fails too, the rest
            begins anew.
        clock: seconds, never going back.
    """

    def __init__(
        self, *, failures: int = 6, rest_seconds: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._rest = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._until: float | None = None
        self._probing = False
        self._last = ""
        self._noted = float("-inf")

    @property
    def closed(self) -> bool:
        """Whether questions go through as usual."""
        return self._until is None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One question. An error that says the server is unwell counts; any other answer shows that it lives.

        Raises:
            CircuitOpenError: the server is being left alone.
        """
        probe = self._enter()
        began = self._clock()
        try:
            yield
        except ServerError as error:
            if error.unwell:
                # A replica that dies breaks all its questions off at once. That is one failure, however many they
                # were: counted each, eight would close the way to the replicas that live.
                if probe or not error.together or began >= self._noted:
                    self._note(type(error).__name__)
            else:
                self._clear()
            raise
        except BaseException:
            # Cancelled: nothing was learnt, and the next question may be the one that tries.
            if probe:
                with self._lock:
                    self._probing = False
            raise
        self._clear()

    def _enter(self) -> bool:
        """Whether this question is the one that tries whether the server is back."""
        with self._lock:
            if self._until is None:
                return False
            left = self._until - self._clock()
            if left > 0 or self._probing:
                raise CircuitOpenError(
                    f"the model server failed {self._failed} times in a row ({self._last}); "
                    f"it is tried again in {max(left, 0.0):.0f} s"
                )
            self._probing = True
            return True

    def _note(self, name: str) -> None:
        with self._lock:
            self._failed += 1
            self._last = name
            self._noted = self._clock()
            self._probing = False
            if self._failed >= self._most:
                self._until = self._clock() + self._rest

    def _clear(self) -> None:
        with self._lock:
            self._failed = 0
            self._until = None
            self._probing = False
