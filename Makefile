# The two commands of the README, and what contributors run. `make` alone lists them.
CARGO ?= cargo
# rustup puts it there; a shell that was open before does not know.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: help demo test test-faults bench lint tools

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: tools ## Build a server, an app's database and its load; advise, apply, measure, roll back
	$(CARGO) run --release --locked -- demo

test: tools ## Run every test against a PostgreSQL server of their own
	$(CARGO) test --locked

test-faults: tools ## Every fault in every phase of apply and rollback; the longest stalls under load
	ADVISOR_TEST_EVERY_POINT=1 $(CARGO) test --locked --test faults --test partitioned_apply --test replacing -- --include-ignored --show-output

bench: ## Measure
	$(CARGO) bench --locked

lint: ## Formatting, clippy and documentation, warnings being errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

# Before minutes of building: is everything there? A missing PostgreSQL is installed where permitted.
tools:
	@command -v $(CARGO) >/dev/null || { echo "cargo not found: install Rust 1.88 or later, https://rustup.rs" >&2; exit 1; }
	@.ci/ensure-postgres server
