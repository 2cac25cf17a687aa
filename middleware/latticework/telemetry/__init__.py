"""What is seen from outside: counts, logs, traces, and the record of each request that they are told from."""
