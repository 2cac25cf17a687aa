"""The socket and the process that serve an app; a host that mounts one has its own."""
