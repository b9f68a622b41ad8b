# What a contributor and CI run. Longer recipes are in tests/bed (Python); `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# What a target needs is made in the order in which it stands here, also with -j: first the prerequisites, and never two
# of cargo's builds or two beds at once. Cargo itself uses all processors.
.NOTPARALLEL:

BED := cd tests && exec python3 -m bed
TEMPLATES := cloudformation/*.yaml cloudformation/examples/*.yaml tests/bed/stub/*.yaml tests/templates/good.yaml

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z-]+:.*## /{printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## See it work
.PHONY: demo bed-install bed-up bed-down bed-status
demo: ## Both programs on a real Livy, Spark and YARN and a local AWS: downloads, builds, shows, cleans up
	@$(BED) demo

bed-install: ## Fetch Livy, Spark, YARN and LocalStack into target/bed
	@$(BED) install

bed-up: ## Start the test bed (`cd tests && python3 -m bed --help` for more)
	@$(BED) up

bed-down: ## Stop the test bed
	@$(BED) down

bed-status: ## Say which parts of the test bed run
	@$(BED) status

## Develop
.PHONY: build check lint-templates lint-scripts test test-rust test-deep test-faults test-fuzz test-bed fuzz bench bench-function deny prerequisites prerequisites-build
build: prerequisites-build ## A debug build of everything
	cargo build --locked --workspace --all-targets

# No clippy over fuzz/: a check shares nothing with the fuzz build, so it would check every dependency once more, AWS' SDK
# among them, for a few hundred lines. The compiler's own lints speak when the targets are built.
check: prerequisites-build lint-templates lint-scripts ## Formatting, clippy, documentation, templates, scripts; all warnings are errors
	cargo fmt --all --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace

lint-templates: ## cfn-lint and yamllint over the templates, and the rules for Custom::SparkJob over good and bad ones
	@linters=$$(cd tests && python3 -m bed install-lint); \
	"$$linters/cfn-lint" --non-zero-exit-code warning --append-rules cloudformation/lint -- $(TEMPLATES); \
	"$$linters/yamllint" --strict --config-file cloudformation/.yamllint $(TEMPLATES); \
	"$$linters/python" tests/templates/test_rules.py

lint-scripts: ## shellcheck over the worker's installer
	@linters=$$(cd tests && python3 -m bed install-lint); \
	"$$linters/shellcheck" worker/systemd/install.sh

test: prerequisites check test-rust test-fuzz test-bed ## Everything: check, test-rust, test-fuzz, test-bed

test-rust: prerequisites-build ## Unit, wire and whole-system tests with the simulators
	cargo test --locked --workspace

# An hour at most on two processors. One that broke a promise is played again with SPARKWRIGHT_HISTORY=<number>.
HISTORIES ?= 20000
test-deep: prerequisites-build ## Generated histories of stacks, 20,000 of them or HISTORIES, and the exploration with a fault more
	SPARKWRIGHT_HISTORIES=$(HISTORIES) cargo test --locked --profile deep -p sparkwright-tests --test histories every_generated -- --nocapture
	EXPLORATION_DEEP=1 cargo test --locked --profile deep -p sparkwright-tests --test exploration histories -- --nocapture
	cargo test --locked --profile deep -p sparkwright-tests --test exploration an_adopted_run_settles -- --ignored

test-fuzz: prerequisites-build ## Replay every kept input of the fuzz targets, and the same short search each time
	@cd tests && python3 -m bed.fuzz --executions 3000 --seed 1

FUZZ_SECONDS ?= 300
fuzz: prerequisites-build ## Search with each fuzz target for FUZZ_SECONDS (300); FUZZ_TARGETS='event properties' for some
	@cd tests && python3 -m bed.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Two builds, so that the worker is exactly the one that is shipped: the simulators need more of tokio than it does.
BENCH_TASKS ?= 10,100,1000,10000
bench: prerequisites-build ## The worker at 10 to 10,000 tasks, or BENCH_TASKS (five minutes; BENCH_DOCUMENT=docs/benchmarks.md)
	cargo build --locked --release -p sparkwright-worker
	cargo build --locked --release -p sparkwright-tests --bin bench-worker
	target/release/bench-worker --tasks $(BENCH_TASKS) $(if $(BENCH_DOCUMENT),--document $(BENCH_DOCUMENT)) target/release/sparkwright-worker

bench-function: prerequisites-build ## How soon the function is there and answers, how much memory it takes (prints, asserts no speed)
	@cd tests && python3 -m bed.bench

test-bed: prerequisites ## On the real servers: the wire tests, the demo's paths, a stack's life, moto, a newcomer's mistakes
	@$(BED) test bed -v --durations 10

# What `make test` has of it is its short form.
test-faults: prerequisites ## The worker on the real servers: it is killed, upgraded, crashes at more steps, and Livy is killed (ten minutes)
	@cd tests && EVERY_FAULT=1 exec python3 -m bed test bed/test_worker.py -v --durations 10

deny: prerequisites-build ## Licences and sources of all dependencies (cargo-deny; not part of check)
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	cargo deny --locked check licenses bans sources

prerequisites: ## Say what is missing on this machine
	@$(BED) prerequisites

prerequisites-build: ## Say what is missing to build the programs, without the test bed
	@$(BED) prerequisites build

## Ship
.PHONY: package package-worker sizes clean
package: prerequisites-build ## Release builds of both programs, and the function's bootstrap.zip in target/lambda
	@cd tests && python3 -m bed.release package

package-worker: prerequisites-build ## The worker with its installer for EMR 5.30 and later, a tar.gz in target/package; aarch64 too, with its Rust target
	@cd tests && python3 -m bed.portable

sizes: prerequisites-build ## Size of the function's zip file (fails from 4 MB) and of the worker, idle memory of both
	@cd tests && python3 -m bed.release sizes

clean: ## Stop the test bed and remove everything that was built or fetched into target/
	@cd tests && python3 -m bed down
	rm -rf target
