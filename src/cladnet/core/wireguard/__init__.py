"""The WireGuard protocol as sans-IO state machines."""
