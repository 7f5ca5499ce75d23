"""What is needed to connect to a broker: settings in, a client that can connect out. Loaded for that moment, then forgotten."""

from micropython import const

from bridge.core.address import split_host_port
from bridge.push.mqtt_client import MqttClient
from bridge.push.mqtt_packets import MqttError, packet, string

_PORT = const(1883)
_TLS_PORT = const(8883)

_REFUSED = (
    "",
    "the broker does not speak MQTT 3.1.1",
    "the broker refuses this client id: check device_name",
    "the broker is not ready for clients",
    "wrong user or password: check mqtt_user and mqtt_password",
    "not authorised: check mqtt_user and mqtt_password",
)


def refusal(code: int) -> str:
    """Words for the return code of a CONNACK; "" when the broker accepted (0)."""
    return _REFUSED[code] if code < len(_REFUSED) else "the broker refuses the connection with code %d" % code


def connect_packet(client_id: str, keepalive_s: int, user: str = "", password: str = "", will=None) -> bytearray:
    """CONNECT with a clean session. `will`: (topic, payload), sent with QoS 1 and retained when the connection dies."""
    flags = 0x02
    body = string(client_id)
    if will:
        flags |= 0x04 | 0x08 | 0x20
        body += string(will[0]) + string(will[1])
    if user or password:
        flags |= 0x80  # a password needs a user name before it, be it empty
        body += string(user)
    if password:
        flags |= 0x40
        body += string(password)
    return packet(0x10, b"\x00\x04MQTT\x04" + bytes((flags, keepalive_s >> 8, keepalive_s & 255)) + body)


def prepare(sink) -> None:
    """Makes `sink.tls`, the TLS context, where it is needed and not there. Raises TlsError."""
    settings = sink.context.settings
    if sink.tls is None and settings.get("mqtt_url").startswith("mqtts://"):
        from bridge.push.tls import make_context

        sink.tls = make_context(settings.get("mqtt_tls_verify"), settings.get("mqtt_ca"), sink.context.log, sink.name)


def make_client(sink, base: str) -> MqttClient:
    """A client for the settings of `sink`, whose topics begin with `base`; a TLS context is kept in `sink.tls`."""
    settings = sink.context.settings
    for text in (base, settings.get("mqtt_discovery_prefix")):
        if "+" in text or "#" in text or "\x00" in text:
            raise MqttError("mqtt_topic and mqtt_discovery_prefix cannot have a + or # in them")
    scheme, _, rest = settings.get("mqtt_url").partition("://")
    secure = scheme == "mqtts"
    host, port = split_host_port(rest.split("/", 1)[0], _TLS_PORT if secure else _PORT)
    prepare(sink)
    keepalive_s = settings.get("mqtt_keepalive_s")
    hello = connect_packet(
        sink.context.identity.device, keepalive_s, settings.get("mqtt_user"), settings.get("mqtt_password"), (base + "/bridge", "offline")
    )
    return MqttClient(host, port, hello, keepalive_s, sink.tls)
