"""The Wi-Fi station at the start: what it calls itself in, network.WLAN out, its radio still off. Needed once."""

import network


def station(hostname: str, country: str):
    """The station. `hostname` is told to the router and answers as <hostname>.local; `country`: two letters, or "" for the chip's own."""
    network.hostname(hostname)
    if country:
        network.country(country)
    return network.WLAN(network.STA_IF)
