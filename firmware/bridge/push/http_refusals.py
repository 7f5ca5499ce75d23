"""A server's refusal in, words for the owner out. Loaded when a server refused, and forgotten again."""

from micropython import const

_WORDS = const(72)  # of a server's own explanation in the status

# What the owner can do about a refusal; %s is the prefix of the settings.
_ADVICE = {
    401: "check %s_token",
    403: "check %s_token",
    404: "check the path in %s_url",
    405: "it takes no POST there, check the path in %s_url",
    413: "it does not even take one reading, raise its limit",
}


def why(answer, setting, name: str, reading=None) -> str:
    """Such as "401 Unauthorized: check http_token". `setting(name)` gives a setting of the sink `name`; `reading`: the one that is refused."""
    text = "%d %s" % (answer.status, printable(answer.text))
    if reading:
        text = "reading %d: %s" % (reading.seq, text)
    if 300 <= answer.status < 400:
        target = printable(answer.location).split("?", 1)[0]
        return "%s to %s: not followed, put the right address in %s_url" % (text, target or "elsewhere", name)
    advice = _ADVICE.get(answer.status)
    if advice:
        return text + ": " + (advice % name if "%s" in advice else advice)
    said = printable(answer.body)[:_WORDS].strip()
    for secret in ("token", "header"):
        value = setting(secret).partition(":")[2].strip() or setting(secret)
        if value and value in said:
            said = ""
    return text + ": " + said if said else text


def printable(data: bytes) -> str:
    """`data` with every byte that is not visible ASCII or a space shown as "?"."""
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in data])
