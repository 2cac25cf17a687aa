"""From a plan to the chunks of its answer: one request, one choice, and what is done with their pieces."""
