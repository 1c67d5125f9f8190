"""Tables as data: extracted from pages, typed, and asked by plans that run as read-only SQL."""
