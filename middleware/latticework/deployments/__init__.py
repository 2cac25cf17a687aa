"""Servers other than `latticework serve` for the app, one per module."""
