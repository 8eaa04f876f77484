# SPDX-License-Identifier: GPL-2.0-or-later
# heketi's own clients against the daemon.  What they need comes from the public
# registries of Go and Python through their ordinary clients; where these can't
# be reached, the tests say so and are skipped.
dist_check_SCRIPTS += \
	%D%/t-go-client.t \
	%D%/t-provisioner.t
EXTRA_DIST += tests/lib/golang.py \
	%D%/go/go.mod %D%/go/go.sum \
	%D%/go/provisioner_test.go %D%/go/server_test.go \
	%D%/go/topology_test.go %D%/go/volume_test.go %D%/go/world_test.go
