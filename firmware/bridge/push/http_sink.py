"""Readings in by a cursor, HTTP POSTs out, to any URL as JSON batches ("http") or to a database as InfluxDB lines ("influx").

Only a 2xx acknowledges; nothing is ever skipped because a server refused it. The newest reading goes out at once when the last
request is at least the interval ago. Behind after an outage, batches with their original times follow each other at once, oldest first,
and between them the newest reading has a small request of its own (JSON says "backlog":false there), so that "now" is never older than
about two seconds plus one request, and a receiver need not look inside a batch to tell now from then.
"""

import asyncio
import time

from micropython import const

from bridge.core.errors import SettingsError
from bridge.push import http_url
from bridge.push.http_client import HttpClient
from bridge.push.http_response import printable
from bridge.push.payload import batch_json, reading_json, time_of
from bridge.push.sink import Sink

# A request's body, in pieces, ends with the reading that passes this: some 6 live readings or 40 of the history as JSON. A longer one would save little, as a request on a
# kept connection costs a few ms, and the heap has to hold a TLS connection beside it.
BODY_BYTES = const(6144)
_BEHIND_MS = const(2000)  # while behind, the newest reading waits this much longer than the interval, then gets its own request
_SLOW_MS = const(60000)  # what only the owner can mend is tried about once a minute
_LONGEST_RETRY_AFTER_S = const(600)  # a server that says "tomorrow" is asked again before
_FIRST_FETCH = const(8)  # readings taken from the journal for a body, until it is known how many fit
_MOST_FETCH = const(40)  # as objects they take 6 KB, beside the body; a higher setting of <prefix>_batch does not count
_TURN = const(8)  # readings written (2 ms each on an ESP32) before other tasks have their turn
_AHEAD = const(32)  # newest readings that went out of turn, remembered so that the backlog does not repeat them
_WORDS = const(72)  # of a server's own explanation in the status

# What the owner can do about a refusal; %s is the prefix of the settings.
_ADVICE = {
    401: "check %s_token",
    403: "check %s_token",
    404: "check the path in %s_url",
    405: "it takes no POST there, check the path in %s_url",
    413: "it does not even take one reading, raise its limit",
}
_PASSING = (408, 429)  # of the 4xx: refused now, not for ever


class JsonFormat:
    """The format of the sink "http": {"device":..,"backlog":..,"readings":[..]} with exact decimals."""

    content_type = "application/json"
    scheme = "Bearer"

    def __init__(self, context):
        self._context = context

    def use(self, url) -> None:
        """Any URL will do."""

    def begin(self) -> None:
        """Nothing is carried from one request to the next."""

    accepted = begin

    def piece(self, reading) -> bytes:
        """One reading as an object."""
        return reading_json(reading, self._context).encode()

    def body(self, pieces: list, backlog: bool, missing) -> list:
        """The body's parts, in order."""
        parts = [batch_json((), self._context, backlog, missing)[:-2].encode()]
        for piece in pieces:
            if len(parts) > 1:
                parts.append(b",")
            parts.append(piece)
        parts.append(b"]}")
        return parts


