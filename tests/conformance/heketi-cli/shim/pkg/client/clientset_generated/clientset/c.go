// SPDX-License-Identifier: GPL-2.0-or-later

package clientset

import "k8s.io/client-go/kubernetes"

type Interface = kubernetes.Interface

var NewForConfig = kubernetes.NewForConfig
