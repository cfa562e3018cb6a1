"""The ``cladnet`` command."""
