# The commands of the README. Everything finer is in CMakePresets.json; `make help` lists what is here.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# CMake configures itself again when needed, so a preset is configured once. The generator's own
# output is kept short: what a stranger reads on a first run is what happens, not how.
define build_preset
	@[[ -e build/$(1)/build.ninja ]] || cmake --preset $(1) --log-level=WARNING >/dev/null
	@cmake --build --preset $(1) $(2)
endef

##@ The two commands

.PHONY: demo
demo: build web ## break into a lab host under the sensor, tell the story, leave demo-store/ and serve it (SERVE=0: do not)
	@tools/demo

.PHONY: test
test: setup ## every test: unit, golden, kernel, end to end; then address and undefined sanitizers, fuzz targets, and the thread sanitizer where there are threads
	$(call build_preset,dev)
	@tools/run_tests dev
	$(call build_preset,asan,--target unit_tests)
	@tools/run_tests asan -L 'unit|fuzz'
	$(call build_preset,tsan,--target threaded_unit_tests)
	@tools/run_tests tsan -L threads

##@ Parts of them

.PHONY: setup
setup: ## install what is needed (Debian packages, DuckDB as pinned)
	@tools/setup

.PHONY: build
build: setup ## the program: build/release/spoor
	$(call build_preset,release,--target spoor)

.PHONY: web
web: setup ## the web pages: web/dist (needs npm; nothing else does)
	@tools/web

.PHONY: quick-test
quick-test: setup ## unit and golden tests only, without privileges
	$(call build_preset,dev)
	@tools/run_tests dev -LE 'kernel|web'

##@ For developers

.PHONY: bench
bench: setup ## measure overhead, sizes and answers side by side; writes bench/RESULTS.md
	$(call build_preset,release)
	@bench/run
	@bench/shipping
	@bench/cost

.PHONY: soak
soak: setup ## 1,000 rounds of kill -9 on sensor, collector or both: nothing acknowledged may be lost
	$(call build_preset,release)
	@SPOOR_KILL_ROUNDS=1000 /usr/bin/python3 -B tests/end_to_end/faults_test.py build/release/spoor \
	  build/release/tests/end_to_end/synthetic_sensor Kills

.PHONY: lint
lint: setup ## clang-tidy on all of src, formatting, layers, documents, shell scripts
	@[[ -e build/clang/build.ninja ]] || cmake --preset clang --log-level=WARNING >/dev/null
	@cmake --build --preset clang
	@tools/check
	@git ls-files 'src/*.cpp' | grep -v _fuzz.cpp | xargs -P "$$(nproc)" -n 4 clang-tidy -p build/clang --quiet

.PHONY: fuzz
fuzz: setup ## run every fuzz target for SECONDS each (default 60)
	$(call build_preset,asan)
	@tools/fuzz $${SECONDS_EACH:-60}

.PHONY: format
format: ## clang-format and gofmt everything in place
	@git ls-files '*.cpp' '*.hpp' '*.h' '*.c' | xargs clang-format -i
	@git ls-files '*.go' | xargs gofmt -w

.PHONY: install
install: build web ## into PREFIX (default /usr/local)
	@cmake --install build/release --prefix "$${PREFIX:-/usr/local}"

.PHONY: clean
clean: ## remove what was built (not what was installed, not stores)
	@rm -rf build

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