class HttpSink(Sink):
    """`name` is the prefix of its settings and says the format: "http" JSON, "influx" line protocol."""

    def __init__(self, name: str, context):
        super().__init__(name, context)
        if name == "influx":
            from bridge.push.influx import LineFormat

            self._format = LineFormat(context)
        else:
            self._format = JsonFormat(context)
        self._client = None
        self._most = min(_MOST_FETCH, self._setting("batch"))
        self._fetch = min(_FIRST_FETCH, self._most)
        self._behind = False  # the last batch ended before the newest reading
        self._sent_ms = None  # when the newest reading last went out
        self._ahead = []
        self._next = self.cursor.next  # what should come next: a hole before it was overwritten
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
        url = self._checked("url", http_url.parse)
        self._checked("url", lambda text: self._format.use(url))
        headers = self._checked("token", lambda text: http_url.authorization(text, self._format.scheme))
        headers += self._checked("header", http_url.header)
        context = None
        if url.secure:
            from bridge.push.tls import make_context

            context = make_context(self._setting("tls_verify"), self._setting("ca"), self.context.log, self.name)
        return HttpClient(url, headers, context)

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
            if not first or time_of(first[0], self.context.clock) is None:
                # Nothing there, or no time for it: by the next reading the meter or the network may have set the clock.
                await store.wait(store.next)
            elif self._behind or self._since_sent() >= interval:
                return
            else:
                await asyncio.sleep_ms(min(interval - self._since_sent(), 1000))

    def _since_sent(self) -> int:
        """Milliseconds since the newest reading went out; long when it never did."""
        return 1 << 28 if self._sent_ms is None else time.ticks_diff(time.ticks_ms(), self._sent_ms)

    async def _request(self):
        """Sends one request and notes what the server has; returns the answer when that is a refusal."""
        newest = self.context.store.live
        self._format.begin()
        if self._newest_first(newest):
            refusal = await self._post([self._format.piece(newest)], True, None)
            if refusal is None:
                self._ahead = self._ahead[1 - _AHEAD :] + [newest.seq]
                self._sent_ms = time.ticks_ms()
                self._behind = True
                self.delivered(newest.seq)
            return refusal
        batch = self.cursor.batch(self._fetch)
        readings, pieces = await self._fill(batch, newest)
        first, last = readings[0].seq, readings[-1].seq
        is_newest = newest is not None and last >= newest.seq
        missing = (self._next, first - 1, first - self._next) if first > self._next else None
        refusal = await self._post(pieces, is_newest, missing)
        if refusal is None:
            self._settle(last, is_newest)
        elif refusal.status == 413 and len(readings) > 1:
            self._most = self._fetch = len(readings) // 2
            return None
        return refusal

    async def _post(self, pieces: list, is_newest: bool, missing):
        """Posts one body; None when the server has it now (without pieces it had), else its answer."""
        if pieces:
            body = self._format.body(pieces, not is_newest, missing)
            answer = await self._client.post(self._format.content_type, body)
            if not 200 <= answer.status < 300:
                return answer
            self.connected()
            self._format.accepted()
        return None

    def _settle(self, last: int, is_newest: bool) -> None:
        """The server has everything up to and including `last`."""
        if is_newest:
            self._sent_ms = time.ticks_ms()
        self._behind = not is_newest
        self._next = last + 1
        self._ahead = [seq for seq in self._ahead if seq > last]
        self.acknowledge(last)

    def _newest_first(self, newest) -> bool:
        """Whether more than one batch waits, and the newest reading has waited for long enough."""
        if newest is None or newest.seq < self.cursor.next or newest.seq in self._ahead or time_of(newest, self.context.clock) is None:
            return False
        behind = self._behind or self.cursor.backlog > self._most
        return behind and self._since_sent() >= self._setting("interval_s") * 1000 + _BEHIND_MS

    async def _fill(self, batch: list, newest) -> tuple:
        """(readings that this request settles, their pieces): as many of `batch` as a body may hold, at least one."""
        readings = []
        pieces = []
        size = 0
        for reading in batch:
            if time_of(reading, self.context.clock) is None:
                break
            if newest is not None and reading.seq == newest.seq:
                reading = newest  # with every digit, where the history may be rounded
            piece = b"" if reading.seq in self._ahead else self._format.piece(reading)
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
        self.failed(self._why(answer))
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

    def _why(self, answer) -> str:
        """Such as "401 Unauthorized: check http_token"."""
        text = "%d %s" % (answer.status, answer.text)
        if 300 <= answer.status < 400:
            target = answer.location.split("?", 1)[0]
            return "%s to %s: not followed, put the right address in %s_url" % (text, target or "elsewhere", self.name)
        advice = _ADVICE.get(answer.status)
        if advice:
            return text + ": " + (advice % self.name if "%s" in advice else advice)
        said = printable(answer.body)[:_WORDS].strip()
        for secret in ("token", "header"):
            value = self._setting(secret).partition(":")[2].strip() or self._setting(secret)
            if value and value in said:
                said = ""
        return text + ": " + said if said else text
