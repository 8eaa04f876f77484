# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon as its clients see it: over HTTP, with simulated nodes.
dist_check_SCRIPTS += \
	%D%/t-admin.t \
	%D%/t-block.t \
	%D%/t-block-crash.t \
	%D%/t-config.t \
	%D%/t-clone.t \
	%D%/t-conflicts.t \
	%D%/t-copy-store.t \
	%D%/t-crash.t \
	%D%/t-db.t \
	%D%/t-db-import.t \
	%D%/t-db-import-clean.t \
	%D%/t-db-import-random.t \
	%D%/t-destroydata.t \
	%D%/t-duties.t \
	%D%/t-evict.t \
	%D%/t-faulty-plugins.t \
	%D%/t-from-heketi.t \
	%D%/t-examine.t \
	%D%/t-forget.t \
	%D%/t-havoc.t \
	%D%/t-lost.t \
	%D%/t-heketi-start.t \
	%D%/t-http-auth.t \
	%D%/t-http-bad-input.t \
	%D%/t-http-bad-routes.t \
	%D%/t-http-connections.t \
	%D%/t-http-etcd.t \
	%D%/t-http-life.t \
	%D%/t-http-polls.t \
	%D%/t-kubernetes.t \
	%D%/t-metrics.t \
	%D%/t-inject.t \
	%D%/t-operations.t \
	%D%/t-profile.t \
	%D%/t-queue.t \
	%D%/t-remove-pending.t \
	%D%/t-replicas.t \
	%D%/t-ssh.t \
	%D%/t-tags.t \
	%D%/t-tls.t \
	%D%/t-volume-options.t
EXTRA_DIST += tests/lib/dumps.py tests/lib/audit.py tests/lib/daemon.py tests/lib/replicas.py
EXTRA_DIST += tests/conformance/dumps/block.json \
	tests/conformance/dumps/clones.json \
	tests/conformance/dumps/old.json \
	tests/conformance/dumps/pending.json \
	tests/conformance/dumps/clone-new.json \
	tests/conformance/dumps/evict-new.json \
	tests/conformance/dumps/pending-all.json \
	tests/conformance/dumps/plain.json
