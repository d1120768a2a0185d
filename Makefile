# `make help` lists the targets. The first call makes .venv; later calls cost nothing until pyproject.toml changes.

VENV   := .venv
# python.org's Python for Windows has no python3.exe; that of the system opens a shop.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN    := $(VENV)/Scripts
SITE   := $(VENV)/Lib/site-packages
else
PYTHON ?= python3
BIN    := $(VENV)/bin
SITE   := $(VENV)/lib/python*/site-packages
endif
LW     := $(BIN)/layerwright
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev
AWS    := $(VENV)/.ready-aws

# RUNTIME, ARCH and ONLY narrow; several are separated by spaces.
NARROW := $(foreach r,$(RUNTIME),--runtime $(r)) $(foreach a,$(ARCH),--arch $(a)) $(foreach o,$(ONLY),--only "$(o)")

# Without it, tests are compiled anew by each process.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help layer wheel nightly report publish engine standin catalogue-standin doctor shell list plan check lock lint lint-code test test-engine test-windows test-long fuzz benchmark benchmark-engine benchmark-foreign benchmark-checks benchmark-many benchmark-nightly benchmark-publish benchmark-projects benchmark-commands benchmark-first benchmark-large benchmark-imports benchmark-compare schema catalogue readme docs requirements clean

help:  ## Show this list
	@$(PYTHON) -c "import re; [print(f'  {m[1]:<20}{m[2]}') for m in re.finditer(r'^([\w-]+):.*?## (.*)$$', open('Makefile').read(), re.M)]"

layer: $(READY)  ## Build a layer: RECIPE=numpy ARCH=arm64 RUNTIME=python3.13 (RECIPE=all for every one)
	@$(LW) build $(if $(filter all,$(RECIPE)),--all,$(RECIPE)) $(NARROW) $(ARGS)

wheel: $(READY)  ## Make the wheel that fits a runtime: PACKAGE=psycopg2==2.9.13 ARCH=arm64 RUNTIME=python3.13
	@$(LW) wheel "$(PACKAGE)" $(NARROW) $(ARGS)

nightly: $(READY) $(if $(findstring --publish,$(ARGS)),$(AWS))  ## Build what changed of all recipes, and write the report: RECIPE=numpy for one; ARGS=--resume
	@$(LW) nightly $(filter-out all,$(RECIPE)) $(NARROW) $(ARGS)

report: $(READY)  ## Write dist/report/index.html; ARGS=--open shows it
	@$(LW) report $(ARGS)

publish: $(AWS)  ## Show what publishing would change: RECIPE=numpy REGIONS=eu-west-1,us-east-1; ARGS=--yes does it
	@$(LW) publish $(RECIPE) $(if $(REGIONS),--regions $(REGIONS)) $(NARROW) $(ARGS)

engine:  ## Install and start Docker with buildx and emulation (Debian, Ubuntu; as root)
	@sh builder/engine/debian.sh

standin:  ## Make the stand-ins for Amazon's images that the tests use (Debian; as root; half an hour the first time)
	@bash tests/standin/build.sh
	@bash tests/kit/buildkitd.sh

catalogue-standin: $(DEV)  ## Build and test every recipe in the stand-ins, both architectures; a table in FOLDER: RECIPE="jq qpdf" ARCH=arm64 for some, LIMIT=3600 seconds for each
	@PYTHONPATH=.:tests $(BIN)/python -m kit.whole_catalogue $(or $(FOLDER),build/catalogue) $(RECIPE) $(NARROW) $(if $(LIMIT),--limit $(LIMIT))

doctor: $(READY)  ## Tell what is wrong with this machine's engine, emulation, disk, proxy, CA
	@$(LW) doctor $(ARGS)

shell: $(READY)  ## Open a shell where a recipe is compiled: RECIPE=psycopg2 ARCH=arm64
	@$(LW) shell $(RECIPE) $(NARROW) $(ARGS)

list: $(READY)  ## Show the recipes and what was built of them
	@$(LW) list $(ARGS)

plan: $(READY)  ## Show what a build would do and why: RECIPE=numpy
	@$(LW) plan $(if $(filter all,$(RECIPE)),--all,$(RECIPE)) $(NARROW) $(ARGS)

check: $(READY)  ## Check anybody's zip: ZIP=layer.zip RUNTIME=python3.13 ARCH=arm64
	@$(LW) check $(ZIP) $(NARROW) $(ARGS)

lock: $(READY)  ## Write requirements.lock beside a recipe: RECIPE=numpy
	@$(LW) lock $(if $(filter all,$(RECIPE)),--all,$(RECIPE)) $(ARGS)

lint: lint-code  ## Check code, layering and recipes
	$(BIN)/pytest -q tests/test_layering.py tests/model/test_schema.py

lint-code: $(DEV)  ## The same without the tests of layering and schema, which `make test` runs, too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(LW) lint

test: $(DEV)  ## Run the tests that need no engine: TESTS=tests/layer for some of them
	$(BIN)/pytest -n auto --dist worksteal -m "not engine and not long" $(TESTS)

test-engine: $(DEV)  ## Run the tests with containers and a browser; needs `make engine standin`: TESTS as above
	$(BIN)/pytest -n auto --dist worksteal -m "engine and not long" $(TESTS)

test-windows: $(DEV)  ## Run layerwright on Windows' Python under Wine, against Linux (Debian; as root; 8 minutes more and 3 GB the first time): TESTS as above
	@$(BIN)/python tests/windows/run.py $(TESTS)

test-long: $(DEV)  ## Run the tests of minutes each: NAMES="numpy or tesseract" for some of them
	$(BIN)/pytest -n auto --dist worksteal -m long $(if $(NAMES),-k "$(NAMES)") $(TESTS)

