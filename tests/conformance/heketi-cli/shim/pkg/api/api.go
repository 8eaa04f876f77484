// SPDX-License-Identifier: GPL-2.0-or-later

package api

const NamespaceDefault = "default"
