"""Which speed limit holds at every second, and which sign says so.  No torch."""
