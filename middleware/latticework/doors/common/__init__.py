"""Shared by all doors, whatever their API: objects of requests and their validation, texts of calls, sealed texts."""
