"""Starts the bridge. Ctrl-C on the serial console stops it and leaves the REPL to the owner."""


def make():
    """The dongle's supervisor, with the code that was needed only to make it given back."""
    from bridge import app

    supervisor = app.compose()
    once, unload = app.ONCE, app.unload
    del app
    unload(*once)
    return supervisor


def start() -> None:
    """Runs it, as long as the device is on."""
    import asyncio

    supervisor = make()
    try:
        asyncio.run(supervisor.run())
    except KeyboardInterrupt:
        print("stopped; a reset starts it again")
    finally:  # Ctrl-C: what only the RAM has goes to the flash
        supervisor.close()


start()
