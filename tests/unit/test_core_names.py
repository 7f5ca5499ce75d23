"""Names and addresses: a name server that answers, changes its mind, is silent; how often it is asked, and what it costs, in ms."""

import time

from bridge.core import names

MICROPYTHON = hasattr(time, "ticks_diff")  # the module counts in its ticks; this file runs there too
BINARY = b"\x02\x00\x00\x50\xc0\xa8\x01\x0a" + bytes(8)  # struct sockaddr_in of 192.168.1.10, port 80


class World:
    """Stands for `time` and `socket`. `answers`: host to what getaddrinfo gives; a host that is not there takes 7 s and is not found."""

    AF_INET = 2
    SOCK_STREAM = 1

    def __init__(self):
        self.ms = (1 << 30) - 1000
        self.answers = {}
        self.asked = 0
        names.time = names.socket = self
        names._known.clear()
        names._took = 0

    def ticks_ms(self):
        return self.ms & ((1 << 30) - 1)

    def ticks_diff(self, a, b):
        return ((a - b + (1 << 29)) & ((1 << 30) - 1)) - (1 << 29)

    def getaddrinfo(self, host, port, family, kind):
        self.asked += 1
        self.ms += 5 if host in self.answers else 7000
        if host not in self.answers:
            raise OSError(-202)
        return self.answers[host]


def refused(host):
    try:
        names.lookup(host)
    except OSError as error:
        return error.args[0]


def test_addresses_need_no_name_server():
    if MICROPYTHON:
        world = World()
        assert names.lookup("10.0.0.7") == "10.0.0.7" and names.lookup("fe80::1") == "fe80::1" and world.asked == 0


def test_the_first_ipv4_address_in_both_forms():
    if MICROPYTHON:
        world = World()
        world.answers = {"broker": [(10, 1, 6, "", ("fe80::1", 0)), (2, 1, 6, "", ("10.0.0.2", 0)), (2, 1, 6, "", ("10.0.0.3", 0))], "pc": [(2, 1, 6, None, BINARY)]}
        assert names.lookup("broker") == "10.0.0.2" and names.lookup("pc") == "192.168.1.10"
        world.answers["six"] = [(10, 1, 6, "", ("fe80::1", 0))]
        assert names.lookup("six") == "six"


def test_what_worked_is_used_again_and_what_did_not_is_asked_anew():
    if MICROPYTHON:
        world = World()
        world.answers = {"broker": [(2, 1, 6, "", ("10.0.0.2", 0))]}
        names.lookup("broker")
        names.reached("broker")
        assert names.lookup("broker") == "10.0.0.2" and world.asked == 1
        world.answers = {"broker": [(2, 1, 6, "", ("10.0.0.99", 0))]}
        world.ms += 1000
        assert names.lookup("broker") == "10.0.0.99" and world.asked == 2
        names.reached("nobody")


def test_a_silent_name_server_costs_a_ninth_of_the_time():
    if MICROPYTHON:
        world = World()
        world.answers = {"broker": [(2, 1, 6, "", ("10.0.0.2", 0))]}
        names.lookup("broker")
        names.reached("broker")
        world.answers = {}
        began = world.ms
        assert names.lookup("broker") == "10.0.0.2" and world.ms == began, "what worked costs nothing"
        for _ in range(3600):
            world.ms += 1000
            assert names.lookup("broker") == "10.0.0.2"
            assert refused("server") == -202 and refused("time") == -202
        spent = (world.asked - 1) * 7000
        assert spent * 9 < (world.ms - began) * 1.1 and world.asked > 50, "it is asked again, one name at a time"


def test_a_name_server_that_is_back_is_found_within_a_minute():
    if MICROPYTHON:
        world = World()
        assert refused("server") == -202
        world.answers = {"server": [(2, 1, 6, "", ("10.0.0.2", 0))]}
        began = world.ms
        while refused("server"):
            world.ms += 1000
        assert world.ms - began < 60000
