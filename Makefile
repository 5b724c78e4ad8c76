# Everything starts here. Needed: Node 20 or newer with npm; the rest is installed by the first target you run.
IMAGE_TAG ?= dev
RUN = scripts/run.sh
# What the tests on a cluster need there. Loading them may fail once: where an older image had the name, containerd's garbage
# collector can take a layer of the new one while it comes in.
CLUSTER_IMAGES = agentcrew-api:$(IMAGE_TAG) agentcrew-sidecar:$(IMAGE_TAG) agentcrew-runtime-test:latest nats:2.10-alpine

.DEFAULT_GOAL := help
.PHONY: help demo dev testserver test test-docker test-k8s test-k8s-daemons cluster lint style types unused check bench bench-deploy bench-deploy-k8s images build-api build-sidecar test-image clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## Run a team once from start to end, show it at work, and clean up
	@scripts/demo.sh

dev: ## Run the server in the foreground on 127.0.0.1:8080, data in ./data
	@$(RUN) node scripts/dev.ts

testserver: ## Run the server with mock agents and nothing on disk, for building clients, on 127.0.0.1:3333
	@$(RUN) node apps/testserver/src/main.ts

test: ## Run all tests; ARGS="packages/nats" runs some of them
	@$(RUN) vitest run --config vitest.workspace.ts $(ARGS)

test-docker: images ## Build the images and run the tests that need Docker; fails without it
	@TEST_REQUIRES=Docker $(RUN) vitest run --config vitest.workspace.ts --maxWorkers 3 $$(grep -rl '(needs Docker)' apps/*/test packages/*/test) $(ARGS)

test-k8s: cluster images test-image ## Build the images and run the tests that need the cluster of KUBECONFIG; fails without it
	@$(if $(LOAD_IMAGES),$(LOAD_IMAGES) $(CLUSTER_IMAGES) || $(LOAD_IMAGES) $(CLUSTER_IMAGES))
	@TEST_REQUIRES=Kubernetes $(RUN) vitest run --config vitest.workspace.ts --maxWorkers 5 $$(grep -rl '(needs Kubernetes)' apps/*/test packages/*/test) $(ARGS)

test-k8s-daemons: cluster ## Run the tests that restart the cluster's own daemons, of the pid files in TEST_CLUSTER_DAEMONS
	@TEST_REQUIRES='the daemons of Kubernetes' $(RUN) vitest run --config vitest.workspace.ts packages/runtime/test/kubernetes-daemons $(ARGS)

cluster:
	@scripts/require-cluster.sh

lint: style types unused ## Check style (biome), types (tsc) and unused code (knip)

style:
	@$(RUN) biome check .

types:
	@$(RUN) tsc --noEmit -p tsconfig.json

unused:
	@$(RUN) knip

check: lint test ## Lint, then test

bench: ## Measure what a turn costs, next to the bare Claude Code CLI
	@$(RUN) node bench/turn.ts $(ARGS)

bench-deploy: images ## Measure what a deploy on Docker costs, next to docker run of the same image
	@$(RUN) node bench/deploy.ts $(ARGS)

bench-deploy-k8s: cluster build-sidecar ## The same on the Kubernetes cluster of KUBECONFIG, next to bare pods
	@$(RUN) node bench/deploy-kubernetes.ts $(ARGS)

images: build-api build-sidecar ## Build both container images

build-api: ## Build the server's image
	@scripts/build-image.sh api $(IMAGE_TAG)

build-sidecar: ## Build the agents' image
	@scripts/build-image.sh sidecar $(IMAGE_TAG)

test-image:
	@docker build --quiet --tag agentcrew-runtime-test:latest packages/runtime/test

clean: ## Remove what was installed and built here; ./data stays
	rm -rf node_modules apps/*/node_modules packages/*/node_modules bench/node_modules .tools coverage
