"""`meterbridge run`: a meter's name or a capture in; the whole main job in simulation, shown live, out."""

import argparse
import os
import signal
import sys
import time

from host_tools.errors import FAILED, INTERRUPTED, OK, USAGE, UserError

HELP = "the main job in simulation: a meter, the firmware, a broker, a web server, and what the owner gets"
EXAMPLES = """
meterbridge run
meterbridge run --meter sml
meterbridge run --meter sml-locked --pin 1234
meterbridge run --meter at-tinetz-kaifa --detect
meterbridge run --capture telegrams.p1 --speed 10
meterbridge run --capture port.bin --key 0001..0f --line "2400 8E1"
meterbridge run --broker mqtt://user:password@broker.local
meterbridge run --fault broker-killed
meterbridge run --plain --seconds 30
"""
_FIRST_READING_S = 30  # after so long without one the screen is shown all the same
_LOG_SHOWN = 6  # log lines when no reading came
_STOPS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge run`."""
    parser.add_argument("--meter", metavar="NAME", help="simulated meter (default: p1-nl; a wrong name lists them all)")
    parser.add_argument("--pin", metavar="PIN", help="of a meter that waits for it (sml-locked, ...): the dongle enters it by light")
    parser.add_argument("--enter", metavar="PIN", help="let the dongle enter this one instead, to see what a wrong one does")
    parser.add_argument("--capture", metavar="FILE", help="play a capture of a real meter instead, in its own pace")
    parser.add_argument("--speed", type=float, metavar="N", help="play the capture N times as fast")
    parser.add_argument("--line", metavar="SETTINGS", help="line settings of the capture, like '2400 8E1' (default: guessed from it)")
    parser.add_argument("--key", metavar="HEX", help="encryption key of the captured meter (default: of the JSON file beside the capture)")
    parser.add_argument("--auth-key", metavar="HEX", help="its authentication key, where there are two")
    parser.add_argument("--detect", action="store_true", help="leave it to the dongle to find the meter's line (up to three minutes)")
    parser.add_argument("--no-key", action="store_true", help="do not tell the dongle the key of an encrypted meter")
    parser.add_argument("--broker", default="embedded", metavar="B", help="embedded (default), mosquitto, or mqtt://[user:password@]host[:port]")
    parser.add_argument("--ca", metavar="FILE", help="certificate of the authority that signed your broker's (mqtts://)")
    parser.add_argument("--mqtt-port", type=int, default=0, metavar="N", help="port of the broker that is started (default: a free one)")
    parser.add_argument("--http-port", type=int, default=0, metavar="N", help="port of the web server that takes readings (default: a free one)")
    parser.add_argument("--heap", default="152k", metavar="SIZE", help="the firmware's heap as on an ESP32, whose words are 32 bits (default: 152k)")
    parser.add_argument("--folder", metavar="DIR", help="keep the dongle's flash and the logs here (default: a temporary folder)")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after N seconds of readings")
    parser.add_argument("--fault", metavar="NAME", help="let this break meanwhile and be mended again (a wrong name lists them all)")
    parser.add_argument("--fault-after", type=float, default=10.0, metavar="S", help="so many seconds after the first reading (default: 10)")
    parser.add_argument("--fault-for", type=float, metavar="S", help="for so long (default: 20)")
    parser.add_argument("--plain", action="store_true", help="one line per reading instead of the live screen (so without a terminal)")


def run(args: argparse.Namespace) -> int:
    """Start everything, show it until the user or the clock ends it, end everything."""
    from host_tools import runtime

    runtime.must_simulate()
    from host_tools import run_views, simulated_run

    choices = _choices(args)
    source = _source(args)
    plain = args.plain or not run_views.can_be_live()
    steps = run_views.Steps(plain)
    with _Stops() as stops:
        print(f"meterbridge simulates {source.title}", flush=True)
        try:
            with simulated_run.SimulatedRun(choices, source, steps) as simulation:
                stops.over = simulation.over
                try:
                    return _watch(simulation, steps, stops, plain, args.seconds)
                finally:
                    stops.closing = True
        except simulated_run.FirmwareDied as death:
            print("\n".join(f"    {line}" for line in death.lines), file=sys.stderr)
            raise


def _choices(args: argparse.Namespace) -> object:
    from host_tools import faults, runtime
    from host_tools.simulated_run import Choices

    if args.capture and args.meter:
        raise UserError("give --meter or --capture, not both", USAGE)
    if args.capture and (args.pin is not None or args.enter is not None):
        raise UserError("--pin and --enter go with --meter: a capture has no eye", USAGE)
    if args.enter is not None and args.pin is None:
        raise UserError("--enter goes with --pin, the meter's own", USAGE)
    if args.enter is not None and not (len(args.enter) == 4 and args.enter.isascii() and args.enter.isdigit()):
        raise UserError("--enter: a PIN has four digits: write it as 0471", USAGE)
    if args.speed is not None and (not args.capture or args.speed <= 0):
        raise UserError("--speed is a number above 0 and goes with --capture", USAGE)
    if args.seconds is not None and args.seconds <= 0:
        raise UserError("--seconds is a number above 0", USAGE)
    if not args.capture and (args.line or args.key or args.auth_key):
        raise UserError("--line, --key and --auth-key go with --capture: a simulated meter has its own", USAGE)
    for port in (args.mqtt_port, args.http_port):
        if not 0 <= port <= 65535:
            raise UserError(f"{port} is no port; there are 1 to 65535", USAGE)
    if args.ca and not os.path.isfile(args.ca):
        raise UserError(f"{args.ca}: no such file", USAGE)
    runtime.heap_bytes(args.heap)
    fault = faults.find(args.fault) if args.fault else None
    if fault and "://" in args.broker:
        raise UserError("--fault goes with a broker that is started here: your own stays as it is", USAGE)
    if fault and fault.rewinds and args.capture:
        raise UserError(f"{fault.name} goes with --meter: a capture has no more telegrams than it has", USAGE)
    if args.fault_after < 0 or (args.fault_for or 1) <= 0:
        raise UserError("--fault-after and --fault-for are seconds, the second more than 0", USAGE)
    return Choices(args.broker, args.mqtt_port, args.http_port, args.ca, args.heap, args.folder, args.detect, not args.no_key,
                   fault, args.fault_after, args.fault_for, args.pin if args.enter is None else args.enter)


def _source(args: argparse.Namespace) -> object:
    from host_tools import run_source
    from host_tools.commands.decode import both_keys

    if not args.capture:
        return run_source.of_meter(args.meter or "p1-nl", pin=args.pin)
    return run_source.of_capture(args.capture, args.speed or 1.0, both_keys(args), args.line)


def _watch(simulation: object, steps: object, stops: "_Stops", plain: bool, seconds: float | None) -> int:
    """Show the run; its exit code."""
    from host_tools import run_views
    from host_tools.simulated_run import command_name
    from host_tools.simulation.dongle import TOKEN

    model = simulation.model
    if not simulation.choices.detect:  # else there is something to look at before it comes
        steps("first reading", lambda: _first_reading(simulation))
    print(f"    see it elsewhere: {model.facts.listen}", flush=True)
    print(f"    in the network: curl -u x:{TOKEN} http://127.0.0.1:{simulation.dongle.http_port}/api/status", flush=True)
    print(f"    console: {simulation.console.path}: {command_name()} export --port {simulation.console.path}", flush=True)
    stops.starting = False
    end = None if seconds is None else time.monotonic() + seconds

    def check() -> bool:
        simulation.check()
        finished = simulation.finished()  # the live screen stays: there is something to look at
        return (end is not None and time.monotonic() >= end) or (plain and finished)

    (run_views.show_plain if plain else run_views.show_live)(model, simulation.over, check)
    print(summary(model), flush=True)
    if model.unlocking:
        print(f"  PIN: {model.unlocking.picture().title}", flush=True)
    if model.fault:
        print(f"  {model.fault.summary()}", flush=True)
    if model.readings:
        return OK
    if stops.came:
        return INTERRUPTED
    raise UserError("no reading came; the dongle's last lines are above", FAILED)


def _first_reading(simulation: object) -> str:
    """Wait for it; a few words."""
    from host_tools.dashboard_model import HEARD

    model = simulation.model
    patience = time.monotonic() + _FIRST_READING_S
    while not model.live:
        simulation.check()
        if model.refused():
            return f"none: the dongle hears {HEARD.get(model.refused(), model.refused())}"
        if time.monotonic() > patience:
            return "\n    ".join(["none yet; the dongle says:", *list(model.log)[-_LOG_SHOWN:]])
        model.changed.wait(0.25)
        model.changed.clear()
    return f"number {model.reading.get('seq', '?')}"


def summary(model: object) -> str:
    """The run in a line, and a line per destination."""
    from host_tools.dashboard import duration
    from host_tools.dashboard_details import bad_telegrams

    bad = ", ".join(f"{count} {word}" for word, count in bad_telegrams(model) if count) or "none"
    lines = [f"{model.readings} readings in {duration(model.clock() - model.started)}; bad telegrams: {bad}"]
    for sink in model.sinks():
        acked = "nothing" if sink.acknowledged is None else f"everything up to #{sink.acknowledged}"
        lines.append(f"  {sink.name}: acknowledged {acked}, {sink.backlog} waiting, {sink.lost} lost, {sink.errors} errors")
    return "\n".join(lines)


class _Stops:
    """Ctrl-C, SIGTERM and the end of the terminal: an interruption during start-up, the orderly end of the run later."""

    def __init__(self):
        self.over = None
        self.starting = True
        self.closing = False
        self.came = False
        self._old: dict = {}

    def __enter__(self) -> "_Stops":
        for number in _STOPS:
            self._old[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _stop(self, number: int, _frame: object) -> None:
        if number == getattr(signal, "SIGHUP", None):  # nobody reads any more: what is still written must not fail
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.dup2(nowhere, sys.stderr.fileno())
        again, self.came = self.came, True
        if self.closing or again:  # on its way; everything that is waited for has a limit
            return
        if self.starting:
            raise KeyboardInterrupt
        self.over.set()
