SHELL := /bin/bash
# Two commands for a start: `make run` and `make test`.
.PHONY: run test test-slow power simulate mutants bench openapi lint contract uploads tools pg-tools

run: tools
	cargo run --quiet --locked -- serve --demo

# Everything, on both engines.
test: tools pg-tools
	@set -o pipefail; mkdir -p target; \
	cargo test --locked --no-fail-fast 2>&1 | tee target/test.log; status=$$?; \
	for engine in sqlite postgres; do \
	  echo "$$engine: $$(grep -c "::$$engine::.* \.\.\. ok$$" target/test.log) passed"; \
	done; exit $$status

# What waits for real deadlines.
test-slow: tools pg-tools
	cargo test --locked --test it -- --ignored

# The power-loss test at length: POINTS moments at which the power goes, within WORK acknowledged things.
POINTS ?= 1000
WORK ?= 1500
power: tools
	POWER_POINTS=$(POINTS) POWER_WORK=$(WORK) cargo test --locked --test it power:: -- --nocapture --test-threads=1

# Phones in bad weather, seed by seed: make simulate SEEDS=1..500 [STEPS=200] [ENGINE=sqlite]; see docs/simulator.md.
SEEDS ?= 1..100
simulate: tools pg-tools
	ANXIAO_SEEDS=$(SEEDS) $(if $(STEPS),ANXIAO_STEPS=$(STEPS)) $(if $(ENGINE),ANXIAO_ENGINE=$(ENGINE)) \
	cargo test --locked --test it -- simulator:: --nocapture

# Each deliberate fault of tests/simulator/mutants must be found by a seed.
mutants: tools pg-tools
	tests/simulator/mutants.py $(MUTANTS)

# The table of docs/performance.md, measured on this machine.
bench: tools pg-tools
	cargo bench --locked --bench load

# Regenerates what is generated from the code and compared by tests.
openapi: tools
	cargo run --quiet --locked -- openapi > openapi.yaml
	cargo run --quiet --locked -- permissions > docs/permissions.md
	cargo run --quiet --locked -- states > docs/hazards.md

lint: tools
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

# schemathesis against a running server.
contract: tools
	cargo build --locked
	tests/contract/run

# A tus client of PyPI against a running server, through a proxy that cuts.
uploads: tools
	cargo build --locked
	tests/uploads/run

# What is missing on a fresh Debian machine with a Rust toolchain is installed, or named in one line.
tools:
	@command -v cargo >/dev/null || { echo "install a Rust toolchain (1.92 or later) first: https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq build-essential >/dev/null; } \
	 || { echo "install a C compiler first: sudo apt-get install build-essential" >&2; exit 1; }

pg-tools:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v pg_isready >/dev/null \
	 || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq postgresql >/dev/null; } \
	 || { echo "the tests need PostgreSQL 15 or later: sudo apt-get install postgresql" >&2; exit 1; }
