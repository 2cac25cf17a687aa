"""One HTTP request: its body, its deadline, who may send it, and how its response is sent."""
