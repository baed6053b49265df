# Everything a person or CI does with this project. `make` alone runs it.
PYTHON ?= $(shell for v in python3.11 python3.12 python3; do command -v $$v && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
LINK ?= http
NPM = $(shell command -v npm >/dev/null || echo npm)

.PHONY: run demo test soak lint format bench pictures lock clean

run: $(VENV)/.installed
	@exec $(BIN)/onecert up

demo: $(VENV)/.installed
	@$(BIN)/python -m demo

test: $(VENV)/.dev-installed
	@.ci/packages mariadb-server redis-server chromium chromium-driver fonts-noto-cjk nodejs faketime $(NPM)
	@npm ci --silent --ignore-scripts --prefix tests/sms_port/smpp_server || [ "$(CI)" != true ]
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

soak: $(VENV)/.dev-installed
	@.ci/packages mariadb-server redis-server
	@$(BIN)/python -m tests.faults.soak $(SOAK)
	KILLS=200 $(BIN)/pytest tests/sms_port/test_kills.py --timeout 3600
	HERD=5000 $(BIN)/pytest tests/faults/test_herd.py --timeout 900

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml --severity-level medium app.py demo.py config enterprises sms_port query wechat miniprogram_api

format: $(VENV)/.dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev-installed
	@.ci/packages mariadb-server redis-server
	@$(BIN)/python -m tests.bench $(BENCH)

pictures: $(VENV)/.dev-installed
	@.ci/packages chromium chromium-driver fonts-noto-cjk nodejs
	@$(BIN)/python -m tests.browser.pictures

lock: $(VENV)/.dev-installed
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements-dev.txt requirements-dev.in

clean:
	rm -rf $(VENV) var *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: apt-get install python3 python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/pip
	$(PIP) install --require-hashes -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt $(VENV)/.installed
	$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
