"""How questions are answered: assistant.py is the door."""
