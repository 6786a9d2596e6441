# A front of the CMake presets; ./run and ./test need none of this.
JOBS ?= $(shell nproc)
DEPS = bash cmake/setup/deps.sh

all: release

release dev asan tsan:
	@$(DEPS)
	@cmake --preset $@ >/dev/null
	@ninja -C build/$@ -j$(JOBS)

test:
	./test

run:
	./run

lint:
	python3 cmake/lint/lint.py

tidy:
	STRATA_LINT_BASE=$$(git hash-object -t tree /dev/null) python3 cmake/lint/lint.py --tidy build/dev

fmt:
	git ls-files -co --exclude-standard -- '*.h' '*.cc' | xargs clang-format-19 -i

fuzz:
	bash fuzz/run.sh $(or $(SECONDS_EACH),60)

bench:
	@cmake --preset release >/dev/null
	@ninja -C build/release -j$(JOBS) benches

package:
	bash cmake/package/package.sh

.PHONY: all release dev asan tsan test run lint tidy fmt fuzz bench package