fuzz: $(DEV)  ## Try damaged input with every parser, and count it: CASES=200000
	PYTHONPATH=.:tests $(BIN)/python -m kit.fuzzing $(or $(CASES),20000)

benchmark: $(DEV)  ## Measure speed and size against other tools, in minutes; ARGS=--write puts the table into the documentation
	$(BIN)/python -m benchmarks $(ARGS)

benchmark-many: $(DEV)  ## Measure ten recipes in one call against the slowest alone
	$(BIN)/python -m benchmarks.many $(ARGS)

benchmark-engine: $(DEV)  ## Measure builds in containers against the same by hand; ARGS=--write as above
	$(BIN)/python -m benchmarks.engine $(ARGS)

benchmark-foreign: $(DEV)  ## Measure compiling for the other architecture; ARGS="--native jq" for one, without emulation; ARGS="--emulated NAME" for what takes hours
	$(BIN)/python -m benchmarks.foreign $(ARGS)

benchmark-nightly: $(DEV)  ## Measure nights: 200 layers unchanged and built, a second node, the page; ARGS=quiet for some
	$(BIN)/python -m benchmarks.nightly $(ARGS)

benchmark-publish: $(DEV)  ## Measure publishing 20 layers to 20 regions against loops, with moto's server
	$(BIN)/python -m benchmarks.publish $(ARGS)

benchmark-projects: $(DEV)  ## Measure a locked project of 60 packages against uv sync and compressing
	$(BIN)/python -m benchmarks.projects $(ARGS)

benchmark-commands: $(DEV)  ## Measure what starting costs: commands that find nothing to do, against Python with click, and --help
	$(BIN)/python -m benchmarks.commands $(ARGS)

benchmark-first: $(DEV)  ## Measure a fresh clone's first zip, against uv installing the same and the build
	$(BIN)/python -m benchmarks.first $(ARGS)

benchmark-large: $(DEV)  ## Measure layers of many and of large files: time and memory
	$(BIN)/python -m benchmarks.large $(ARGS)

benchmark-imports: $(DEV)  ## Measure imports from unpacked layers against trees of uv, with a warm and a cold page cache
	$(BIN)/python -m benchmarks.imports $(ARGS)

benchmark-compare: $(DEV)  ## Measure this tree against another revision, in turn: REV=main~10 ARGS=--wall
	$(BIN)/python -m benchmarks.compare $(REV) $(ARGS)

benchmark-checks: $(DEV)  ## Count what the checks miss and refuse wrongly, and time them; ARGS=--hostile adds 100,000 damaged zips
	$(BIN)/python -m benchmarks.checks $(ARGS)

schema: $(READY)  ## Write the JSON schemas of recipes and of layerwright.toml from the types
	$(LW) schema > images/recipe.schema.json.part
	$(LW) schema --settings > images/settings.schema.json.part
	$(BIN)/python -c "import os; [os.replace(f'images/{name}.json.part', f'images/{name}.json') for name in ('recipe.schema', 'settings.schema')]"

catalogue: $(DEV)  ## Take sizes and routes of what lies in dist/ into the catalogue: FROM=dist for another folder
	$(BIN)/python tests/kit/catalogue.py $(or $(FROM),dist)
	$(BIN)/python tests/kit/readme.py

readme: $(DEV)  ## Write the parts of the documentation that are made from code and recipes
	$(BIN)/python tests/kit/readme.py

docs: $(DEV)  ## Write the documentation as a site into build/site; warnings and broken links are errors
	@$(BIN)/uv venv --quiet --allow-existing build/docs
	@$(BIN)/uv pip install --quiet --python build/docs --require-hashes -r requirements/docs.txt
	@$(BIN)/uv run --quiet --no-project --python build/docs python -m mkdocs build --quiet --strict --config-file .ci/mkdocs.yml

requirements: $(DEV)  ## Take the newest versions of what layerwright itself stands on
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.10 --upgrade --generate-hashes --no-header --quiet -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --extra aws --universal --python-version 3.10 --upgrade --generate-hashes --no-header --quiet -c requirements/run.txt -o requirements/aws.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.10 --upgrade --generate-hashes --no-header --quiet -c requirements/run.txt -o requirements/dev.txt
	$(BIN)/uv pip compile requirements/docs.in --universal --python-version 3.10 --upgrade --generate-hashes --no-header --quiet -o requirements/docs.txt

clean:  ## Remove what was built, and the virtual environment
	$(PYTHON) -c "import shutil; [shutil.rmtree(d, ignore_errors=True) for d in ('dist', 'build', '$(VENV)', '.mypy_cache', '.ruff_cache', '.pytest_cache', '.hypothesis')]"

$(VENV)/pyvenv.cfg:
	@$(PYTHON) requirements/make_venv.py $(VENV)

# Python before 3.13 reads the file with the path of this folder in the encoding of the locale, and does not start when
# LC_ALL=C cannot spell the folder's name. So the path is made relative: two dots can be spelled everywhere.
$(READY): pyproject.toml requirements/run.txt | $(VENV)/pyvenv.cfg
	@echo "preparing $(VENV)" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(PYTHON) -c "import glob, os; [open(p, 'w', encoding='ascii').write(os.path.relpath('.', os.path.dirname(p))) for p in glob.glob('$(SITE)/*layerwright.pth')]"
	@$(PYTHON) -c "open('$@', 'w').close()"

$(AWS): requirements/aws.txt $(READY)
	@echo "preparing $(VENV) for AWS" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/aws.txt
	@$(PYTHON) -c "open('$@', 'w').close()"

$(DEV): requirements/dev.txt $(READY)
	@echo "preparing $(VENV) for tests" >&2
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(PYTHON) -c "open('$@', 'w').close()"
