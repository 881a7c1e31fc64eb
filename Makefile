# What each target does lies in toolchain/bootstrap, one module per verb; `make help` lists the targets.

RUN := toolchain/run

.DEFAULT_GOAL := help
.PHONY: help up setup env down clean test test-aws test-libvirt soak bench lint docs toolchain requirements test-real

help:         ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

up:           ## Bring up the domain dev-access on this machine; ends with a URL that answers
	@$(RUN) up

setup:        ## Install what is needed: system packages, Python environment, Pulumi, base image
	@$(RUN) setup

env:          ## Print what a shell needs for pulumi and soop: eval "$(make env)", or `. .soop/env`
	@$(RUN) env

down:         ## Remove the domain dev-access, its machines included
	@$(RUN) down

clean:        ## Remove everything that was made on this machine from this checkout
	@$(RUN) clean

test:         ## Lint, types and all tests
	@$(RUN) test

test-aws:     ## The life of a domain at AWS, on a stand-in for AWS whose instances run on this machine
	@$(RUN) test-aws

soak:         ## The tests that take long: kills at many points, a random walk, many hostile documents
	@$(RUN) soak

test-libvirt: ## Virtual machines at a real libvirt, with QEMU; installs them
	@$(RUN) test-libvirt

test-real:    ## A domain's life on machines of yours, which may cost money; ENVIRONMENT=stacks/environments/FILE.yaml
	@ENVIRONMENT="$(ENVIRONMENT)" $(RUN) test-real

bench:        ## Measure against a script, bare Pulumi, Ansible and pyinfra; FIGURES="fresh unchanged peers upgrades previews"
	@$(RUN) setup
	@.venv/bin/python -m bench $(FIGURES)

lint:         ## Lint and types only
	@$(RUN) lint

docs:         ## Write schemas and the reference anew, after the models have changed
	@$(RUN) docs

toolchain:    ## Build Pulumi's engine and a language host with Go, for where its installer cannot be had
	@$(RUN) toolchain

requirements: ## Pin the Python packages anew, by version and hash
	@$(RUN) requirements
