"""How documents get in: files are read in limited children, cut into chunks and indexed."""
