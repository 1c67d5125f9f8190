"""The front door: who may come in, what they see of a page, and the machine interface."""
