"""Updates: signatures against those of another implementation, what is refused and why, what is on flash afterwards, trials that stay and go back."""

import asyncio
import os
import sys
from binascii import hexlify, unhexlify
from hashlib import sha256

from bridge.core import good
from bridge.core.errors import BridgeError
from bridge.core.unload import unload
from bridge.update import judging, slots
from bridge.update.life import Life
from bridge.update.receiver import Receiver
from bridge.update.signature import load, right
from bridge.update.waiting import Waiting
try:
    from scratch import Scratch
except ImportError:
    from tests.unit.scratch import Scratch

# A key for this test alone, and its signature of b"meterbridge" by Python's cryptography (OpenSSL).
MODULUS = (
    "c0fda47f54db309bcb13dea3e8baefeab90503ab4d06690aff972e7960d129f6f4ff2e3f97141ca10b85b57ddb48937e9f38ebde92660a7d4095e2b6"
    "ede7b9c683835e1bce3b9556419621039df772a61b574bedd8e4d766b9fa9d71bbae4852543e94d70cf5f6def3fa4990dd281b0f7bb3bbba90f9174d"
    "f1607d717226eafd26d883df1b758a28c0bdf02c4b31c2b80819ea5cf41b52909870b6e43b7401b75eefe23ce948cc20ec34f49d6e25d507c1e01803"
    "3488469735d7898e145f451334bc49c0cdf4f6329a97a4df414542055cf2024f986db42b16c72822d0743c7624b6d32274086976ec53d682a4284a61"
    "93d0d1f7cff60b047eca688f611a0f9f39dccf1947c1043de290b522c4b4f13b56f731109342fe8c9b9071ba48f31c8d6cf61013e0b32c35a6371247"
    "3a37459d6771121fe209189ca7ff06c8cf5bb4ae4dd636cfe166780d188b4706e52f55d6a0e0f9eddb19ac504c0e3079960868880af2c5e316c9e29c"
    "aa4404302d388a0080b2b8b72a46908766d3e7c8c6e2bc9b"
)
PRIVATE = (
    "12d5ae442f07e54a8f1b355351d74caadfbbb98bf24c79dbf4edd03f504f9984dc8c3afb41c758b3eee7f1ba82b8268ce905291fe3b1c9bc479d592e"
    "f930f0548b693aba03fa94ac8262207eb5dffc74719ea76e6308926d182179542c38ea1dfed2ccbbe02bf117f93fa806574f1eb4f821a664a2d96c88"
    "d2d1d3ec4a73b9e352f3368b83a68901492e404e52585ce49105d67593ed46b58deb122e5c0f0a4bd71c1a3c4f982733df599bb5f19607a0662f74a8"
    "7b6c0157a88d8c832d41ceffd14382ccca3415b919b83def9853bbfd0377734769ce2ce4fbdd636cfa695fa4dedad427dc992c69f4ea7b964ce18d59"
    "8d1ec9082b063dd98816813d62f6d13e411053d146945a6da009bcb75cbcaf02619e7efc49272658707798771c816b626ebe5c7a82b8aa7229fb1acd"
    "c8110e7f5e5a63862e3327a30b7afb04df8596a7ae304ab90f716cc5ac04d994a82e168317d1a7fc173cff16e24be8dc6c6b568900f5458f2246aaa3"
    "abdab68bf3aa046bb91a71fd3df9e4210db0c2f11ee80f21"
)
SIGNATURE = (
    "ba55823dcb9bb5af538495b14907b1e4a11bb3d6e142936db2ea50b5f8d307e32d4c67cfa3c3ff244ba100493b5587c5445b81b229231622c52a0909"
    "ef0685738259fd59aebe48ce44f3d18b421aa1511b9bbdc87ef6c343af7f2ff8f1463e1e557f4230612d21ae236cf0f96b81afcf402662d06ed81a44"
    "554664d4772514ed8dfba7ba26ec0b61fcce775051d14e06b7584f915b4cbd64c56809d964c720a91e0630df5877109526876ddcde9938403fec1d14"
    "150cb2859aab22e5138f3d47266029f9edd8c655f8c71434c4887d51e086393632f3008ff70dbc880d77a05031d318f5406f291d3e49b36c8f1f749b"
    "ae3cbe765797892922c450ee99fd83a220d0eb065b9b1aa5ce21ae8d5be956bd1f398a3da5807955444a391382db731c831ea2e6281a651d2b50fa58"
    "fc9a9fc585a9fd06e705d0e660308c54a33a68920affc67b6e64af2f5a5db27a1a36065e13d2c979a1142171e4baa9147d6b5fe73d38dca633aac41f"
    "37a4ca4709f445d7474b359c1423ba680c6adcec443c7c3b"
)

