"""The settings: one row each, (name, default, rule, limits that the rule takes). What each is for stands in `help.py`.

A default is always valid: whatever the file holds, the device starts. The rules stand in `rules.py`.
"""

from bridge.config.rules import boolean, choice, header, host_port, key, secret, ssid, text, topic, url, whole

SETTINGS = (
    ("device_name", "Meter bridge", text, 40),
    ("wifi_ssid", "", ssid),
    ("wifi_password", "", secret, 63),
    ("ntp_server", "pool.ntp.org", host_port),
    ("meter_protocol", "auto", choice, "auto", "p1", "sml", "d0", "hdlc", "mbus", "dlms", "amis"),
    ("meter_line", "", text, 32),
    ("meter_key", "", key),
    ("meter_auth_key", "", key),
    ("meter_poll_s", 30, whole, 10, 3600),
    ("meter_timeout_s", 60, whole, 5, 3600),
    ("journal_kb", 14, whole, 4, 4096),
    ("journal_detail_s", 60, whole, 0, 3600),
    ("status_interval_s", 30, whole, 1, 3600),
    ("log_level", "info", choice, "debug", "info", "warning", "error"),
    ("mqtt_url", "", url, "mqtt", "mqtts"),
    ("mqtt_user", "", text, 128),
    ("mqtt_password", "", secret, 256),
    ("mqtt_topic", "", topic),
    ("mqtt_ca", "", text, 64),
    ("mqtt_tls_verify", True, boolean),
    ("mqtt_keepalive_s", 30, whole, 5, 600),
    ("mqtt_live_interval_s", 0, whole, 0, 3600),
    ("mqtt_discovery", True, boolean),
    ("mqtt_discovery_prefix", "homeassistant", topic),
    ("http_url", "", url, "http", "https"),
    ("http_token", "", secret, 512),
    ("http_header", "", header),
    ("http_ca", "", text, 64),
    ("http_tls_verify", True, boolean),
    ("http_batch", 40, whole, 1, 40),
    ("http_interval_s", 10, whole, 0, 3600),
    ("influx_url", "", url, "http", "https"),
    ("influx_token", "", secret, 512),
    ("influx_header", "", header),
    ("influx_ca", "", text, 64),
    ("influx_tls_verify", True, boolean),
    ("influx_batch", 40, whole, 1, 40),
    ("influx_interval_s", 10, whole, 0, 3600),
)
