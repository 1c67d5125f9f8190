"""The screens: widgets in, one call through a door, widgets out."""
