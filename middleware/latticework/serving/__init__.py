"""The socket and the process of `latticework serve`. Apps that are mounted have those of their host."""
