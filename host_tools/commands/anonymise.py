"""`meterbridge anonymise`: a capture in; one with other ids, right checksums and the same numbers out, fit to be shared."""

import argparse
import json
import secrets
from pathlib import Path

from host_tools.errors import FAILED, OK, USAGE, UserError

HELP = "Replace ids, names and messages in a capture, so that it can be shared."
EXAMPLES = """
meterbridge anonymise capture.bin -o shared.bin
meterbridge anonymise port.bin --key 0001..0f -o shared.bin              of a meter that encrypts: shared.bin has published keys
meterbridge anonymise second.bin -o shared2.bin --secret 'words of my own'   the same meter gets the same new id in both
"""
LARGEST = 128 << 20  # bytes; it is held in memory
SHOWN = 20
_FRAMINGS = {"dlms": "apdu-stream"}  # what the JSON file beside a capture calls it, where that is not the protocol's name
_WITHOUT_KEY = (
    "the telegrams are encrypted, with your meter's numbers inside, and can only be anonymised with the key (--key): the system title beside the "
    "text names your meter too, and is part of what the text is encrypted with, so that it cannot be replaced alone. Nothing was written"
)
_REFUSED = {
    "key_missing": "encrypted (give --key)", "key_wrong": "not opened by --key", "tag_wrong": "not proved by --auth-key", "length": "cut",
    "cipher_unknown": "encrypted in a way that is not known", "damaged": "damaged", "odd": "not understood",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="captured bytes")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="what is written; nothing else of the capture is kept")
    parser.add_argument("--key", metavar="HEX", help="encryption key of the meter; OUT is encrypted with a published key, which is told")
    parser.add_argument("--auth-key", metavar="HEX", help="authentication key; telegrams that it does not prove genuine are left out")
    parser.add_argument("--secret", metavar="TEXT", help="replacements follow from it (default: another one each time)")
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it is there")


def run(args: argparse.Namespace) -> int:
    """Writes OUT; UserError when there is nothing in the file that can be read, and so nothing that may be shared."""
    from host_tools.anonymising.choose import anonymised
    from host_tools.commands.decode import both_keys

    source, out = Path(args.file), Path(args.output)
    beside = out.with_suffix(".json")
    key, auth_key = both_keys(args)
    _check(args, source, out)
    data = source.read_bytes()
    secret = (args.secret or secrets.token_hex(16)).encode()[:64]
    result = anonymised(data, secret, key, auth_key)
    if not result.telegrams:
        raise UserError(_why_none(args.file, result), FAILED)
    if result.sealed:
        _check(args, source, beside)
    try:
        out.write_bytes(b"".join(result.telegrams))
        if result.sealed:
            beside.write_text(json.dumps(_keys(result, out), indent=1) + "\n", encoding="ascii")
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be written ({error.strerror})", FAILED) from error
    _tell(result, len(data), out, beside)
    return OK


def _check(args: argparse.Namespace, source: Path, out: Path) -> None:
    """UserError when there is nothing to read, or `out` must not be written."""
    if not source.is_file():
        raise UserError(f"{args.file}: no such file", USAGE)
    if source.stat().st_size > LARGEST:
        raise UserError(f"{args.file} is larger than {LARGEST >> 20} MB: cut it", USAGE)
    if out.is_dir():
        raise UserError(f"{out} is a folder: name a file in it", USAGE)
    if out.exists() and (not args.force or out.samefile(source)):
        raise UserError(f"{out} is there already: name another, or overwrite it with --force (never the capture itself)", USAGE)


def _why_none(name: str, result: object) -> str:
    from host_tools.commands.decode import REFUSALS

    reason = result.refused.most_common(1)[0][0] if result.refused else ""
    if reason == "key_missing":
        return f"{name}: {_WITHOUT_KEY}"
    if reason in REFUSALS:
        return f"{name}: no telegram can be read: {REFUSALS[reason]}. Nothing was written"
    what = f": {result.refused[reason]} are {_REFUSED[reason]}" if reason else ""
    return f"{name}: no whole telegram in it that is understood{what}; what cannot be read is not passed on, so nothing was written"


def _keys(result: object, out: Path) -> dict:
    """What the JSON file beside OUT says."""
    from host_tools.anonymising.vault import AUTH_KEY, KEY

    told = {"framing": _FRAMINGS.get(result.protocol, result.protocol), "meter": "anonymised", "key": KEY, "authentication_key": AUTH_KEY,
            "key_source": "published: the example keys of the DLMS standard", "decode": f"meterbridge decode {_options()} {out.name}"}
    if result.protocol == "amis":
        told |= {"authentication_key": None, "decode": f"meterbridge decode --key {KEY} {out.name}"}
    return told


def _options() -> str:
    from host_tools.anonymising.vault import AUTH_KEY, KEY

    return f"--key {KEY} --auth-key {AUTH_KEY}"


def _tell(result: object, size: int, out: Path, beside: Path) -> None:
    count = len(result.telegrams)
    print(f"{out}: {count} {result.protocol.upper()} telegram{'' if count == 1 else 's'}, {result.size} bytes of {size}; what was not understood is left out")
    if result.refused:
        print("left out: " + ", ".join(f"{number} {_REFUSED[reason]}" for reason, number in result.refused.most_common()))
    shown = list(result.names.replaced.items())
    for old, new in shown[:SHOWN]:
        print(f"  {old}  ->  {new}")
    if len(shown) > SHOWN:
        print(f"  and {len(shown) - SHOWN} more")
    decode = f"meterbridge decode {out}"
    if result.sealed:
        decode = _keys(result, out)["decode"].removesuffix(out.name) + str(out)
        print(f"it is encrypted with published keys, that anybody may know; {beside} tells them. Your own key is not in it")
    print(f"look through it before you share it: {decode}")
