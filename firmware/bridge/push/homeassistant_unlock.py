"""What Home Assistant is told of the meter's PIN: the topics' start in, entities of its discovery out. Loaded for that moment."""


def entities(base: str, commands: bool):
    """Yields (key, its keys and values): the state of the PIN, and with `commands` what enters it and presses the meter's key of light."""
    status = base + "/status"
    known = [{"t": base + "/bridge"}]
    pin = "value_json.get('meter', {}).get('pin', {})"
    yield "pin", {
        "name": "PIN",
        "val_tpl": "{{ %s.get('state') }}" % pin,
        "ic": "mdi:lock-open-outline",
        "stat_t": status,
        "json_attr_t": status,
        "json_attr_tpl": "{{ %s | tojson }}" % pin,
        "avty": known,
        "ent_cat": "diagnostic",
    }
    if not commands:
        return
    command = base + "/unlock/set"
    # Its state is always empty: Home Assistant keeps states, and this would be the PIN.
    yield "pin_set", {
        "p": "text",
        "name": "Enter PIN",
        "cmd_t": command,
        "cmd_tpl": "{{ {'pin': value[:4], 'again': value[4:] == ' again'} | tojson }}",
        "stat_t": status,
        "val_tpl": "{{ '' }}",
        "mode": "password",
        "min": 0,
        "max": 10,
        "ptrn": "([0-9]{4}( again)?)?",
        "avty": known,
        "ent_cat": "config",
    }
    for word, name in (("next", "Meter display: next (short press)"), ("hold", "Meter display: hold (long press)"), ("cancel", "Meter display: cancel")):
        yield "pin_" + word, {"p": "button", "name": name, "cmd_t": command, "pl_prs": word, "avty": known, "ent_cat": "config"}
