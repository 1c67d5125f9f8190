"""What is kept: the words of the project, the catalog, the files, the indexes, the embedder."""
