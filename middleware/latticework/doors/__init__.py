"""The APIs and pages that this server has. Each translates between its wire format and the core; none knows another."""
