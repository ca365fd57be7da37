"""What ratarmount finds in a tar."""

import hashlib
import logging
import shutil
import tempfile
from pathlib import Path

from ratarmountcore.mountsource.factory import open_mount_source

from json_lines import serve


def mount(tar, index):
    """Files by name, with their SHA-256, as the package finds them by the index; and whether it was taken as it is."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(index, folder)
        with open_mount_source(tar, indexFilePath=copy, writeIndex=True, printDebug=0) as source:
            names = source.list("/instances") or {}
            files = {name: content(source, f"/instances/{name}") for name in names}
        return {"files": files, "kept": Path(copy).read_bytes() == Path(index).read_bytes()}


def content(source, path):
    with source.open(source.lookup(path)) as file:
        return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    serve({"mount": mount})
