"""Moves packets between TUN and UDP; knows nothing of etcd or controllers."""
