// SPDX-License-Identifier: GPL-2.0-or-later

package v1

import batch "k8s.io/api/batch/v1"

type Job = batch.Job
