# SPDX-License-Identifier: Apache-2.0
# A thin face over CMake and scripts/.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20

.PHONY: help demo demo-sphere check bench bench-delta fuzz e2e install clean
help:
	@echo "make demo     install what is needed, build, show the life of one device"
	@echo "make demo-sphere  the same for an Azure Sphere application on a simulated platform: attest, update a microcontroller, repair it"
	@echo "make check    build with gcc and clang, run every test, also under sanitizers"
	@echo "make bench    measure against curl, sha256sum and other TUF clients"
	@echo "make bench-delta DIR=...  measure patches against every peer, on pairs of images (fetched into DIR if it is not there)"
	@echo "make fuzz     fuzz every parser, FUZZ_SECONDS=$(FUZZ_SECONDS) each"
	@echo "make e2e      whole devices with their real boot loaders, in QEMU: updates, bad images, power cuts"
	@echo "make install  install below PREFIX=$(PREFIX)"
	@echo "make clean    remove build/"

demo: build/release
	examples/demo/run.sh build/release

demo-sphere: build/release
	examples/sphere-app/demo.sh build/release

check:
	scripts/check.sh

bench: build/release
	bench/run.sh build/release
	bench/tuf.sh build/release

bench-delta: build/release
	@test -n "$(DIR)" || { echo "usage: make bench-delta DIR=folder-of-pairs"; exit 2; }
	scripts/install-deps.sh bench
	test -d "$(DIR)" || bench/delta/corpus.sh "$(DIR)"
	bench/delta/run.sh build/release "$(DIR)"

fuzz:
	scripts/fuzz.sh $(FUZZ_SECONDS)

e2e:
	scripts/install-deps.sh core check e2e
	cmake --preset gcc
	cmake --build --preset gcc --target e2e_loaders --target ota-repo
	tests/e2e/run.sh build/gcc

install: build/release
	cmake --install build/release --prefix "$(PREFIX)"

clean:
	rm -rf build

.PHONY: build/release
build/release:
	scripts/install-deps.sh core
	cmake --preset release
	cmake --build --preset release
