# The commands of the README. Everything else is CMake presets; `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: setup
setup:
	@tools/setup

.PHONY: build
build: setup
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release
