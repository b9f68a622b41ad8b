# What a contributor and CI run. Longer recipes are in tests/bed (Python); `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
# What a target needs is made in the order in which it stands here, also with -j: first the prerequisites, and never two
# of cargo's builds or two beds at once. Cargo itself uses all processors.
.NOTPARALLEL:

BED := cd tests && exec python3 -m bed
TEMPLATES := cloudformation/*.yaml cloudformation/examples/*.yaml tests/bed/stub/*.yaml

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
.PHONY: build check lint-templates test test-rust test-bed deny prerequisites prerequisites-build
build: prerequisites-build ## A debug build of everything
	cargo build --locked --workspace --all-targets

check: prerequisites-build lint-templates ## Formatting, clippy, documentation, templates; all warnings are errors
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace

lint-templates: ## cfn-lint and yamllint over the templates
	@linters=$$(cd tests && python3 -m bed install-lint); \
	"$$linters/cfn-lint" --non-zero-exit-code warning $(TEMPLATES); \
	"$$linters/yamllint" --strict --config-file cloudformation/.yamllint $(TEMPLATES)

test: prerequisites check test-rust test-bed ## Everything: check, test-rust, test-bed

test-rust: prerequisites-build ## Unit, wire and whole-system tests with the simulators
	cargo test --locked --workspace

test-bed: prerequisites ## The wire tests on the real servers, the demo's paths and a newcomer's mistakes, on the test bed
	@$(BED) test bed -v --durations 10

deny: prerequisites-build ## Licences and sources of all dependencies (cargo-deny; not part of check)
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	cargo deny --locked check licenses bans sources

prerequisites: ## Say what is missing on this machine
	@$(BED) prerequisites

prerequisites-build: ## Say what is missing to build the programs, without the test bed
	@$(BED) prerequisites build

## Ship
.PHONY: package sizes clean
package: prerequisites-build ## Release builds of both programs, and the function's bootstrap.zip in target/lambda
	@cd tests && python3 -m bed.release package

sizes: prerequisites-build ## Size of the function's zip file (fails from 4 MB) and of the worker, idle memory of both
	@cd tests && python3 -m bed.release sizes

clean: ## Stop the test bed and remove everything that was built or fetched into target/
	@cd tests && python3 -m bed down
	rm -rf target
