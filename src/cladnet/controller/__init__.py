"""The controller: networks and peers in etcd, served to agents and operators."""
