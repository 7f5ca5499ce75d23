"""Asks a person at a terminal for the few settings that a dongle needs: what it has in, what shall change out. Secrets are typed unseen."""

import getpass
import sys
from collections.abc import Callable

from host_tools.errors import UserError
from host_tools.settings import qr_text, table
from host_tools.settings.examples import example

_EMPTY = "-"
_HELP = f"Enter keeps what stands in brackets, a single {_EMPTY} empties it, Ctrl-C changes nothing."


def secret(name: str, prompt: str) -> str:
    """A secret, typed unseen; where no terminal is, the next line of standard input. Spaces in it are kept."""
    if sys.stdin.isatty():
        return getpass.getpass(prompt)
    line = sys.stdin.readline()
    if not line:
        raise UserError(f"{name}: standard input ended before it came; give one line for each secret, in the order of the call")
    return line.rstrip("\r\n")


def new_passphrase() -> str:
    """A passphrase, twice where it is typed."""
    from host_tools.settings.backup import MIN_PASSPHRASE

    found = secret("the passphrase", "passphrase for the secrets (not shown): ")
    if len(found) < MIN_PASSPHRASE:
        raise UserError(f"the passphrase has {len(found)} characters; take at least {MIN_PASSPHRASE}, such as five random words")
    if sys.stdin.isatty() and getpass.getpass("the same again: ") != found:
        raise UserError("the two are not the same; nothing was written")
    return found


def confirm(question: str) -> bool:
    """Yes unless something else is answered."""
    return input(f"{question} [Y/n] ").strip().lower() in ("", "y", "yes", "j", "ja", "o", "oui")


class Dialogue:
    """The questions. `changes`: what was answered so far, by name; None: back to the default."""

    def __init__(self, values: dict):
        self._values = values
        self.changes: dict = {}

    def run(self) -> dict:
        """Asks all of it; what shall change."""
        print(_HELP + "\n")
        self._network()
        print("\nThe meter is found by itself. Some meters encrypt (Austria, Luxembourg, a few elsewhere: docs/meters.md); the grid operator gives the key.")
        if self._ask("meter_key", "key of the meter, 32 hex digits"):
            self._ask("meter_auth_key", "its authentication key, where there is one")
        print("\nReadings go where you say, and nowhere else: to an MQTT broker (Home Assistant), to a web server, or to both.")
        if self._ask("mqtt_url", "MQTT broker, such as 192.168.1.10", lambda text: text if "://" in text else f"mqtt://{text}"):
            self._ask("mqtt_user", "its user name, if it wants one")
            if self._now("mqtt_user"):
                self._ask("mqtt_password", "the password of that user")
        if self._ask("http_url", "web address for readings as JSON, if any"):
            self._ask("http_token", "the token that it wants, if any")
        return {name: value for name, value in self.changes.items() if value != self._values.get(name)}

    def _network(self) -> None:
        before = self._now("wifi_ssid")
        while True:
            answer = self._line("wifi_ssid", "Wi-Fi network (its name, or the text of its QR code)")
            if not answer.upper().startswith("WIFI:"):
                break
            try:
                self.changes |= table.must_be_good(qr_text.parse(answer), "the QR code's text")
                return
            except UserError as error:
                print(f"  {error}")
        if not self._take("wifi_ssid", answer):
            return self._network()
        if self._now("wifi_ssid") != before:
            self.changes["wifi_password"] = None  # that of another network
        if self._now("wifi_ssid"):
            self._ask("wifi_password", "its password")

    def _now(self, name: str) -> object:
        value = self.changes[name] if name in self.changes else self._values.get(name)
        return table.rows()[name][1] if value is None else value

    def _ask(self, name: str, question: str, complete: Callable[[str], str] = str) -> object:
        """Asks until the answer can be used; what the setting is then."""
        while True:
            answer = self._line(name, question)
            if self._take(name, complete(answer) if answer not in ("", _EMPTY) else answer):
                return self._now(name)

    def _line(self, name: str, question: str) -> str:
        now = self._now(name)
        there = ("set" if now else "none") if table.is_secret(name) else (now or "none")
        prompt = f"{question} [{there}]: "
        return secret(name, prompt) if table.is_secret(name) else input(prompt)

    def _take(self, name: str, answer: str) -> bool:
        """Whether the answer can be used; says why not."""
        if answer == "":
            return True
        good, problems = table.checked({name: "" if answer == _EMPTY else answer})
        if problems:
            print(f"  {problems[0]}" if example(name) else f"  {problems[0].partition(';')[0]}")
            return False
        self.changes[name] = None if answer == _EMPTY else good[name]
        return True
