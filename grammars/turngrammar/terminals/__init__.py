"""Pieces of llguidance Lark: literals, lists, and the terminals of strings."""
