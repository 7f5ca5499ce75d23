"""Network addresses as an owner types them: text in, host and port out."""

from bridge.core.errors import SettingsError


def split_host_port(value: str, default: int) -> tuple:
    """(host, port) of "host", "host:port" or "[v6]:port"; SettingsError when the port is none."""
    host, port = value, ""
    if value.startswith("["):
        end = value.find("]")
        if end < 0:
            raise SettingsError("has no ] after the IPv6 address")
        host, port = value[1:end], value[end + 1 :]
        if port and not port.startswith(":"):
            raise SettingsError("has something odd after the IPv6 address")
        port = port[1:]
    elif ":" in value:
        host, port = value.rsplit(":", 1)
    if not port:
        return host, default
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError("has no valid port after the colon")
    return host, int(port)
