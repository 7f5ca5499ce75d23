"""Starts the bridge, or safe mode where boot.py says why. Ctrl-C on the serial console stops it and leaves the REPL to the owner."""

_AGAIN_MS = 10000  # from an error to the next start: time for its owner to read it, or to take the prompt


def make(why: str):
    """The dongle's supervisor, with the code that was needed only to make it given back; that of safe mode when there is a `why`."""
    if why:
        import boot

        return boot.safe(why)
    from bridge import app

    supervisor = app.compose()
    once, unload = app.ONCE, app.unload
    del app
    unload(*once)
    return supervisor


def start(why: str) -> None:
    """Runs it, as long as the device is on."""
    supervisor = make(why)
    if supervisor:
        try:
            import asyncio

            asyncio.run(supervisor.run())
        finally:  # Ctrl-C: what only the RAM has goes to the flash
            supervisor.close()


try:
    start(globals().get("why_safe", ""))
except KeyboardInterrupt:
    print("stopped; a reset starts it again")
    import boot

    boot.healthy()
except Exception as error:
    try:
        import boot

        boot.failed("%s %s" % (type(error).__name__, error))
    except Exception:
        pass  # what is told is the first error
    import machine

    machine.WDT(timeout=_AGAIN_MS)  # resets the chip
    raise error
