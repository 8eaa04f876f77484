// SPDX-License-Identifier: GPL-2.0-or-later
module k8s.io/kubernetes

go 1.21

require (
	k8s.io/api v0.15.12
	k8s.io/apimachinery v0.15.12
	k8s.io/client-go v0.15.12
)
