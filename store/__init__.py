"""What is kept: the words of the project, the catalog, the files, the indexes, the embedder."""

from store import quiet as _quiet

__all__: list[str] = []
_quiet.keep_quiet()
