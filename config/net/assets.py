"""Style sheets, scripts and pictures of pages: kept in memory, addressed by their content, cached for ever.

One digest over all files is part of every address, so files may refer to each other by name, and a new release has new
addresses. An address of another release (a host not yet updated) is answered with today's file, which nobody may keep.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from flask import Request, Response, abort

TEXTS = (".css", ".js", ".svg", ".txt")
SUFFIXES = (*TEXTS, ".png", ".ico")
SPARED = re.compile(rb"^ *(?:/\*.*?\*/\n|//[^\n]*\n)|^ +|^\n|(?<=[;{]) // [^\n]*", re.MULTILINE | re.DOTALL)
"""Parts of our scripts that browsers need not read: comments on lines of their own or after code, indentation."""
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file, plain and, once somebody asked for it, compressed."""

    plain: bytes
    content_type: str

    @cached_property
    def zipped(self) -> bytes:
        """The file as gzip."""
        return gzip.compress(self.plain, 9, mtime=0)


@dataclass(frozen=True)
class Assets:
    """All files of a directory by name, the digest that names this release of them, and where they are served."""

    root: str
    digest: str
    by_name: Mapping[str, Asset]

    def url(self, name: str) -> str:
        """The address of a file; KeyError for a name that is not there."""
        self.by_name[name]
        return f"{self.root}/{self.digest}/{name}"

    def serve(self, digest: str, name: str, request: Request) -> Response:
        """The file as an answer, compressed where the browser takes that."""
        asset = self.by_name.get(name)
        if asset is None:
            abort(404)
        takes_gzip = request.accept_encodings.quality("gzip") > 0
        response = Response(asset.zipped if takes_gzip else asset.plain, content_type=asset.content_type)
        if takes_gzip:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = FOR_EVER if digest == self.digest else "no-store"
        return response


def load_assets(package: str, root: str) -> Assets:
    """Read the directory `static/` of a package once, with what lies in the folders below it."""
    found = dict(_files(files(package).joinpath("static"), ""))
    digest = hashlib.sha256()
    for name, content in sorted(found.items()):
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return Assets(root, digest.hexdigest()[:12], {name: _asset(name, content) for name, content in found.items()})


def _files(directory: Traversable, below: str) -> Iterator[tuple[str, bytes]]:
    for file in directory.iterdir():
        if file.is_dir():
            yield from _files(file, f"{below}{file.name}/")
        elif file.name.endswith(SUFFIXES):
            yield below + file.name, file.read_bytes()


def _asset(name: str, content: bytes) -> Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".js") and "/" not in name:  # a folder holds another project's files, as they were released
        content = SPARED.sub(b"", content)
    return Asset(content, f"{kind}; charset=utf-8" if name.endswith(TEXTS) else kind)
