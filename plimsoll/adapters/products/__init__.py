"""Product packs read from folders."""

from plimsoll.adapters.products.folder import ProductFolder

__all__ = ["ProductFolder"]