KEY = int(MODULUS, 16)
MPY = getattr(sys.implementation, "_mpy", 0) & 255
FILES = (("bridge/core/log.mpy", b"log" * 700), ("bridge/base.mpy", bytes(range(256)) * 40), ("bridge/app.mpy", b"app"))


class Device:
    """A folder as the flash, of which slot a runs; what lies in it."""

    def __init__(self, slot="a"):
        self.scratch = Scratch()
        self.path = self.scratch.make()
        self.home = os.getcwd()
        os.chdir(self.path)
        self.paths = list(sys.path)
        sys.path.insert(0, self.path + "/" + slot)
        self.put("slot", slot.encode())
        self.put("update.pub", (MODULUS + "\n").encode())
        self.next = 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        sys.path[:] = self.paths
        for name in sorted(self.tree(True), reverse=True):
            try:
                os.remove(name)
            except OSError:
                os.rmdir(name)
        os.chdir(self.home)
        os.rmdir(self.path)

    def put(self, name, data):
        """Makes a file in a folder that is there."""
        with open(name, "wb") as file:
            file.write(data)

    def read(self, name):
        """A file's bytes."""
        with open(name, "rb") as file:
            return file.read()

    def tree(self, folders=False, below=""):
        """Names of all files."""
        found = []
        for name in os.listdir(below or "."):
            path = below + "/" + name if below else name
            if os.stat(path)[0] & 0x4000:
                found += ([path] if folders else []) + self.tree(folders, path)
            else:
                found.append(path)
        return sorted(found)

    async def wait(self, seq):
        """A store whose meter speaks at once."""

    def update(self, data, piece=1000, version="0.1.0", force=False, told=None, real=False):
        """What an update said: "" when it is complete. Unless `real`, the signature is one that takes no second to make."""
        receiver = None
        unload("bridge.update.signature")
        from bridge.update import signature

        if not real:
            signature.right = lambda key, made, digest: key == KEY and made == digest * 12

        async def take():
            for at in range(0, len(data), piece):
                await receiver.take(data[at : at + piece])

        try:
            receiver = Receiver("my-board", version, {} if told is None else told, self, force)
            asyncio.run(take())
            return "" if receiver.done else "not done"
        except BridgeError as error:
            return str(error)
        finally:
            if receiver:
                receiver.end()


def sign(data):
    """PKCS#1 v1.5 by the definition, with the private exponent."""
    block = b"\x00\x01" + b"\xff" * 330 + b"\x00" + unhexlify(b"3031300d060960864801650304020105000420") + sha256(data).digest()
    return pow(int.from_bytes(block, "big"), int(PRIVATE, 16), KEY).to_bytes(384, "big")


def line(name, data):
    """A file's row of the manifest."""
    return "file %d %s %s\n" % (len(data), hexlify(sha256(data).digest()).decode(), name)


def bundle(version="0.2.0", boards="*", mpy=MPY, files=FILES, more="", sign=lambda text: sha256(text).digest() * 12):
    """An update."""
    text = "version %s\nmpy %s\nboards %s\n%s" % (version, mpy, boards, "".join([line(name, data) for name, data in files])) + more
    return b"meterbridge-update 1 %d\n" % len(text) + text.encode() + sign(text.encode()) + b"".join([data for _, data in files])


GOOD = bundle()


def test_a_signature_of_another_implementation():
    digest = sha256(b"meterbridge").digest()
    made = unhexlify(SIGNATURE)
    assert right(KEY, made, digest)
    assert sign(b"meterbridge") == made  # PKCS#1 v1.5 has no randomness
    assert not right(KEY, made, sha256(b"meterbridgf").digest())
    for at in (0, 1, 200, 383):
        assert not right(KEY, made[:at] + bytes((made[at] ^ 1,)) + made[at + 1 :], digest)
    for bad in (b"", made[:-1], made + b"\x00", bytes(384), b"\xff" * 384, (1).to_bytes(384, "big"), (KEY - 1).to_bytes(384, "big"), KEY.to_bytes(384, "big")):
        assert not right(KEY, bad, digest)
    assert not right(0, made, digest) and not right(KEY + 2, made, digest)


def test_padding_that_is_not_full_is_no_signature():
    """Bleichenbacher's forgery of 2006 leaves bytes of its choice behind the hash."""
    digest = sha256(b"meterbridge").digest()
    for block in (
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + unhexlify(b"3031300d060960864801650304020105000420") + digest + bytes(322),
        b"\x00\x02" + b"\xff" * 330 + b"\x00" + unhexlify(b"3031300d060960864801650304020105000420") + digest,
        b"\x00\x01" + b"\xff" * 349 + b"\x00" + digest,
    ):
        made = pow(int.from_bytes(block, "big"), int(PRIVATE, 16), KEY).to_bytes(384, "big")
        assert len(block) == 384 and not right(KEY, made, digest)


