# SPDX-License-Identifier: GPL-2.0-or-later
# heketi's own clients against the daemon.  What they need comes from the public
# registries of Go and Python through their ordinary clients; where these can't
# be reached, the tests say so and are skipped.
dist_check_SCRIPTS += \
	%D%/t-go-client.t \
	%D%/t-heketi-cli.t \
	%D%/t-provisioner.t \
	%D%/t-python-client.t
EXTRA_DIST += tests/lib/golang.py \
	%D%/go/go.mod %D%/go/go.sum \
	%D%/go/provisioner_test.go %D%/go/server_test.go \
	%D%/go/topology_test.go %D%/go/volume_test.go %D%/go/world_test.go
EXTRA_DIST += %D%/heketi-cli/go.mod %D%/heketi-cli/go.sum \
	%D%/heketi-cli/tools.go %D%/heketi-cli/shim/go.mod \
	%D%/heketi-cli/shim/pkg/api/api.go \
	%D%/heketi-cli/shim/pkg/api/v1/v1.go \
	%D%/heketi-cli/shim/pkg/apis/batch/v1/v1.go \
	%D%/heketi-cli/shim/pkg/client/clientset_generated/clientset/c.go \
	%D%/heketi-cli/shim/pkg/volume/util/volumehelper/v.go
