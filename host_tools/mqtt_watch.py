"""A subscriber to a broker: address and topic filters in, a call per message out; what can go wrong is said in one line."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from host_tools.errors import FAILED, USAGE, UserError

PORTS = {"mqtt": 1883, "mqtts": 8883}
_CONNECT_S = 5.0  # time-out for the connection and for the broker's answer
_RETRY_S = (1, 5)  # first and longest wait between tries after a connection was lost
_QOS = 1
# MQTT 3.1.1 CONNACK codes as paho numbers them (MQTT 5 reason codes).
_BAD_PASSWORD, _NOT_AUTHORIZED = 134, 135


@dataclass(frozen=True)
class Address:
    """Where a broker is and who asks."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False

    @property
    def url(self) -> str:
        """Without user and password: fit to be shown, and for the firmware's setting `mqtt_url`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse(url: str) -> Address:
    """The address that a URL names; UserError when it is none."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    # The URL itself is not repeated: it may hold a password.
    if parts.scheme not in PORTS or not parts.hostname or port == -1 or parts.path.strip("/"):
        raise UserError("that is no address of a broker; write mqtt://host, mqtt://host:1883 or mqtt://user:password@host", USAGE)
    return Address(parts.hostname, port or PORTS[parts.scheme], unquote(parts.username or ""), unquote(parts.password or ""),
                   parts.scheme == "mqtts")


def unreachable(address: Address, error: OSError) -> UserError:
    """What to say when no connection came about."""
    where = f"{address.host}:{address.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return UserError(f"{where} shows a certificate that is not trusted ({error.verify_message}); give its authority with --ca FILE", FAILED)
    if isinstance(error, ssl.SSLError):
        return UserError(f"{where} does not speak TLS; try mqtt:// in place of mqtts://, or another port", FAILED)
    if isinstance(error, socket.gaierror):
        return UserError(f"no host is called '{address.host}'; check the name, or give the broker's IP address", FAILED)
    if isinstance(error, ConnectionRefusedError):
        return UserError(f"nothing listens at {where}; check that the broker runs there and the port is right", FAILED)
    if isinstance(error, TimeoutError):
        return UserError(f"no answer from {where} within {_CONNECT_S:.0f} s; check address, port and firewall", FAILED)
    return UserError(f"cannot reach a broker at {where}: {error.strerror or error}", FAILED)


def refused(address: Address, code: int, words: str) -> UserError:
    """What to say when the broker turned the client away."""
    where = f"the broker at {address.host}:{address.port}"
    if code in (_BAD_PASSWORD, _NOT_AUTHORIZED):
        if address.user:
            return UserError(f"{where} refuses user '{address.user}' or the password; check both", FAILED)
        return UserError(f"{where} wants a user and a password; write mqtt://user:password@{address.host}", FAILED)
    return UserError(f"{where} refuses the connection: {words}", FAILED)


class MqttWatch:
    """Stays subscribed, also after the connection was lost; `on_message(topic, payload, retained)` runs in a thread of its own."""

    def __init__(self, address: Address, topics: list[str], on_message: Callable[[str, bytes, bool], None], ca: str | None = None):
        from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv311

        self.address = address
        self.connected = self.subscribed = False
        self._topics = topics
        self._on_message = on_message
        self._answer = threading.Event()
        self._refusal: UserError | None = None
        self._client = client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv311)
        client.connect_timeout = _CONNECT_S
        client.reconnect_delay_set(*_RETRY_S)
        if address.user:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            client.tls_set_context(ssl.create_default_context(cafile=ca))
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._agreed
        client.on_message = lambda _client, _data, message: self._on_message(message.topic, message.payload, message.retain)

    def open(self) -> "MqttWatch":
        """Connect and subscribe; UserError with what to check when that fails."""
        try:
            self._client.connect(self.address.host, self.address.port)
        except OSError as error:
            raise unreachable(self.address, error) from error
        self._client.loop_start()
        answered = self._answer.wait(_CONNECT_S)
        if self._refusal or not answered:
            self.close()
            raise self._refusal or UserError(
                f"{self.address.host}:{self.address.port} accepts connections and does not answer as an MQTT broker; check the port", FAILED)
        return self

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client, _data, _flags, reason, _properties) -> None:
        if reason.is_failure:
            self._refusal = refused(self.address, reason.value, str(reason))
        else:
            self.connected = True
            client.subscribe([(topic, _QOS) for topic in self._topics])
        self._answer.set()

    def _agreed(self, *_: object) -> None:
        self.subscribed = True

    def _disconnected(self, _client, _data, _flags, _reason, _properties) -> None:
        self.connected = self.subscribed = False
