# storyloop: everything that a developer runs. `make demo` needs Go and nothing
# else; `make test` a C compiler too (for the race detector), and runs more where
# Node.js is there.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 30s
BENCHTIME   ?= 1s
export CGO_ENABLED ?= 1

.PHONY: build demo test clients bench lint proto proto-check docs docs-check fuzz clean

build: ## both binaries, and the lock file that names their checksums
	CGO_ENABLED=0 $(GO) build -trimpath $(BUILDFLAGS) -o bin/ ./host/cmd/storyloop ./connector/cmd/connector-instagram
	bin/storyloop connectors lock --quiet

# Without inlining and what debuggers need the first build takes a third less time;
# `make build` makes the binaries to keep.
demo: BUILDFLAGS = -gcflags='all=-l -dwarf=false' -ldflags='-s -w'
demo: build ## a story loop against a local Instagram
	bin/storyloop demo

test: ## all tests, with the race detector, and other people's clients
	$(GO) test -race -timeout 20m ./...
	examples/clients/run

clients: ## other people's Graph API clients, against the local Instagram
	examples/clients/run

bench: ## speeds, as ratios to a baseline in the same run
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	cd examples/clients/go && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...

proto: proto/node_modules ## check the contract and generate its code
	cd proto && npx --no-install buf lint && npx --no-install buf generate

# package.json pins buf, which pins its own binaries; a lock file would name those
# of one platform only.
proto/node_modules: proto/package.json
	cd proto && npm install --ignore-scripts --no-package-lock --no-fund --no-audit
	@touch $@

proto-check: proto ## fail if the generated code is not that of the contract
	git diff --exit-code -- proto

docs: ## the catalog's reference page
	$(GO) run ./connector/cmd/connector-instagram describe --markdown > connector/CATALOG.md

docs-check: docs
	git diff --exit-code -- connector/CATALOG.md

fuzz: ## every fuzz target for a while
	@set -e; for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg; \
		done; \
	done

clean:
	rm -rf bin proto/node_modules examples/clients/node/node_modules
