"""Who may ask, and how much: keys, quotas, places."""
