"""Readings in by a cursor, HTTP POSTs out, to any URL as JSON batches ("http") or to a database as InfluxDB lines ("influx").

Only a 2xx acknowledges; nothing is ever skipped because a server refused it. The newest reading goes out at once when the last
request is at least the interval ago. Behind after an outage, batches with their original times follow each other as fast as the owner
allows, oldest first, and between them the newest reading has a small request of its own (JSON says "backlog":false there), so that "now"
is never older than about a second plus one request, and a receiver need not look inside a batch to tell now from then. A batch that is
refused for what it holds is halved until the one reading is found: that is tried once a minute, and the newest ones go on meanwhile.
"""

import asyncio
import time

from micropython import const

from bridge.core.errors import SettingsError
from bridge.core.unload import unload
from bridge.push.http_client import HttpClient
from bridge.push.payload import batch_pieces, reading_bytes, time_of
from bridge.push.sink import Sink

# A request's body, in pieces, ends with the reading that passes this: some 6 live readings or 40 of the history as JSON. A longer one would save little, as a request on a
# kept connection costs a few ms, and the heap has to hold a TLS connection beside it.
BODY_BYTES = const(6144)
_BEHIND_MS = const(1000)  # while behind, the newest reading waits this much longer than the interval, then gets its own request
_SLOW_MS = const(60000)  # what only the owner can mend is tried about once a minute
_LONGEST_RETRY_AFTER_S = const(600)  # a server that says "tomorrow" is asked again before
_FIRST_FETCH = const(8)  # readings taken from the journal for a body, until it is known how many fit
_TURN = const(8)  # readings written (2 ms each on an ESP32) before other tasks have their turn
_AHEAD = const(64)  # a minute and more of the newest readings that went out of turn, remembered so that the backlog does not repeat them
_NAP_MS = const(250)  # how late a live reading may be while the backlog keeps to its rate

_PASSING = (408, 429)  # of the 4xx: refused now, not for ever
_FOR_CONTENT = (400, 413, 422)  # perhaps for one reading only


