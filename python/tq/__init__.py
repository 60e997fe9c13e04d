"""Compiles trained transformers into programs and libraries."""

from importlib import metadata

try:
    __version__ = metadata.version("tq-compiler")
except metadata.PackageNotFoundError:  # imported from a checkout
    __version__ = "0+unknown"
