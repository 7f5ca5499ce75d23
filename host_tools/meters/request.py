"""A meter that is asked (IEC 62056-21 mode C): requests and acknowledgements in; identification, then the data block at another speed, out.

At 300 baud: `/?!`, after its reaction time the identification, then up to 1.5 s for the reader's choice of speed. 0.3 s after that
the block comes at the speed chosen; without a choice it comes at 300 baud, 2 s after the identification.
"""

from __future__ import annotations

import re
from dataclasses import replace

from host_tools.meters.d0 import SPEEDS, acknowledgement
from host_tools.meters.kinds import Kind, Meter

_REQUEST = re.compile(rb"/\?([0-9A-Za-z ]{0,32})!\r\n")
_REACTION_S, _QUICK_REACTION_S = 0.2, 0.02  # the second for a manufacturer whose third letter is small
_CHOICE_S = 1.5  # after the identification: how long the reader may take to begin its answer
_UNCHOSEN_S = 2.0  # after the identification: without an answer the data come
_SWITCH_S = 0.3  # between the answer and the data at the new speed
_REST_S = 0.5  # at the new speed after the data, before it listens for requests again
_MOST = 64  # bytes of a request: what comes before is forgotten


class Requested(Meter):
    """Waits at its kind's line until it is asked; `identification` is what it answers, its fifth character (after the slash: fourth) the speed."""

    def __init__(self, kind: Kind, seed: int, identification: str):
        super().__init__(kind, seed)
        self.identification = f"/{identification}\r\n".encode("ascii")
        self.speed = identification[3]
        self.wake: float | None = None
        self._heard = b""
        self._state = self._idle
        self._chosen_until = 0.0

    def receive(self, data: bytes, unix: float) -> None:
        """Bytes that came at the line's present settings; `unix`: when the last of them was there."""
        self._heard = (self._heard + data)[-_MOST:]
        if self._state == self._idle and _REQUEST.search(self._heard):
            self._next(self._identify, unix + (_QUICK_REACTION_S if self.identification[3:4].islower() else _REACTION_S))
        elif self._state == self._send_slowly and acknowledgement(self.speed) in self._heard and unix <= self._chosen_until:
            self.line = replace(self.line, baud=SPEEDS[self.speed])
            self._next(self._send, unix + _SWITCH_S)

    def telegram(self, unix_time: float) -> bytes:
        """What it has to say now: mostly nothing."""
        if self.wake is None or unix_time < self.wake:
            return b""
        return self._state(unix_time)

    def _next(self, state: object, at: float | None) -> None:
        self._state, self.wake, self._heard = state, at, b""

    def _idle(self, unix: float) -> bytes:
        """Back to the first speed."""
        self.line = self.kind.line
        self._next(self._idle, None)
        return b""

    def _identify(self, unix: float) -> bytes:
        out = unix + len(self.identification) * self.line.byte_seconds
        self._chosen_until = out + _CHOICE_S + len(acknowledgement(self.speed)) * self.line.byte_seconds
        self._next(self._send_slowly, out + _UNCHOSEN_S)
        return self.identification

    def _send(self, unix: float) -> bytes:
        data = super().telegram(unix)
        self._next(self._idle, unix + len(data) * self.line.byte_seconds + _REST_S)
        return data

    def _send_slowly(self, unix: float) -> bytes:
        return self._send(unix)