class HttpSink(Sink):
    """`name` is the prefix of its settings and says the format: "http" JSON, "influx" line protocol."""

    def __init__(self, name: str, context):
        super().__init__(name, context)
        self._lines = None
        if name == "influx":
            from bridge.push.influx import LineFormat

            self._lines = LineFormat(context)
        self._client = None
        self._most = min(self._setting("batch"), self.rate)  # at most 40: as objects they take 6 KB, beside the body
        self._fetch = min(_FIRST_FETCH, self._most)
        self._behind = False  # the last batch ended before the newest reading
        self._sent_ms = None  # when the newest reading last went out
        self._ahead = []
        self._refused_seq = None  # the oldest reading, refused alone
        self._passed = 0  # readings of the present batch that cannot be written as they have no time
        self.slow_ms = _SLOW_MS

    def _setting(self, name: str):
        return self.context.settings.get(self.name + "_" + name)

    async def session(self) -> None:
        """Posts while the server takes it; returns after a refusal and its wait. Raises HttpError, SettingsError or TlsError."""
        if self._client is None:
            self._client = self._make_client()
        self._sent_ms = None  # after a failure nobody waits for the interval, and the newest goes first
        try:
            while True:
                await self._turn()
                refusal = await self._request()
                if refusal:
                    return await self._refused(refusal)
        finally:
            self._client.close()

    def _make_client(self) -> HttpClient:
        from bridge.push import http_url

        context = None
        try:
            url = self._checked("url", http_url.parse)
            headers = self._checked("token", lambda text: http_url.authorization(text, "Token" if self._lines else "Bearer"))
            headers += self._checked("header", http_url.header)
            if self._lines:
                self._lines.tail = (self._checked("url", lambda text: http_url.precision_digits(url)) + "\n").encode()
            if url.secure:
                from bridge.push.tls import make_context

                context = make_context(self._setting("tls_verify"), self._setting("ca"), self.context.log, self.name)
            content_type = "text/plain; charset=utf-8" if self._lines else "application/json"
            return HttpClient(url.host, url.port, url.request(content_type, headers), context)
        finally:  # once per start: its RAM goes back
            unload("bridge.push.http_url", "bridge.push.tls")

    def _checked(self, name: str, use):
        try:
            return use(self._setting(name))
        except SettingsError as error:
            raise SettingsError("%s_%s %s" % (self.name, name, error))

    async def _turn(self) -> None:
        """Waits for a reading whose time is known and, when not behind, until the interval is over."""
        store = self.context.store
        interval = self._setting("interval_s") * 1000
        while True:
            first = self.cursor.batch(1)
            if not first or self._waits(first[0]):
                # Nothing there, or no time for it: by the next reading the meter or the network may have set the clock.
                await store.wait(store.next)
                continue
            wait = self.pause() if self._behind else interval - self._since_sent()
            if wait <= 0 or self._newest_first(store.live):
                return
            await asyncio.sleep_ms(min(wait, _NAP_MS))

    def _waits(self, reading) -> bool:
        """Whether its time will be known once the clock is set; that of an earlier start never will."""
        return not reading.boot and time_of(reading, self.context.clock) is None

    def _since_sent(self) -> int:
        """Milliseconds since the newest reading went out; long when it never did."""
        return 1 << 28 if self._sent_ms is None else time.ticks_diff(time.ticks_ms(), self._sent_ms)

    async def _request(self):
        """Sends one request and notes what the server has; returns the answer when that is a refusal."""
        newest = self.context.store.live
        if self._lines:
            self._lines.begin()
        if self._newest_first(newest):
            refusal = await self._post([self._piece(newest)], True, None)
            if refusal is None:
                self._ahead = self._ahead[1 - _AHEAD :] + [newest.seq]
                self._behind = True
                self.delivered(newest.seq)
            elif refusal.status in _FOR_CONTENT and self._refused_seq is None:
                refusal = None  # the batches will tell whether it is this one or all
            self._sent_ms = time.ticks_ms()
            return refusal
        readings, pieces = await self._fill(self.cursor.batch(self._fetch), newest)
        first, last = readings[0].seq, readings[-1].seq
        is_newest = newest is not None and last >= newest.seq
        if not is_newest:
            self.pace(len(readings))
        refusal = await self._post(pieces, is_newest and newest.seq not in self._ahead, self.missing(self.cursor.place, first))
        if refusal is None:
            self._settle(last, is_newest)
        elif refusal.status in _FOR_CONTENT:
            self._narrow(readings, refusal)
            refusal = None
        return refusal

    def _narrow(self, readings: list, refusal) -> None:
        """Fewer at once; the one that is refused alone is told to the owner and waits for its next try."""
        self._fetch = max(1, len(readings) // 2)
        if len(readings) > 1:
            if refusal.status == 413:
                self._most = self._fetch
            return
        self._due = time.ticks_add(time.ticks_ms(), self.slow_ms)
        self._behind = True
        seq = readings[0].seq
        if seq != self._refused_seq:
            self._refused_seq = seq
            self._tell(refusal, readings[0])
            self.state = "waiting"

    def _piece(self, reading) -> bytes:
        return self._lines.piece(reading) if self._lines else reading_bytes(reading, self.context)

    async def _post(self, pieces: list, is_newest: bool, missing):
        """Posts one body; None when the server has it now (without pieces it had), else its answer. Lines cannot tell what is missing."""
        if pieces or (missing and not self._lines):
            answer = await self._client.post(pieces if self._lines else batch_pieces(pieces, self.context, not is_newest, missing))
            if not 200 <= answer.status < 300:
                return answer
            self.connected()
            if self._lines:
                self._lines.accepted()
        return None

    def _settle(self, last: int, is_newest: bool) -> None:
        """The server has everything up to and including `last`."""
        if is_newest:
            self._sent_ms = time.ticks_ms()
        self._behind = not is_newest
        self._refused_seq = None
        self.undated += self._passed
        self._ahead = [seq for seq in self._ahead if seq > last]
        self.acknowledge(last)

    def _newest_first(self, newest) -> bool:
        """Whether more than one batch waits, and the newest reading has waited for long enough."""
        if newest is None or newest.seq < self.cursor.next or newest.seq in self._ahead or newest.seq == self._refused_seq or self._waits(newest):
            return False
        behind = self._behind or self.cursor.backlog > self._most
        return behind and self._since_sent() >= self._setting("interval_s") * 1000 + _BEHIND_MS

    async def _fill(self, batch: list, newest) -> tuple:
        """(readings that this request settles, their pieces): as many of `batch` as a body may hold, at least one."""
        readings = []
        pieces = []
        size = self._passed = 0
        for reading in batch:
            if self._waits(reading):
                break
            if newest is not None and reading.seq == newest.seq:
                reading = newest  # with every digit, where the history may be rounded
            piece = b"" if reading.seq in self._ahead else self._piece(reading)
            if piece is None:
                self._passed += 1
            readings.append(reading)
            if piece:
                pieces.append(piece)
                size += len(piece)
            if len(readings) % _TURN == 0:
                await asyncio.sleep_ms(0)
            if size >= BODY_BYTES:
                self._fetch = len(readings)
                return readings, pieces
        self._fetch = min(self._most, self._fetch * 2)
        return readings, pieces

    async def _refused(self, answer) -> None:
        """Shows why and waits: as long as the server asks, or for the owner; else the base class's back-off is all."""
        self._tell(answer)
        wait = 0
        if answer.status >= 500 or answer.status in _PASSING:
            if answer.retry_after:
                wait = min(answer.retry_after, _LONGEST_RETRY_AFTER_S) * 1000
        else:
            wait = self.slow_ms
        if wait:
            self._client.close()
            self.state = "waiting"
            self.backoff.reset()
            await asyncio.sleep_ms(wait)

    def _tell(self, answer, reading=None) -> None:
        from bridge.push.http_refusals import why

        self.failed(why(answer, self._setting, self.name, reading))
        why = None
        unload("bridge.push.http_refusals")
