# `make run` and `make test` set up everything they need in .venv. They only need Python 3.10 or later and pip.
PYTHON ?= python3
VENV := .venv
# What is installed of the optional extras of pyproject.toml
EXTRAS ?= test
PY := $(VENV)/bin/python
TEXT := Tricuspid valve regurgitation and lithium carbonate toxicity in a newborn infant.
ENTITIES := Tricuspid valve regurgitation/DIS, lithium carbonate/CHEM, toxicity/DIS

run: $(VENV)/.installed
	$(PY) -m spacy project run all .
	$(PY) scripts/try.py en_medical_lstm "$(TEXT)" --expect "$(ENTITIES)"

test: $(VENV)/.installed
	$(PY) -m pytest -m "not slow"

# All tests, the long ones too, and more examples of each property: some hours
test-all: $(VENV)/.installed
	$(PY) -m pytest --hypothesis-profile thorough

lint: $(VENV)/.installed
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

# Checks and measures everything on a GPU. EXTRAS needs test,cuda12x (or cuda13x) and may have transformers; without a
# network put the wheels into a folder and set PIP_NO_INDEX=1 PIP_FIND_LINKS=that folder
gpu: $(VENV)/.installed
	$(PY) experiments/gpu.py

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --use-pep517 --constraint constraints.txt setuptools wheel --editable ".[$(EXTRAS)]"
	touch $@

clean:
	rm -rf $(VENV) project.lock

.PHONY: run test test-all lint gpu clean
