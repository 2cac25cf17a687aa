"""One HTTP request: its authentication, limits, body, deadline and response."""
