"""Cloud Adaptive Network: one private network over the VMs of several clouds."""

__version__ = "0.2.0"
