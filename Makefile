# Straggler. Two commands: `make run` and `make test`; `make help` lists the rest.

CARGO ?= cargo
INTERFACE ?=
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=
LONG_TESTS ?= bounds faults laboratory browser package
# The figures of bounds are those of a release build.
LONG_PROFILE ?= --release
HOURS ?= 2
BENCH ?=
STAGES := savefile decode flows dissect
# The version with which the package is made and tested.
CARGO_DEB := 3.8.0
EXAMPLE := examples/office.pcapng
PROGRAM := target/release/straggler

# For `reproducible`: static or nothing.
BUILD ?=
STATIC_PACKAGES := musl-tools flex bison xz-utils
# The container image.
IMAGE ?= straggler
PODMAN ?= podman

.PHONY: run prometheus test test-long soak check deny bench bench-live bench-scale bench-stages fuzz fuzz-smoke sanitize man deb cargo-deb \
	static image sbom reproducible build-packages test-packages help

## run: build, and start the daemon on the example capture, or on an interface with INTERFACE=eth0
run: build-packages
	$(CARGO) build --release --locked
	@$(if $(INTERFACE),exec $(PROGRAM) run --interface $(INTERFACE),exec $(PROGRAM) run --replay $(EXAMPLE))

## prometheus: a Prometheus beside the daemon of `run`, with the alert rules: http://127.0.0.1:9090/alerts
prometheus:
	@scripts/fetch-program target/tools prometheus usr/bin/prometheus
	@mkdir -p target/prometheus
	PATH="$(CURDIR)/target/tools:$$PATH" prometheus --config.file=examples/prometheus.yml \
		--storage.tsdb.path=target/prometheus --web.listen-address=127.0.0.1:9090

## test: install what the tests need, and run them
test: test-packages
	PATH="$(CURDIR)/target/tools:$$PATH" $(CARGO) test --locked

## test-long: the second tier: floods, faults, a site in namespaces, the page in a browser, the Debian package (LONG_TESTS="bounds faults laboratory browser package"; needs root)
test-long: test-packages $(if $(filter package,$(LONG_TESTS)),cargo-deb) $(filter static,$(LONG_TESTS:static_build=static))
	@scripts/install-packages nftables udhcpc tcpreplay $(filter chromium,$(LONG_TESTS:browser=chromium)) \
		$(if $(filter package,$(LONG_TESTS)),lintian man-db)
	PATH="$(CURDIR)/target/tools:$$PATH" $(CARGO) test $(LONG_PROFILE) --locked $(addprefix --test ,$(LONG_TESTS)) -- --nocapture --skip support::

## soak: two hours of traffic, reloads, scrapes and restarts: memory, descriptors, exact counts (HOURS=2; needs root)
soak: build-packages
	@scripts/install-packages iproute2
	STRAGGLER_SOAK_HOURS=$(HOURS) $(CARGO) test --release --locked --test soak -- --nocapture hours_change_nothing

## check: what CI checks besides the tests: format, lints, documentation, dependencies
check: build-packages deny
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked $(addprefix --test ,$(LONG_TESTS) soak static_build) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

## deny: what is built in, by deny.toml: licences, duplicates, sources, and known faults where the RustSec database can be reached
deny:
	@scripts/install-packages python3-venv
	@scripts/deny target/tools

## man: man pages, shell completions and the package's configuration, in target/package
man: build-packages
	$(CARGO) run --quiet --locked --example package-files -- target/package

## deb: a Debian package of this machine's architecture, in target/debian
deb: man cargo-deb
	PATH="$(CURDIR)/target/tools/bin:$$PATH" $(CARGO) deb --locked --strip

## static: the program as one file that needs no library and runs on musl's systems too, in target/static
static:
	@scripts/install-packages $(STATIC_PACKAGES)
	@scripts/static

## image: a container image with that file alone, for podman (IMAGE=straggler)
image: static
	@scripts/install-packages $(if $(filter podman,$(PODMAN)),podman)
	$(PODMAN) build --tag $(IMAGE) --file packaging/Containerfile target/static

## sbom: what is built in, as CycloneDX 1.5 JSON: target/sbom
sbom:
	@scripts/install-packages jq
	@scripts/sbom target/tools target/sbom

## reproducible: builds this commit twice, in two folders, and compares the programs byte by byte (BUILD=static for that of `static`)
reproducible: build-packages
	@scripts/install-packages $(if $(filter static,$(BUILD)),$(STATIC_PACKAGES))
	@scripts/reproducible $(BUILD)

## bench: CPU and memory of `replay` beside libpcap's own floor, on two generated captures of 1.8 GB (BENCH="--rounds 9 --workload mix")
bench: build-packages
	@scripts/install-packages tcpdump
	$(CARGO) bench --locked --bench replay -- $(BENCH)

## bench-live: packets from tcpreplay over a link into the daemon: CPU, rates without a drop, drops told to the packet; needs root (BENCH="--capture FILE")
bench-live: build-packages
	@scripts/install-packages tcpdump tcpreplay iproute2 curl
	$(CARGO) bench --locked --bench live -- $(BENCH)

## bench-scale: a day of 10,000 hosts, 5,000 of them stragglers: the store, every page, query and report (BENCH="--hosts 20000"; 2 GB of disk)
bench-scale: build-packages
	$(CARGO) bench --locked --bench scale -- $(BENCH)

## bench-stages: nanoseconds of each stage for one frame, message or flow
bench-stages: build-packages
	$(CARGO) bench --locked $(addprefix --bench ,$(STAGES))

## fuzz: every fuzz target for a minute (FUZZ_SECONDS=60, FUZZ_TARGETS="dns tls"); needs nightly Rust and cargo-fuzz
fuzz: build-packages
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

## fuzz-smoke: the same for 5 seconds each; skipped, and says so, where nightly Rust or cargo-fuzz is missing
fuzz-smoke: build-packages
	@scripts/fuzz --or-skip 5

## sanitize: the one unsafe file under the address sanitizer, with real sockets; needs root and nightly Rust
sanitize:
	@scripts/install-packages iproute2
	@scripts/sanitize

cargo-deb:
	@scripts/install-packages dpkg-dev
	@target/tools/bin/cargo-deb --version 2>/dev/null | grep -qxF $(CARGO_DEB) || \
		$(CARGO) install cargo-deb --quiet --locked --debug --version $(CARGO_DEB) --root target/tools

build-packages:
	@scripts/install-packages libpcap-dev

test-packages:
	@scripts/install-packages libpcap-dev iproute2 curl bind9-dnsutils dnsmasq-base openssl tcpdump python3-venv \
		bind9-utils systemd
	@scripts/install-packages libevent-2.1-7 libnghttp2-14 libprotobuf-c1 libpython3.11 2>/dev/null || \
		echo "the libraries of Debian 12's unbound are missing: its test will be skipped" >&2
	@scripts/fetch-program target/tools prometheus usr/bin/prometheus usr/bin/promtool
	@scripts/fetch-program target/tools unbound usr/sbin/unbound usr/sbin/unbound-checkconf
	@scripts/fetch-aioquic target/tools

help:
	@sed -n 's/^## //p' Makefile
