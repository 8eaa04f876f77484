// SPDX-License-Identifier: GPL-2.0-or-later
// heketi-cli as published; shim/ has what it takes from k8s.io/kubernetes.
// No `go mod tidy` here: it asks for what heketi's tests import.
module brickyard.invalid/heketi-cli

go 1.21

require (
	github.com/dgrijalva/jwt-go v3.2.0+incompatible
	github.com/go-ozzo/ozzo-validation v3.6.0+incompatible
	github.com/heketi/heketi v9.0.0+incompatible
	github.com/spf13/cobra v1.2.1
	k8s.io/api v0.15.12
	k8s.io/apimachinery v0.15.12
	k8s.io/client-go v0.15.12
	k8s.io/kubernetes v0.0.0
)

require (
	github.com/asaskevich/govalidator v0.0.0-20230301143203-a9d515a09cc2 // indirect
	github.com/boltdb/bolt v1.3.1 // indirect
)

replace k8s.io/kubernetes => ./shim
