"""What one host does: discovery, control stream, tunnel, state on disk."""
