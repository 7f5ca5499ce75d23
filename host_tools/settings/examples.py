"""A good example for each setting: what a message names when a value cannot be used."""

import re

# As a person would write it behind `--set name=`. Of a setting that is here and not in the firmware's table nobody hears.
EXAMPLES = {
    "device_name": "Meter bridge",
    "host_name": "meter",
    "wifi_ssid": "FRITZ!Box 7590",
    "wifi_password": "a password of 8 to 63 characters, as the router has it",
    "wifi_address": "192.168.1.20/24 192.168.1.1",
    "wifi_country": "DE",
    "wifi_txpower_dbm": "15",
    "ntp_server": "pool.ntp.org",
    "meter_protocol": "auto",
    "meter_line": "115200 8N1 inverted",
    "meter_key": "00112233445566778899AABBCCDDEEFF",
    "meter_auth_key": "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF",
    "meter_poll_s": "30",
    "meter_timeout_s": "60",
    "journal_kb": "12",
    "journal_flash_kb": "1024",
    "journal_detail_s": "60",
    "unlock_commands": "true",
    "unlock_keep_alive": "true",
    "time_zone": "CET",
    "backlog_per_s": "480",
    "status_interval_s": "30",
    "log_level": "info",
    "update_url": "http://192.168.1.10/meterbridge.update",
    "mqtt_url": "mqtt://192.168.1.10",
    "mqtt_user": "meter",
    "mqtt_password": "the password of mqtt_user at the broker",
    "mqtt_topic": "home/meter",
    "mqtt_ca": "ca.der",
    "mqtt_tls_verify": "true",
    "mqtt_keepalive_s": "30",
    "mqtt_live_interval_s": "10",
    "mqtt_from": "oldest",
    "mqtt_discovery": "true",
    "mqtt_discovery_prefix": "homeassistant",
    "http_url": "https://example.org/readings",
    "http_token": "the token that the server gave you",
    "http_header": "X-Api-Key: 12345",
    "http_ca": "ca.der",
    "http_tls_verify": "true",
    "http_batch": "40",
    "http_interval_s": "10",
    "http_from": "oldest",
    "influx_url": "http://192.168.1.10:8428/write",
    "influx_token": "the token that the database gave you",
    "influx_header": "X-Scope: home",
    "influx_ca": "ca.der",
    "influx_tls_verify": "true",
    "influx_batch": "40",
    "influx_interval_s": "10",
    "influx_from": "oldest",
}


def example(name: str) -> str:
    """The example of a setting, also of a second or third of its kind (wifi_ssid_2); "" where there is none."""
    return EXAMPLES.get(name) or EXAMPLES.get(re.sub(r"_\d$", "", name), "")