def test_key_files():
    with Device() as device:
        assert load("update.pub") == KEY
        for bad in (b"", b"xyz", b"\xff\xfe", b"0", MODULUS[:-2].encode(), b"1" + MODULUS.encode(), b"-" + MODULUS.encode(), b"a" * 5000):
            device.put("bad", bad)
            assert load("bad") == 0, bad
        assert load("none") == 0


def test_an_update_fills_the_other_slot_and_is_tried_next():
    for piece in (1, 999, 100000):
        with Device() as device:
            os.mkdir("b")
            os.mkdir("b/bridge")
            device.put("b/bridge/base.py", b"would be found first")
            device.put("config.json", b"{}")
            assert device.update(GOOD, piece) == ""
            assert device.read("slot") == b"b a 3 0.2.0"
            wanted = ["b/" + name for name, _ in FILES] + ["config.json", "slot", "update.pub"]
            assert device.tree() == sorted(wanted)
            for name, data in FILES:
                assert device.read("b/" + name) == data
    with Device("b") as device:
        assert "not by the key" in device.update(GOOD, real=True)
        assert device.update(bundle(sign=sign), real=True) == "" and device.read("slot") == b"a b 3 0.2.0"


def test_what_is_refused_before_anything_is_touched():
    cut = GOOD.find(b"\n") + 1
    changed = GOOD.replace(b"version 0.2.0", b"version 9.2.0")
    for data, words in (
        (b"\x00" * 2000, "no update of meterbridge"),
        (b"GET / HTTP/1.1\r\n\r\n", "no update of meterbridge"),
        (b"meterbridge-update 2 100\n" + GOOD[cut:], "for another time"),
        (b"meterbridge-update 1 0\n" + GOOD[cut:], "longer than"),
        (b"meterbridge-update 1 999999\n" + GOOD[cut:], "longer than"),
        (b"meterbridge-update 1 99999999999999999999\n", "no update of meterbridge"),
        (b"meterbridge-update 1 -5\n", "for another time"),
        (changed, "not by the key"),
        (GOOD[:300] + b"~" + GOOD[301:], "not by the key"),
        (bundle("0.0.9"), "an older one is taken only when it is forced"),
        (bundle("new"), "it has no version"),
        (bundle(""), "not understood"),
        (bundle(boards="nrgd ultra-x2"), "not for this board (my-board)"),
        (bundle(mpy=MPY + 1), "another MicroPython"),
        (bundle(files=()), "0 files"),
        (bundle(files=(("bridge/../config.json", b"x"),)), "not understood"),
        (bundle(files=(("/bridge/app.py", b"x"),)), "not understood"),
        (bundle(files=(("boot.py", b"x"),)), "not understood"),
        (bundle(files=(("bridge/a b", b"x"),)), "not understood"),
        (bundle(files=(("bridge/x.mpy", b""),)), "not understood"),
        (bundle(more="file 70000 %s bridge/big.mpy\n" % ("0" * 64)), "not understood"),
        (bundle(more="command rm\n"), "not understood"),
        (bundle(more="x " * 150 + "\n"), "not understood"),
        (bundle(more="".join(["file 60000 %s bridge/%d.mpy\n" % ("0" * 64, i) for i in range(40)])), "no firmware of meterbridge"),
        (GOOD[: cut + 20], "not done"),
        (b"", "not done"),
    ):
        with Device() as device:
            os.mkdir("b")
            device.put("b/old", b"the copy that is there")
            said = device.update(data)
            assert words in said, (said, words)
            assert device.tree() == ["b/old", "slot", "update.pub"] and device.read("slot") == b"a"
    with Device() as device:
        os.remove("update.pub")
        assert "no key for updates" in device.update(GOOD)


def test_what_breaks_off_or_is_damaged_changes_nothing_that_runs():
    for data, words in ((GOOD[:-1], "not done"), (GOOD[:-5000], "not done"), (GOOD[:-1] + b"x", "came damaged"), (GOOD + b"x", "behind the update's end")):
        with Device() as device:
            assert words in device.update(data, 5000)
            assert device.read("slot") == (b"b a 3 0.2.0" if "behind" in words else b"a")
            assert "update.txt" not in device.tree()
            if "behind" not in words:
                assert device.update(GOOD) == ""


def test_older_and_equal_versions():
    for runs, force, taken in (("0.2.0", False, True), ("0.10.0", False, False), ("0.10.0", True, True), ("0.1.9", False, True), ("0.2", False, True), ("1", False, False)):
        with Device() as device:
            assert (device.update(GOOD, version=runs, force=force) == "") == taken, runs
    assert judging.number("1.10.2") == [1, 10, 2]


