# `make test` needs Rust and git; with Go (or KUBEBUILDER_ASSETS) also what needs an API server runs, and with Python, a JDK and
# Maven what needs the platforms' own code; as root what runs the image. `make` alone says what there is.

SHELL := bash
TOOLS := testing/tools/build
SSHD := testing/tools/sshd
FAKETIME := testing/tools/faketime
FUZZ_SECONDS ?= 60
KUBERNETES ?= 1.36
CONTROL_PLANE := $(if $(filter 1.36,$(KUBERNETES)),kubernetes,kubernetes-$(KUBERNETES))
PREFIX ?= $(or $(CARGO_HOME),$(HOME)/.cargo)

.PHONY: help install image demo demo-cluster demo-git test test-windows lint audit bench fuzz tools
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

# --no-track: the two programs are all that is left under PREFIX. INSTALL_FLAGS=--debug is what the test of this asks for.
install: ## Build seal and seal-controller and put them into PREFIX/bin (default: ~/.cargo/bin)
	@set -e; for crate in cli controller; do \
	cargo install --locked --force --no-track --root "$(PREFIX)" --path $$crate $(INSTALL_FLAGS); done
	@echo "installed $(PREFIX)/bin/seal and $(PREFIX)/bin/seal-controller"
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo "$(PREFIX)/bin is not on PATH" ;; esac

image: ## Link static programs for amd64 and arm64, and make the controller's image of them, into target/image (needs Python)
	@packaging/build

demo: ## From a manifest to a live value through a Git merge, without a cluster
	@cargo build --locked --quiet -p seal -p seal-controller
	@demo/local

demo-cluster: ## The same in a real API server, with kubectl
	@cargo build --locked --quiet -p seal -p seal-controller -p seal-testing
	@demo/cluster

demo-git: ## From a merge to a live Secret by a webhook, from a git server with HTTPS
	@cargo build --locked --quiet --workspace
	@demo/git

# One cargo run after the builds, so that two cores are never asked for twice as much.
test: ## Run all tests; fetches and builds what they need. KUBERNETES=1.33 and 1.37: against that version
	@set -e; tools= age=; [[ $(KUBERNETES) == 1.36 ]] || unset KUBEBUILDER_ASSETS; \
	for set in $(CONTROL_PLANE) keyring age openfaas flytekit kestra verdicts prometheus helm oci musl peers sshd faketime; do status=0; \
	case $$set in sshd) bin=$$($(SSHD)) ;; faketime) bin=$$($(FAKETIME)) ;; *) bin=$$($(TOOLS) $$set) ;; esac || status=$$?; \
	if [[ $$status == 3 && $$CI != true ]]; then \
	echo "make test: what needs the set $$set is skipped, which CI=true makes a failure" >&2; continue; fi; \
	[[ $$status == 0 ]] || exit $$status; [[ $$set != age ]] || age=$$bin; tools="$$tools$$bin:"; done; \
	export SEAL_TEST_TOOLS="$$tools$$SEAL_TEST_TOOLS" SEAL_TEST_KUBERNETES=$(KUBERNETES); \
	[[ -z $$age ]] || export SEAL_CCTV_AGE="$${SEAL_CCTV_AGE:-$$age/../cctv-age}"; \
	export RUST_TEST_THREADS="$${RUST_TEST_THREADS:-8}"; set -x; cargo test --workspace --locked # most tests wait for programs

test-windows: ## Run the command line for Windows under wine (needs wine and mingw-w64)
	@testing/tools/windows

lint: ## Check formatting, clippy, macOS and Windows, and what may be in the binaries
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@testing/tools/portable
	@testing/tools/deny

# A step of its own: what it finds may come from a new advisory, not from the change.
audit: ## Look for known vulnerabilities in the dependencies; fetches the advisory database
	cargo deny --locked check advisories

bench: ## Measure beside kubeseal, sops, age and a bare client, and print the README's table
	@cargo build --locked --release -p seal -p seal-controller -p seal-bench
	@set -e; tools=; if command -v go >/dev/null; then tools=$$($(TOOLS) kubernetes age peers | paste -sd:); \
	else echo "make bench: no Go: only what is on PATH is measured" >&2; fi; \
	SEAL_TEST_TOOLS="$$tools:$$SEAL_TEST_TOOLS" target/release/seal-bench

# Rust without unsafe code needs no address sanitizer, and runs several times faster without.
fuzz: ## Fuzz each target for a minute (FUZZ_SECONDS); needs the nightly toolchain
	@cargo +nightly --version >/dev/null || { echo "make fuzz: no nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	@set -e; cd shared/fuzz; for target in $$(cargo +nightly fuzz list --fuzz-dir .); do mkdir -p corpus/$$target; \
	(set -x; cargo +nightly fuzz run --fuzz-dir . -s none "$$target" corpus/$$target ../../testdata/vectors ../../testdata/reject \
	../../testdata/reject/manifest ../../testdata/docker-configs ../../testdata/git ../../testdata/policies -- -max_total_time=$(FUZZ_SECONDS) -max_len=65536); done

tools: ## Build the real etcd, kube-apiserver, kubectl, Helm, runc and what else tests run against, into a cache
	@$(TOOLS) $(CONTROL_PLANE) keyring age openfaas flytekit kestra verdicts prometheus helm oci musl peers
	@$(SSHD)
	@$(FAKETIME)
