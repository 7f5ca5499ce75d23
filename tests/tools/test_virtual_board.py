"""A virtual board with a LittleFS of real size as its whole flash: deployed to, running with a meter over TCP, cut from power in the middle of a copy."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from host_tools import meters, runtime
from host_tools.simulation.virtual_board import HARD_RESET, POWER_ON, WATCHDOG_RESET, VirtualBoard

KB = 2048  # of a 4 MB chip, what the application leaves


def deploy(board: VirtualBoard, *words: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "host_tools", "deploy", "--port", board.port, "--board", "sim", *map(str, words)]
    return subprocess.run(command, cwd=runtime.ROOT, capture_output=True, text=True, timeout=120)


def test_the_power_goes_in_the_middle_of_a_copy_and_then_the_meter_is_read(tmp_path: Path) -> None:
    source = meters.make("p1-nl")
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def meter() -> None:
        while not stop.is_set():
            try:
                link, _ = listener.accept()
                with link:
                    while not stop.wait(0.3):
                        link.sendall(source.telegram(time.time()))
            except OSError:
                pass  # the board was reset, or the test is over

    threading.Thread(target=meter, daemon=True).start()
    (tmp_path / "config.json").write_text('{"meter_line": "115200 8N1", "wifi_ssid": "home"}')
    with VirtualBoard(tmp_path / "board", KB, {"uart": f"tcp://127.0.0.1:{listener.getsockname()[1]}"}) as board:
        board.storage.cut_power(300, "half")
        broken = deploy(board, "--config", tmp_path / "config.json")
        assert broken.returncode == 1 and "run the same command again, it continues" in broken.stderr, broken.stdout + broken.stderr
        assert board.storage.wear().cuts == 1 and board.causes[-1] == POWER_ON
        done = deploy(board, "--config", tmp_path / "config.json")
        assert done.returncode == 0, done.stdout + done.stderr
        board.wait_for("listening at", 30)
        board.wait_for("protocol found: p1", 30)
        assert board.causes[-1] == HARD_RESET
        again = deploy(board)
        assert " 0 copied, 0 removed, " in " " + again.stdout.splitlines()[-1], again.stdout + again.stderr
        board.press_reset()
        board.wait_reset(board.resets + 1, 30)
        assert board.causes[-1] == POWER_ON
    stop.set()
    listener.close()


def test_the_watchdog_bites(tmp_path: Path) -> None:
    with VirtualBoard(tmp_path / "board") as board:
        (board.flash / "main.py").write_text("import machine, time\nprint('cause', machine.reset_cause())\nmachine.WDT(timeout=1000)\ntime.sleep(60)\n")
        board.press_reset()
        board.wait_for(f"cause {WATCHDOG_RESET}", 20)
        assert WATCHDOG_RESET in board.causes
