# meterbridge: `make run` shows the main job in simulation, `make test` passes the tests. `make help` lists all.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
METER ?= p1-nl
PIN ?=
DETECT ?=
SPEED ?=
PORT ?=
BOARD ?=
FAULT ?=
CONFIG ?=
EXECUTIONS ?=
SECONDS ?=

.PHONY: help run test bench fuzz soak pins flash deploy configure export erase unlock doctor setup clean test-%
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z%-]+):.*## /  make \1\t/' | expand -t 20
	@echo
	@echo "  make run METER=sml | METER=sml-locked PIN=1234 | METER=p1-be DETECT=1 | CAPTURE=file SPEED=10 KEY=hex AUTH_KEY=hex LINE='2400 8E1' | BROKER=mosquitto | BROKER=mqtt://host | FAULT=broker-killed"

$(READY): requirements.txt pyproject.toml
	@echo "setting up $(VENV) (once; needs the Python package index) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "meterbridge needs Python 3.10 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1): call make with PYTHON=/path/to/python3.12"; exit 3; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "this Python cannot make virtual environments: on Debian or Ubuntu, 'apt install python3-venv'"; exit 3; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt || { echo "packages could not be installed: is the Python package index reachable?"; exit 3; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(READY_DEV): $(READY) requirements-dev.txt
	@echo "installing what only tests, benchmarks and fuzzing need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt || { echo "packages could not be installed: is the Python package index reachable?"; exit 3; }
	@touch $@

setup: $(READY) ## only set up the virtual environment

run: $(READY) ## the main job in simulation: a meter, the firmware, a broker, what the owner gets
	@$(BIN)/meterbridge run $(if $(CAPTURE),--capture "$(CAPTURE)",--meter "$(METER)") $(if $(PIN)$(filter command,$(origin PIN)),--pin "$(PIN)") $(if $(KEY),--key "$(KEY)") $(if $(AUTH_KEY),--auth-key "$(AUTH_KEY)") $(if $(LINE),--line "$(LINE)") $(if $(DETECT),--detect) $(if $(SPEED),--speed "$(SPEED)") $(if $(BROKER),--broker "$(BROKER)") $(if $(FAULT),--fault "$(FAULT)") $(RUN_ARGS)

test: $(READY_DEV) ## all test rings, one summary line at the end
	@$(BIN)/python -m tests

test-%: $(READY_DEV) ## one ring: unit corpus memory fuzz sim tools fault guards
	@$(BIN)/python -m tests $*

bench: $(READY_DEV) ## what speed, memory and wear cost, one JSON object per line
	@$(BIN)/python -m bench

fuzz: $(READY_DEV) ## hostile bytes through the pure stages, some minutes; EXECUTIONS=10000000 for the long run, TARGETS="p1 sml.wire" for some
	@$(BIN)/python -m tests.fuzz $(if $(EXECUTIONS),--executions "$(EXECUTIONS)") $(if $(SECONDS),--seconds "$(SECONDS)") $(TARGETS)

soak: $(READY_DEV) ## 30 simulated days of a reading each ten seconds with outages, half an hour; SOAK_S=60 for one each minute
	@SOAK_S=$(or $(SOAK_S),10) $(BIN)/python -m pytest -q -s tests/sim/test_soak.py -k thirty

pins: $(READY_DEV) ## every PIN of every plan by the firmware's own light on MicroPython, edges moved and pulses missed in many ways, some minutes
	@PINS=all $(BIN)/python -m pytest -q tests/sim/test_pins.py

flash: $(READY) ## make a dongle of a bare ESP32: MicroPython, firmware, settings, then what it sees: PORT=/dev/ttyUSB0 BOARD=name CONFIG=file IMAGE=file
	@$(BIN)/meterbridge flash $(if $(PORT),--port "$(PORT)") $(if $(BOARD),--board "$(BOARD)") $(if $(CONFIG),--config "$(CONFIG)") $(if $(IMAGE),--image "$(IMAGE)") $(FLASH_ARGS)

deploy: $(READY) ## copy the firmware and a configuration to a board: PORT=/dev/ttyUSB0 BOARD=name CONFIG=file
	@$(BIN)/meterbridge deploy $(if $(PORT),--port "$(PORT)") $(if $(BOARD),--board "$(BOARD)") $(if $(CONFIG),--config "$(CONFIG)")

configure: $(READY) ## set up a dongle, asking for the few things it needs: PORT=/dev/ttyUSB0 or HOST=192.168.1.20 TOKEN_FILE=token.txt, SET="mqtt_url=mqtt://192.168.1.10" QR='WIFI:...' CONFIG=file
	@$(BIN)/meterbridge configure $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)") $(if $(TOKEN_FILE),--token-file "$(TOKEN_FILE)") $(if $(CONFIG),--config "$(CONFIG)") $(if $(SET),--set "$(SET)") $(if $(QR),--qr '$(QR)')

export: $(READY) ## what a running dongle kept, as CSV: PORT=/dev/ttyUSB0 OUT=readings.csv FROM=2026-11 WHAT=quarters FORMAT=json
	@$(BIN)/meterbridge export $(if $(PORT),--port "$(PORT)") $(if $(OUT),-o "$(OUT)") $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(WHAT),--what "$(WHAT)") $(if $(FORMAT),--format "$(FORMAT)")

erase: $(READY) ## make a running dongle forget what it kept, after a question: PORT=/dev/ttyUSB0 WHAT=readings
	@$(BIN)/meterbridge erase $(if $(PORT),--port "$(PORT)") $(if $(WHAT),--what "$(WHAT)")

unlock: $(READY) ## enter a German meter's PIN by the light of a running dongle's head, and follow it: PORT=/dev/ttyUSB0, or HOST=192.168.1.20 TOKEN_FILE=token.txt
	@$(BIN)/meterbridge unlock $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)") $(if $(TOKEN_FILE),--token-file "$(TOKEN_FILE)") $(UNLOCK_ARGS)

doctor: $(READY) ## what is wrong with a dongle, and what to do: PORT=/dev/ttyUSB0, or HOST=192.168.1.20 TOKEN_FILE=token.txt
	@$(BIN)/meterbridge doctor $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)") $(if $(TOKEN_FILE),--token-file "$(TOKEN_FILE)") $(DOCTOR_ARGS)

clean: ## forget what was built
	rm -rf build .pytest_cache
