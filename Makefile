# The two commands of the README, and what contributors run. `make` alone lists them.
CARGO ?= cargo

.PHONY: help demo test bench lint

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: ## Build a server, an app's database and its load; advise, apply, measure, roll back
	$(CARGO) run --release --locked -- demo

test: ## Run every test against a PostgreSQL server of their own
	$(CARGO) test --locked

bench: ## Measure
	$(CARGO) bench --locked

lint: ## Formatting, clippy and documentation, warnings being errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
