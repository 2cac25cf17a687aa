"""The APIs that this server speaks, and the pages and figures that it serves: each translates, and none knows another."""
