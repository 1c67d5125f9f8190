"""The documents of Larkspur Instruments, an invented maker of weather stations."""
