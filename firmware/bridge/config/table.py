"""The settings: one row each, (name, default, rule, example or help). A rule says what is allowed and of which type.

Rules: TEXT(max length), SECRET(max length, never shown), BOOL, INT(low, high), CHOICE(values), and the named checks of
`rules.py`. A default is always valid: whatever the file holds, the device starts.
"""

from bridge.config.rules import BOOL, CHOICE, HEADER, HOST_PORT, INT, LINE, SECRET, SSID, TEXT, TOPIC, URL

_MQTT = ("mqtt", "mqtts")
_HTTP = ("http", "https")

SETTINGS = (
    # name, default, rule, what it is for (with a good example)
    ("device_name", "Meter bridge", TEXT(40), "the name that Home Assistant shows, such as Meter bridge"),
    ("wifi_ssid", "", SSID(), "the name of the Wi-Fi network"),
    ("wifi_password", "", SECRET(63), "the password of the Wi-Fi network, 8 to 63 characters"),
    ("ntp_server", "pool.ntp.org", HOST_PORT(), "the time server, such as pool.ntp.org or 192.168.1.1:123"),
    ("meter_protocol", "auto", CHOICE(("auto", "p1", "sml")), "what the meter speaks: auto, p1 or sml"),
    ("meter_line", "", LINE(), "the meter's line if not the board's own, such as 115200 8N1 inverted"),
    ("meter_timeout_s", 60, INT(5, 3600), "seconds without a reading after which the meter is shown as offline"),
    ("journal_kb", 24, INT(4, 4096), "RAM kept for readings, in KB"),
    ("journal_detail_s", 60, INT(0, 3600), "how often voltages, currents and phases go to the history, in seconds (0: every reading)"),
    ("status_interval_s", 30, INT(1, 3600), "how often the status is published, in seconds"),
    ("log_level", "info", CHOICE(("debug", "info", "warning", "error")), "the least level that is logged"),
    ("mqtt_url", "", URL(_MQTT), "the broker, such as mqtt://192.168.1.10 or mqtts://broker.example:8883; empty: no MQTT"),
    ("mqtt_user", "", TEXT(128), "the broker's user name"),
    ("mqtt_password", "", SECRET(256), "the broker's password"),
    ("mqtt_topic", "", TOPIC(), "where readings are published; empty: meterbridge/<device>"),
    ("mqtt_ca", "", TEXT(64), "file on the device with the CA certificate of the broker, such as ca.der"),
    ("mqtt_tls_verify", True, BOOL(), "false accepts any certificate: only for a broker in your own network"),
    ("mqtt_keepalive_s", 30, INT(5, 600), "seconds after which a silent connection is checked"),
    ("mqtt_live_interval_s", 0, INT(0, 3600), "least seconds between two live readings (0: every reading)"),
    ("mqtt_discovery", True, BOOL(), "announce the meter to Home Assistant"),
    ("mqtt_discovery_prefix", "homeassistant", TOPIC(), "Home Assistant's discovery prefix"),
    ("http_url", "", URL(_HTTP), "where readings are posted as JSON, such as https://example.org/readings; empty: off"),
    ("http_token", "", SECRET(512), "sent as Authorization: Bearer <token>"),
    ("http_header", "", HEADER(), "one more request header, such as X-Api-Key: 12345"),
    ("http_ca", "", TEXT(64), "file on the device with the CA certificate of the server, such as ca.der"),
    ("http_tls_verify", True, BOOL(), "false accepts any certificate: only for a server in your own network"),
    ("http_batch", 60, INT(1, 500), "most readings in one request"),
    ("http_interval_s", 10, INT(0, 3600), "least seconds between two requests while nothing is behind"),
    ("influx_url", "", URL(_HTTP), "a database that takes InfluxDB lines, such as http://192.168.1.10:8428/write; empty: off"),
    ("influx_token", "", SECRET(512), "sent as Authorization: Token <token>"),
    ("influx_header", "", HEADER(), "one more request header, such as X-Scope: home"),
    ("influx_ca", "", TEXT(64), "file on the device with the CA certificate of the database, such as ca.der"),
    ("influx_tls_verify", True, BOOL(), "false accepts any certificate: only for a server in your own network"),
    ("influx_batch", 200, INT(1, 500), "most readings in one request"),
    ("influx_interval_s", 10, INT(0, 3600), "least seconds between two requests while nothing is behind"),
)
