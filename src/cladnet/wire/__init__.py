"""Generated protocol buffer messages (see scripts/generate-stubs); never edited by hand."""
