"""A document or a call that was cut is completed: by the shortest text with which it fits its schema."""

from turngrammar.completion.calls import rest_of_arguments
from turngrammar.completion.completion import ShortestCompletion
from turngrammar.completion.outline import AddedValues, added_values

__all__ = ["AddedValues", "ShortestCompletion", "added_values", "rest_of_arguments"]