def test_one_at_a_time_and_none_during_a_trial():
    with Device() as device:
        told = {"busy": True}
        assert "another update" in device.update(GOOD, told=told)
        told = {}
        assert device.update(GOOD, told=told) == "" and told == {}
        assert "still on trial" in device.update(GOOD)
        device.put("slot", b"\xff\xff garbage")
        assert device.update(GOOD) == ""
        sys.path[0] = "/elsewhere"
        assert "lies in no slot" in device.update(GOOD)


def test_slot_files():
    with Device() as device:
        for data, found in (
            (b"a", ("a", "", "")), (b"b\n", ("b", "", "")), (b"b a 2 0.3.0", ("b", "a", "0.3.0")), (b"b a 2", ("b", "a", "")),
            (b"a - updated to 0.3.0", ("a", "", "updated to 0.3.0")), (b"", ("", "", "")), (b"c", ("", "", "")), (b"\xff", ("", "", "")),
        ):  # fmt: skip
            device.put("slot", data)
            assert slots.read() == found
        os.remove("slot")
        assert slots.read() == ("", "", "")


class World:
    """What a Life is given."""

    def __init__(self, sinks, mark=None):
        self.next = 5
        self.now = 0
        self.acked = {name: None for name in sinks}
        self.chores = ()
        self.said = []
        self.ended = []
        self.life = Life("0.2.0", self, {name: self.status(name) for name in sinks}, lambda: self.now, self, self, lambda: self.ended.append("restart"), mark)

    def status(self, name):
        return lambda: {"last_ack_age_s": self.acked[name]}

    def info(self, area, text):
        self.said.append(text)

    warning = error = info

    def close(self):
        self.ended.append("close")

    def run(self, until):
        while self.now < until:
            self.now += 10
            for chore in self.chores:
                chore()
        return self


def test_a_start_is_healthy_after_a_while():
    with Device() as device:
        device.put("starts", b"2 ? OSError")
        world = World(("mqtt",)).run(90)
        assert "starts" in device.tree() and world.chores
        world.run(100)
        assert "starts" not in device.tree() and not world.chores and world.life.told == {"slot": "a", "state": "", "last": ""}


def test_settings_are_kept_as_good_when_their_start_was_and_not_before():
    first, second = b'{"device_name": "Cellar"}', b'{"device_name": "' + b"x" * 700 + b'"}'
    with Device() as device:
        device.put("config.json", first)
        world = World((), good.mark("config.json")).run(90)
        assert "config.json.good" not in device.tree()
        world.run(100)
        assert device.read("config.json.good") == first
        device.put("config.json", second)  # saved, then started with it
        world = World((), good.mark("config.json")).run(90)
        assert device.read("config.json.good") == first
        world.run(100)
        assert device.read("config.json.good") == second
        for data, mark in ((b"{", None), (b"", -1), (first, good.mark("config.json"))):  # damaged; not there; saved while that start went on
            device.put("config.json", data)
            World((), mark).run(100)
            assert device.read("config.json.good") == second
        assert "config.json.good.new" not in device.tree() and "bridge.core.good" not in sys.modules


def test_a_start_that_is_no_trial_only_waits():
    with Device() as device:
        device.put("starts", b"2 ? OSError")
        world = World(())
        world.chores = ()
        Waiting(lambda: world.now, world)
        assert "starts" in device.tree() and world.run(90).chores
        assert not world.run(100).chores and "starts" not in device.tree()


def test_a_trial_stays_when_a_reading_came_and_one_destination_was_reached():
    with Device("b") as device:
        device.put("slot", b"b a 2 0.2.0")
        world = World(("mqtt", "http")).run(300)
        assert world.life.told["state"] == "on trial"
        world.next += 1
        assert world.run(400).life.told["state"] == "on trial"
        world.acked["http"] = 0
        world.run(410)
        assert device.read("slot") == b"b - updated to 0.2.0" and not world.ended and not world.chores
        assert world.life.told == {"slot": "b", "state": "", "last": "updated to 0.2.0"}
        device.put("slot", b"b a 2 0.2.0")
        world = World(())  # nobody to be reached
        world.next += 1
        assert world.run(90).chores and not world.run(100).chores
        assert device.read("slot") == b"b - updated to 0.2.0"


def test_a_trial_goes_back_after_ten_minutes():
    for sinks, reading, why in ((("mqtt",), 0, "no reading came"), (("mqtt",), 1, "no destination was reached"), ((), 0, "no reading came")):
        with Device("b") as device:
            device.put("slot", b"b a 2 0.2.0")
            world = World(sinks)
            world.next += reading
            assert not world.run(590).ended
            assert world.run(600).ended == ["close", "restart"]
            assert device.read("slot").decode() == "a - update 0.2.0 was taken back: %s within 10 minutes" % why
            assert "taken back" in world.said[-1]
