// SPDX-License-Identifier: GPL-2.0-or-later

package v1

import (
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type (
	Secret                = core.Secret
	Service               = core.Service
	ServicePort           = core.ServicePort
	Endpoints             = core.Endpoints
	EndpointSubset        = core.EndpointSubset
	EndpointAddress       = core.EndpointAddress
	EndpointPort          = core.EndpointPort
	Volume                = core.Volume
	VolumeSource          = core.VolumeSource
	GlusterfsVolumeSource = core.GlusterfsVolumeSource
	SecretVolumeSource    = core.SecretVolumeSource
	Container             = core.Container
	VolumeMount           = core.VolumeMount
)

const RestartPolicyNever = core.RestartPolicyNever

type (
	PersistentVolumeAccessMode = core.PersistentVolumeAccessMode
	ResourceList               = core.ResourceList
)

const (
	PersistentVolumeReclaimRetain = core.PersistentVolumeReclaimRetain
	ReadWriteMany                 = core.ReadWriteMany
	ResourceStorage               = core.ResourceStorage
	ServiceAccountNamespaceKey    = core.ServiceAccountNamespaceKey
)

// As in Kubernetes 1.7: the same type names the volume in pods and PVs.
type PersistentVolume struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata,omitempty"`
	Spec            PersistentVolumeSpec        `json:"spec,omitempty"`
	Status          core.PersistentVolumeStatus `json:"status,omitempty"`
}

type PersistentVolumeSpec struct {
	Capacity                      core.ResourceList                  `json:"capacity,omitempty"`
	Glusterfs                     *core.GlusterfsVolumeSource        `json:"glusterfs,omitempty"`
	AccessModes                   []core.PersistentVolumeAccessMode  `json:"accessModes,omitempty"`
	PersistentVolumeReclaimPolicy core.PersistentVolumeReclaimPolicy `json:"persistentVolumeReclaimPolicy,omitempty"`
}
