"""Commands about experiments: one module per command."""
