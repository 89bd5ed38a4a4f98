# make demo             sets up .venv, then runs the suite `demo`, the whole walk on toy scenes
# make test             sets up .venv, then passes the tests
# make lint             ruff and the type checker
# make docs             the documentation as pages that open from the disk: build/site
# make lock             pins the newest versions that pyproject.toml admits
# make baselines        trains all nine GANs on toy scenes, samples, measures and compares them (most of an hour; resumes)
# make toy-checkpoints  trains the checkpoints that ship with the program (hours; resumes)

PYTHON ?= python3
BIN := .venv/bin
UV := $(or $(shell command -v uv),$(BIN)/uv)
SETUP := .venv/.installed

.PHONY: demo test lint docs lock baselines toy-checkpoints

demo: $(SETUP)
	$(BIN)/sdm-bench run demo

test: $(SETUP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(SETUP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Strict: a broken link or anchor ends it, and so does a page that asks the network for anything.
docs: $(SETUP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Without uv on the machine, pip brings it into .venv.
$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("sdm-bench needs Python 3.11 to 3.13, found %d.%d; name one with make PYTHON=..." % sys.version_info[:2] if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	@command -v uv >/dev/null && uv venv --quiet --allow-existing --python "$(PYTHON)" .venv \
		|| { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv; }
	$(UV) pip install --quiet --python .venv --no-deps --compile-bytecode -r requirements.lock
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@

lock:
	$(UV) pip compile --quiet --universal --python-version 3.11 --extra dev --extra vit --upgrade \
		--no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock

GANS := pix2pixhd spade dagan scgan clade ccfpse groupdnet inade oasis
BASELINES := build/baselines

baselines: $(SETUP)
	$(BIN)/sdm-bench data toy cityscapes $(BASELINES)/cityscapes --train 2000 --val 50 --size 128x64
	for method in $(GANS); do \
		$(BIN)/sdm-bench train $$method --dataset cityscapes --data $(BASELINES)/cityscapes --preset toy \
			--batch-size 8 --steps 400 --out $(BASELINES)/$$method && \
		$(BIN)/sdm-bench generate $(BASELINES)/$$method --seeds 0-1 && \
		$(BIN)/sdm-bench evaluate $(BASELINES)/$$method --metric fid --metric lpips --metric miou --segmenter toy \
			|| exit 1; done
	$(BIN)/sdm-bench report $(GANS:%=$(BASELINES)/%) --out $(BASELINES)/report

TOY := build/toy
TOY_DATA := $(TOY)/cityscapes
TRAIN := --dataset cityscapes --data $(TOY_DATA) --preset toy
FINE_TUNE := --condition-dropout 0.2 --learning-rate 2e-4 --steps 1000
SHIPPED := sdm_bench/weights/toy

toy-checkpoints: $(SETUP)
	$(BIN)/sdm-bench data toy cityscapes $(TOY_DATA) --train 2000 --val 50 --size 128x64
	$(BIN)/sdm-bench segment train unet $(TRAIN) --steps 2000 --out $(TOY)/unet
	$(BIN)/sdm-bench train spade $(TRAIN) --steps 4000 --out $(TOY)/spade
	$(BIN)/sdm-bench train sdm-concat $(TRAIN) --steps 6000 --out $(TOY)/sdm-concat-1
	$(BIN)/sdm-bench train sdm-concat $(TRAIN) --init $(TOY)/sdm-concat-1 $(FINE_TUNE) --out $(TOY)/sdm-concat
	$(BIN)/sdm-bench train sdm $(TRAIN) --steps 6000 --out $(TOY)/sdm-1
	$(BIN)/sdm-bench train sdm $(TRAIN) --init $(TOY)/sdm-1 $(FINE_TUNE) --out $(TOY)/sdm
	for name in sdm sdm-concat spade unet; do \
		rm -f $(SHIPPED)/$$name.safetensors; \
		$(BIN)/sdm-bench export $(TOY)/$$name $(SHIPPED)/$$name.safetensors --half; done
