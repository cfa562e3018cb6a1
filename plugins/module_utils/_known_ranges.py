# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Private IPv4 ranges that clouds, container networks and VPNs take when nobody says otherwise.

A CLADNet keeps away from them, because the next VM, cluster or container of one of its hosts may bring one.

Not here, because no choice inside RFC 1918 could keep away from them:

* 100.64.0.0/10 (RFC 6598; Alibaba Cloud's DNS and package mirrors, Tailscale) and 169.254.0.0/16 (link local,
  metadata services) lie outside RFC 1918, so they are never recommended;
* Cilium's pool 10.0.0.0/8 is a whole block, handed out from its start in /24: 10.0.0.0/16 stands for it.
"""

from __future__ import annotations

import typing as t


class KnownRange(t.NamedTuple):
    """A range, and who takes it by default."""

    cidr: str
    taken_by: str
    """Who, and where that is written."""


KNOWN_RANGES = (
    KnownRange(
        "10.0.0.0/16", "first virtual network of AWS (VPC wizard), Azure (portal), Oracle Cloud; Cilium pods"
    ),
    KnownRange("10.1.0.0/16", "MicroK8s pods (microk8s.io, Calico CNI)"),
    KnownRange("10.8.0.0/24", "OpenVPN (sample server.conf)"),
    KnownRange("10.32.0.0/12", "Weave Net pods (IPALLOC_RANGE)"),
    KnownRange("10.42.0.0/16", "K3s and RKE2 pods (--cluster-cidr)"),
    KnownRange("10.43.0.0/16", "K3s and RKE2 services (--service-cidr)"),
    KnownRange("10.77.0.0/16", "pods of the Kubernetes scripts of Cloud-Barista CB-Larva"),
    KnownRange("10.88.0.0/16", "Podman (containers.conf, default_subnet)"),
    KnownRange("10.89.0.0/16", "further networks of Podman (containers.conf, default_subnet_pools)"),
    KnownRange(
        "10.96.0.0/12", "Kubernetes services (kubeadm, serviceSubnet); Amazon EKS services 10.100.0.0/16"
    ),
    KnownRange("10.128.0.0/9", "auto mode VPC of Google Cloud; OpenShift pods 10.128.0.0/14"),
    KnownRange("10.152.183.0/24", "MicroK8s services"),
    KnownRange("10.233.0.0/16", "Kubespray services and pods (kube_service_addresses, kube_pods_subnet)"),
    KnownRange("10.244.0.0/16", "Flannel, kind and Azure AKS pods"),
    KnownRange("172.16.0.0/12", "VPC of Alibaba Cloud"),
    KnownRange("172.17.0.0/16", "docker0 of Docker (default-address-pools)"),
    KnownRange("172.18.0.0/15", "further networks of Docker (default-address-pools)"),
    KnownRange("172.20.0.0/14", "further networks of Docker (default-address-pools)"),
    KnownRange("172.24.0.0/14", "further networks of Docker (default-address-pools)"),
    KnownRange("172.28.0.0/14", "further networks of Docker; OpenShift services 172.30.0.0/16"),
    KnownRange("172.31.0.0/16", "default VPC of AWS"),
    KnownRange(
        "192.168.0.0/16", "Calico pods; VPC of Alibaba and Tencent Cloud; Docker, after 172.31.0.0/16"
    ),
    KnownRange("192.168.0.0/23", "routers of homes and small offices"),
    KnownRange("192.168.49.0/24", "minikube"),
    KnownRange("192.168.122.0/24", "default network of libvirt"),
)
