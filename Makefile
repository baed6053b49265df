# Everything a person or CI does with this project. `make` alone runs it.
# PYTHON=/path/to/python chooses one; else .ci/venv finds one that is new enough.
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
LINK ?= http
# Two thirds of the time tests wait for something: one process a core leaves it idle.
JOBS ?= $(shell echo $$((2 * $$(nproc))))
TESTED_WITH := mariadb-server redis-server chromium chromium-driver webkit2gtk-driver xvfb firefox-esr fonts-noto-cjk nginx-light nodejs \
	prometheus systemd faketime libnet-smpp-perl
NPM = $(shell command -v npm >/dev/null || echo npm)

# Byte code is kept, also where the environment says it should not be: the tests start a thousand processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run demo test test-fast soak lint format bench cli-page pictures lock sbom audit clean always

run: $(VENV)/.installed
	@exec $(BIN)/onecert up

demo: $(VENV)/.installed
	@$(BIN)/python docs/examples/demo.py

test: $(VENV)/.dev-installed
	@.ci/packages $(TESTED_WITH) $(NPM)
	@npm ci --silent --ignore-scripts --prefix tests/sms_port/smpp_server || [ "$(CI)" != true ]
	@npm ci --silent --ignore-scripts --prefix tests/browser/axe || [ "$(CI)" != true ]
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/.dev-installed
	$(BIN)/pytest -n $$(nproc) --dist loadfile -m unit --ignore tests/faults --ignore tests/browser

soak: $(VENV)/.dev-installed
	@.ci/packages mariadb-server redis-server
	@$(BIN)/python -m tests.faults.soak $(SOAK)
	KILLS=200 $(BIN)/pytest tests/sms_port/sending/test_kills.py --timeout 3600
	FUZZ_S=600 $(BIN)/pytest tests/sms_port/test_fuzz.py --timeout 1200
	HERD=5000 $(BIN)/pytest tests/faults/test_herd.py --timeout 900
	FUZZ_S=600 $(BIN)/pytest -s tests/wechat/webhook/test_fuzzed_pushes.py --timeout 900

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml --severity-level medium app.py assembly.py docs/examples/demo.py config enterprises sms_port query wechat miniprogram_api

format: $(VENV)/.dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev-installed
	@.ci/packages mariadb-server redis-server
	@$(BIN)/python -m tests.bench $(BENCH)

cli-page: $(VENV)/.dev-installed
	@$(BIN)/python -m tests.support.command_page > docs/cli.md

pictures: $(VENV)/.dev-installed
	@.ci/packages chromium chromium-driver fonts-noto-cjk nodejs
	@$(BIN)/python -m tests.browser.pictures

lock: $(VENV)/.dev-installed
	$(COMPILE) -o requirements.txt requirements.in
	$(COMPILE) -o requirements-dev.txt requirements-dev.in
	$(COMPILE) -o requirements-audit.txt requirements-audit.in

# What the product is made of, in CycloneDX's form: var/sbom.cdx.json.
sbom: $(VENV)/.audit-installed
	@mkdir -p var
	$(VENV)/audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o var/sbom.cdx.json requirements.txt

# Known vulnerabilities of the locked packages. Without a network: make audit ADVISORIES=all.zip, OSV's export of PyPI's advisories.
audit: $(VENV)/.audit-installed sbom
	$(VENV)/audit/bin/python .ci/audit $(ADVISORIES)


clean:
	rm -rf $(VENV) var *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.python: always
	@PYTHON="$(PYTHON)" .ci/venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml $(VENV)/.python
	@.ci/install $(VENV) requirements.txt
	@$(BIN)/pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt $(VENV)/.installed
	@.ci/install $(VENV) requirements-dev.txt
	@touch $@

$(VENV)/.audit-installed: requirements-audit.txt $(VENV)/.python
	@$(BIN)/python -m venv $(VENV)/audit
	@.ci/install $(VENV)/audit requirements-audit.txt
	@touch $@
