"""`--api-servers N`: several front-end processes on one port, for one set of engines.

The owner is the process that was started. It has the engines, what all front ends share (limits, kept responses, the
sum of their metrics), and the port: it accepts connections, and hands each to the front end with the fewest. A front
end has all the rest of a server: HTTP, prompts, grammars, the events of answers. It loads neither vLLM nor torch, and
gets answers from the owner over a socket that both have.

owner.py        the owner: starts, serves, drains
processes.py    the front ends as the owner's children
session.py      what the owner does for one of them; limits.py the limits, totals.py the metrics
process.py      a front end: `python -m latticework.fronts.process`
engine.py       its engines;  shared.py its limits, metrics and kept responses
link.py         the socket between the two;  handover.py the connections that pass it

Why not vLLM's own clients, one in each front end: each loads vLLM, a client that is started again waits for greetings
that the engine core sends once, and nobody aborts the answers of a killed one. Here a front end that is killed is a
client that disconnects, with any engine.
"""
