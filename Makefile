# Everything a person does here, by name; `make` alone lists it. Each target installs what it lacks (packaging/install-needs).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A Node.js that packaging/install-needs put there comes before the machine's own, and so does a cargo-deny of `make lint`.
export PATH := $(CURDIR)/target/node/node_modules/.bin:$(CURDIR)/target/tools/bin:$(PATH)

UI := portal/ui
MODULES := node_modules/.package-lock.json
UI_PAGES := $(UI)/dist/index.html
UI_SOURCES := $(shell find $(UI) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null) docs/server-object.schema.json
SCRIPTS = $(shell grep -rlI --exclude-dir={target,node_modules,.git} '^.!/usr/bin/env bash' . | sort)

# The end-to-end tests make network namespaces, which only root may: cargo builds them as you and starts them by sudo.
ifneq ($(shell id -u),0)
AS_ROOT := sudo -E env PATH=$(PATH)
RUNNER := --config 'target."cfg(unix)".runner = "$(AS_ROOT)"'
endif

say = @printf '\n== %s\n' '$(1)'

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: needs-demo ui ## Start a gateway, a node and a desktop on this machine; prints the address to open
	$(call say,building the programs (some minutes the first time))
	cargo build --release --locked -p fastx -p fastx-gateway
	cargo run --release --locked -q -p fastx -- demo

.PHONY: test
test: needs-test ui tests/browser/$(MODULES) check ## Every test: the code, the programs in network namespaces, the browser, the packages
	$(call say,building the programs and the tests)
	cargo build --release --locked --workspace --bins
	cargo test --release --locked --workspace --no-run
	cargo test --release --locked --workspace --test e2e --no-run
	$(call say,tests of the code)
	cargo test --release --locked --workspace -q --no-fail-fast
	$(call say,tests end to end: real processes in network namespaces)
	cargo test --release --locked --workspace --test e2e --no-fail-fast $(RUNNER)
	$(call say,tests of the packages in a clean Debian 12)
	$(AS_ROOT) packaging/tests/gateway-in-debootstrap
	$(AS_ROOT) packaging/tests/gateway-under-systemd
	$(AS_ROOT) packaging/tests/node-under-systemd
	$(AS_ROOT) packaging/tests/cluster-under-systemd

.PHONY: screenshots
screenshots: needs-test ui tests/browser/$(MODULES) ## Pictures of the pages for the guides, taken by the browser's tests
	FX_SHOTS=$(CURDIR)/docs/screenshots cargo test --release --locked -p portal --test browser
	FX_SHOTS=$(CURDIR)/docs/screenshots cargo test --release --locked -p fastx --test pam $(RUNNER) page

.PHONY: nightly
nightly: needs-test needs-nightly ui tests/browser/$(MODULES) ## The tests that take long: decoders, soak and endurance
	$(call say,decoders: ten minutes each with inputs that libFuzzer chooses)
	fuzz/guided 600
	$(call say,ten thousand random networks)
	SEEDS=10000 cargo test --release --locked -p netsim --test world seeds
	SEEDS=3000 cargo test --release --locked -p netsim --test plane seeds
	$(call say,three hosts: each process killed in turn)
	cargo build --release --locked -p manager --example one-manager
	cargo test --release --locked -p manager --test redundancy -- --ignored
	$(call say,a thousand simulated nodes and a gateway that dies (docs/scale.md))
	cargo build --release --locked -p fastx
	target/release/fastx sim scale --out target/sim-scale
	$(call say,sessions as jobs of Slurm)
	cargo test --release --locked -p fastx --test slurm -- --ignored
	$(call say,three hundred sessions in one go)
	cargo test --release --locked -p node --test many -- --ignored --nocapture
	$(call say,brokers and databases restarted and killed and stopped and cut off for a minute; all gone for ten)
	FAULT_SECONDS=60 cargo test --release --locked -p manager --test faults -- --include-ignored --test-threads=1 --nocapture
	cargo build --release --locked --workspace --bins
	FAULT_SECONDS=60 cargo test --release --locked -p e2e --test e2e $(RUNNER) -- --ignored everything_down --nocapture
	$(call say,soak and endurance)
	cargo test --release --locked -p e2e --features nightly --test nightly $(RUNNER)

.PHONY: bench
bench: needs-bench ui ## Measure ours beside the peers; writes benches/README.md
	cargo build --release --locked --workspace --bins
	cargo run --release --locked -q -p bench $(RUNNER) -- run
	cargo run --release --locked -q -p bench $(RUNNER) -- impair --publish
	cargo run --release --locked -q -p bench $(RUNNER) -- cluster --publish

.PHONY: check
check: ## What is cheap to check: formatting, shell scripts, the table of error codes
	$(call say,formatting and shell scripts and the table of error codes)
	cargo fmt --all --check
	shellcheck --external-sources $(SCRIPTS)
	docs/check-codes

.PHONY: lint
lint: needs-test ui check ## Everything a machine can object to: clippy, dependencies, licences
	$(call say,clippy)
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	$(call say,dependencies: fences and licences and sources (deny.toml))
	command -v cargo-deny >/dev/null || cargo install --locked --root target/tools cargo-deny
	cargo deny check bans licenses sources

.PHONY: package
package: needs-test ui ## Make the archives that gateways, nodes and managers are installed from, under target/package
	cargo build --release --locked -p fastx-gateway -p fastx
	packaging/make-package gateway
	packaging/make-package node
	packaging/make-package cluster

.PHONY: ui
ui: $(UI_PAGES) ## Build the pages that go into the binary

$(UI_PAGES): $(UI)/$(MODULES) $(UI_SOURCES)
	$(call say,building the pages)
	cd $(UI) && npm run build
	touch $@

# npm writes this file last, so it is as old as what it describes.
%/$(MODULES): %/package-lock.json | needs-demo
	$(call say,fetching what $* is built with)
	cd $* && npm ci --no-audit --no-fund
	touch $@

.PHONY: deps
deps: needs-demo needs-test ## Install what the other targets need, and nothing else

.PHONY: needs-demo needs-test needs-nightly needs-bench
needs-demo needs-test needs-nightly needs-bench: needs-%:
	@packaging/install-needs $*
