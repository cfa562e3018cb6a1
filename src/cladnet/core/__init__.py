"""Pure domain code: no socket, no clock, no etcd, no Ansible. Time and randomness are passed in."""
