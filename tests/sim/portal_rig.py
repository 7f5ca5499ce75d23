"""A dongle as it comes out of the box beside a home with Wi-Fi, and a phone: folders in; the compiled firmware, its portal, a browser's window out.

The simulated air has the home's access points; the dongle's own is this computer's 127.0.0.0/24, from which the browser comes. Its
station has an address of another network, as in life.
"""

import contextlib
import http.client
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from host_tools import meters, runtime
from host_tools.meters.play import Live, Player
from host_tools.simulation.dongle import TOKEN, Dongle
from host_tools.wire import PtyWire

PATIENCE_S = 30
OWN = ("127.0.0.1", "255.255.255.0", "127.0.0.1", "0.0.0.0")
HOME = ("10.11.12.23", "255.255.255.0", "10.11.12.1", "10.11.12.1")
PASSWORD = "  correct horse 'battery' \"staple\" \U0001f50b "
AIR = [
    {"ssid": "Home sweet home", "password": PASSWORD, "bssid": "02:00:00:00:00:01", "rssi": -52, "channel": 11},
    {"ssid": "FRITZ!Box 7590 XY", "password": "12345678901234567890", "bssid": "02:00:00:00:00:02", "rssi": -63},
    {"ssid": "Caf\u00e9 \u2603 free", "password": "", "bssid": "02:00:00:00:00:03", "rssi": -74},
    {"ssid": "<b onclick=alert(1)>\"'&amp;", "password": "x" * 63, "bssid": "02:00:00:00:00:04", "rssi": -85},
    {"ssid": "under the stairs", "password": "spiders!", "bssid": "02:00:00:00:00:05", "rssi": -66, "hidden": True},
]


class Box:
    """A dongle without settings and its meter. `dongle`; `port` of its page."""

    def __init__(self, folder: Path, built: Path, meter: str = "p1-nl", **options):
        made = meters.make(meter)
        made.cadence_s = 1
        line = folder / "line.json"
        self.wire = PtyWire(made.line, line_file=str(line))
        path = f"{built}:{runtime.BOARDS / 'sim'}:.frozen"
        given = {"settings": None, "heap": "512k", **options}
        env = {"MICROPYPATH": path, **given.pop("env", {})}
        self.dongle = Dongle(folder / "dongle", self.wire.path, line_file=line, main=built / "main.py", env=env, **given)
        self.dongle.wifi = {"points": AIR, "own_address": OWN, "address": HOME, "scan_ms": 100, "join_ms": 50, "dhcp_ms": 50}
        self.player = Player(Live(made), self.wire)

    def __enter__(self):
        self.dongle.start()
        self.dongle.wait_for("portal: open", PATIENCE_S)
        self.player.start()
        until(self.state)
        return self

    def __exit__(self, *_):
        self.player.stop()
        self.dongle.stop()
        self.wire.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.dongle.http_port}/"

    def ask(self, path: str, body=None, method: str = "", source: str = "", headers=None, token: bool = False):
        """(status, headers, body) of an answer; `source`: an address of this computer other than a guest's."""
        link = http.client.HTTPConnection("127.0.0.1", self.dongle.http_port, timeout=15, source_address=(source, 0) if source else None)
        given = {"Content-Type": "application/json"} if body is not None else {}
        given |= {"Authorization": f"Bearer {TOKEN}"} if token else {}
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()  # as browsers do
            link.request(method or ("GET" if body is None else "POST"), path, data, given | (headers or {}))
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()

    def state(self, **more) -> dict:
        """As the page is told. ValueError when it is not told."""
        status, _, data = self.ask("/portal/state", **more)
        if status != 200:
            raise ValueError(data)
        return json.loads(data)

    def tried(self, **wanted) -> dict:
        """What a test ends in."""
        status, _, data = self.ask("/portal/test", wanted)
        assert status == 202, data
        return until(lambda: (trial := self.state()["trial"])["over"] and trial)


def until(look: Callable, patience: float = PATIENCE_S):
    """What `look` gives as soon as it is true; what it raises of a dongle that is just away is waited over."""
    deadline = time.monotonic() + patience
    while True:
        found = None
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def missing() -> str:
    """What a browser lacks on this machine, "" when there is one."""
    programs = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    if programs:
        return f"{' and '.join(programs)} not installed: on Debian, apt install chromium chromium-driver"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed: pip install -r requirements-dev.txt"
    return ""


def browser(folder: Path, language: str = "en", dark: bool = False):
    """Chromium, as small as a phone, whose owner reads `language`."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = shutil.which("chromium")
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--no-first-run", "--no-proxy-server", f"--user-data-dir={folder}", f"--lang={language}", "--hide-scrollbars"):  # fmt: skip
        options.add_argument(word)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"), env={**os.environ, "HOME": str(folder)}))
    made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True})
    speak(made, language, dark)
    return made


def speak(page, language: str, dark: bool = False) -> None:
    """Its owner reads another language from now on, or likes it dark."""
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
    page.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": "Mozilla/5.0 (Linux; Android 14) Chrome/126 Mobile", "acceptLanguage": language})


class Phone:
    """What its owner does with the page; words are those that the page has for a key in the language that it shows."""

    def __init__(self, page, pictures: str = ""):
        self.page, self.pictures = page, pictures

    def words(self, key: str, *parts: str) -> str:
        return self.page.execute_script("return t(...arguments)", key, *parts)

    def on(self, step: str) -> None:
        """Waits for a step."""
        until(lambda: self.page.execute_script("return step") == step)
        self.picture(step)

    def one(self, selector: str):
        return self.page.find_element("css selector", selector)

    def press(self, selector: str) -> None:
        self.page.execute_script("arguments[0].scrollIntoView({block: 'center'})", self.one(selector))
        self.one(selector).click()

    def next(self) -> None:
        step = self.page.execute_script("return step")
        self.press(f"#s-{step} button:not([type=button])")

    def choose(self, network: str) -> None:
        """A network by its name; "" is the hidden one."""
        until(lambda: self.page.execute_script("return networks !== null && !document.getElementById('again').disabled"))
        name = network or self.words("other")
        rows = [row for row in self.page.find_elements("css selector", "#networks label") if row.find_element("css selector", "span").text.strip() == name.strip()]
        assert len(rows) == 1, name
        rows[0].click()

    def fill(self, field: str, text: str) -> None:
        """Types; where the browser's driver cannot (emoji), pastes."""
        box = self.one("#" + field)
        box.clear()
        if max(map(ord, text), default=0) < 0x10000:
            box.send_keys(text)
        else:
            self.page.execute_script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", box, text)

    def result(self, box: str) -> str:
        """What a box says in the end."""
        def look():
            found = self.one("#" + box)
            return found.text and "busy" not in found.get_attribute("class") and found.text
        found = until(look)
        self.picture(box)
        return found

    def picture(self, name: str) -> None:
        """Of the whole page, where somebody wants to see it; and nothing may be wider than the screen."""
        wide = self.page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"
        if self.pictures:
            import base64

            shot = self.page.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
            language = self.page.execute_script("return document.documentElement.lang")
            path = Path(self.pictures) / f"{language}-{len(list(Path(self.pictures).glob(language + '-*'))):02d}-{name}.png"
            path.write_bytes(base64.b64decode(shot["data"]))
