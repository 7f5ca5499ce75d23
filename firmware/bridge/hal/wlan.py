"""The Wi-Fi station: board data and a host name in, an active network.WLAN out that tries once per connect() and then says why not."""

import network

# What status() gives, in words for the log and the status document.
STATUS = {
    network.STAT_IDLE: "idle",
    network.STAT_CONNECTING: "connecting",
    network.STAT_GOT_IP: "connected",
    network.STAT_BEACON_TIMEOUT: "access point lost",
    network.STAT_NO_AP_FOUND: "network not found: check wifi_ssid and the distance",
    network.STAT_WRONG_PASSWORD: "wrong password: check wifi_password",
    network.STAT_ASSOC_FAIL: "refused by the access point",
    network.STAT_HANDSHAKE_TIMEOUT: "handshake timeout",
}
_UNDECIDED = (network.STAT_IDLE, network.STAT_CONNECTING, network.STAT_GOT_IP)


def station(board, hostname: str):
    """The station, active, with the board's transmit power, no power saving and no retries of its own: back-off is ours."""
    network.hostname(hostname)
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    # With retries of the driver's own, status() says "connecting" for ever and never why.
    wlan.config(reconnects=0)
    wlan.config(pm=network.WLAN.PM_NONE)
    if board.txpower_dbm is not None:
        wlan.config(txpower=board.txpower_dbm)
    return wlan


def failure(code: int) -> str:
    """Why joining failed, in words, for a code of status(); "" while it has not."""
    if code in _UNDECIDED:
        return ""
    return STATUS.get(code, "status %d" % code)
