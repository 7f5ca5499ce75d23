"""Home Assistant's MQTT discovery by device: what the meter sends in, one retained configuration message out, piece by piece.

Source: home-assistant.io, MQTT discovery (device discovery, since 2024.11); keys are its abbreviations. The message is
several KB, so it is never whole in memory: it is made twice, once to count its bytes and once to send them.
"""

import json

from bridge.push.homeassistant_entities import DIAGNOSTICS, PROFILE, diagnostic, entity, template, title
from bridge.reading.quantities import QUANTITIES, quantity

_ORIGIN = "meterbridge"


def _dumps(value) -> str:
    return json.dumps(value, separators=(",", ":"))


def slug(text: str, otherwise: str) -> str:
    """`text` as part of an entity id: lower-case ASCII letters, digits, underscores; `otherwise` when nothing is left."""
    out = ""
    for char in text.lower():
        if "a" <= char <= "z" or "0" <= char <= "9":
            out += char
        elif out and not out.endswith("_"):
            out += "_"
    return out.rstrip("_") or otherwise.replace("-", "_")


class Discovery:
    """The configuration of one dongle: `identity` (device, version, board), its `name`, discovery `prefix` and topic `base`."""

    def __init__(self, identity, name: str, prefix: str, base: str):
        self._identity = identity
        self._name = name
        self._base = base
        self.unlock = 0  # 1: the state of the meter's PIN is told; 2: and it can be entered
        self._object = slug(name, identity.device)
        self.topic = "%s/device/%s/config" % (prefix, identity.device)

    def message(self, quantities, profile: bool = False) -> tuple:
        """(size in bytes, iterator of its pieces): entities for `quantities` (ids that the meter sends), of the profile, and the dongle's own."""
        rows = PROFILE[: 1 if quantity("power_peak_month_w") in quantities else None] if profile else ()
        return sum([len(piece) for piece in self._pieces(quantities, rows)]), self._pieces(quantities, rows)

    def _pieces(self, quantities, rows: tuple):
        yield self._head().encode()
        separator = ""
        for id in quantities:
            yield (separator + self._quantity(QUANTITIES[id][0])).encode()
            separator = ","
        for row in rows:
            yield (separator + self._profile(row)).encode()
            separator = ","
        for row in DIAGNOSTICS:
            yield (separator + self._diagnostic(row)).encode()
            separator = ","
        if self.unlock:
            from bridge.push.homeassistant_unlock import entities

            for key, more in entities(self._base, self.unlock > 1):
                yield (separator + self._component(key, more.pop("name"), more.pop("val_tpl", None), more)).encode()
        yield b"}}"

    def _head(self) -> str:
        identity = self._identity
        device = {"ids": [identity.device], "name": self._name, "mf": _ORIGIN, "mdl": identity.board, "sw": identity.version}
        origin = {"name": _ORIGIN, "sw": identity.version}
        available = [{"t": self._base + "/bridge"}, {"t": self._base + "/meter"}]
        parts = (_dumps(device), _dumps(origin), _dumps(self._base + "/state"), _dumps(available))
        return '{"dev":%s,"o":%s,"stat_t":%s,"avty":%s,"avty_mode":"all","cmps":{' % parts

    def _component(self, key: str, name: str, value: str, more: dict) -> str:
        more["p"] = kind = more.get("p") or "sensor"
        more["name"] = name
        more["uniq_id"] = self._identity.device + "_" + key
        more["default_entity_id"] = "%s.%s_%s" % (kind, self._object, slug(name, key))
        more["val_tpl"] = value
        # Home Assistant takes no empty class or unit: what is not there is left out.
        return '"%s":%s' % (key, _dumps({k: v for k, v in more.items() if v not in ("", None)}))

    def _quantity(self, name: str) -> str:
        device_class, unit, _, state_class, decimals = entity(name)
        more = {"dev_cla": device_class, "unit_of_meas": unit, "stat_cla": state_class, "sug_dsp_prc": decimals}
        if diagnostic(name):
            more["ent_cat"] = "diagnostic"
        return self._component(name, title(name), template(name), more)

    def _profile(self, row: tuple) -> str:
        key, name, device_class, unit, state_class, value = row
        more = {"dev_cla": device_class, "unit_of_meas": unit, "stat_cla": state_class, "stat_t": self._base + "/profile"}
        return self._component(key, name, value, more)

    def _diagnostic(self, row: tuple) -> str:
        key, name, device_class, unit, state_class, value, from_state = row
        more = {"dev_cla": device_class, "unit_of_meas": unit, "stat_cla": state_class, "ent_cat": "diagnostic"}
        more["avty"] = [{"t": self._base + "/bridge"}]  # these are known while the meter is silent, too
        if not from_state:
            more["stat_t"] = self._base + "/status"
        return self._component(key, name, value, more)
