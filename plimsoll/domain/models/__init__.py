"""The life of a model: what it reads, what it says, how good it is, who let it out and what becomes of it."""
