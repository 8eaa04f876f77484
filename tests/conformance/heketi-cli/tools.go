// SPDX-License-Identifier: GPL-2.0-or-later

//go:build tools

// Package tools names the program that t-heketi-cli.t builds.
package tools

import _ "github.com/heketi/heketi/client/cli/go"
