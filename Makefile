# make demo             sets up .venv, then runs the suite `demo`, the whole walk on toy scenes
# make test             sets up .venv, then passes the tests
# make lint             ruff and the type checker
# make docs             the documentation as pages that open from the disk: build/site
# make lock             pins the newest versions that pyproject.toml admits
# make baselines        trains all nine GANs on toy scenes, samples, measures and compares them (most of an hour; resumes)
# make toy-checkpoints  runs the suite `toy` (a night; resumes), then packs what ships of ade20k, celebamask_hq, coco_stuff
# make toy-export       packs them out of a finished run of that suite: TOY=FOLDER

PYTHON ?= python3
BIN := .venv/bin
UV := $(or $(shell command -v uv),$(BIN)/uv)
SETUP := .venv/.installed

.PHONY: demo test lint docs lock baselines toy-checkpoints toy-export

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

# Three checkpoints of Cityscapes that ship were trained before the suite `toy`, by `train --preset toy` on its 2,000 scenes
# and exported with --bits 16. unet: --steps 2000. sdm, sdm-concat: 6000, then 1000 more with --init, --condition-dropout 0.2
# and --learning-rate 2e-4. All others are of the suite.
TOY := build/toy
SHIPPED := sdm_bench/weights/toy
OF_THE_SUITE := cityscapes.spade.seed-0 $(foreach dataset,ade20k celebamask_hq coco_stuff,\
	$(dataset).sdm.seed-0 $(dataset).sdm-concat.seed-0 $(dataset).spade.seed-0 $(dataset).unet)

toy-checkpoints: $(SETUP)
	$(BIN)/sdm-bench run toy --out $(TOY)
	$(MAKE) toy-export

NO_PATHS := import sys, pathlib; from reports.anonymous import without_paths; \
	from sdm_bench.base.files import read_object, write_json; file = pathlib.Path(sys.argv[1]); \
	write_json(file, without_paths(read_object(file)))

# In the suite's folder, where a training finds the one that it started from. What ships names no path of the machine.
toy-export: $(SETUP)
	for each in $(OF_THE_SUITE); do \
		run=$${each#*.}; file=$(CURDIR)/$(SHIPPED)/$${each%%.*}/$${run%.seed-0}; \
		(cd $(TOY) && ls -d trained/$$each >/dev/null && \
			rm -f $$file.safetensors $$file.json && mkdir -p $$(dirname $$file) && \
			$(CURDIR)/$(BIN)/sdm-bench export trained/$$each $$file.safetensors --bits 8 && \
			$(CURDIR)/$(BIN)/python -c '$(NO_PATHS)' $$file.json) || exit 1; done
