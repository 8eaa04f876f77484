// SPDX-License-Identifier: GPL-2.0-or-later

package volumehelper

const VolumeGidAnnotationKey = "pv.beta.kubernetes.io/gid"
