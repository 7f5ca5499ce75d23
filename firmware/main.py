"""Starts the bridge. Ctrl-C on the serial console stops it and leaves the REPL to the owner."""

from bridge.app import main

main()
