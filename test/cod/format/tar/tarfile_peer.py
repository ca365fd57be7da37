"""Python's tarfile, for comparing ours with it: one JSON document in, one out."""

import base64
import io
import json
import sys
import tarfile

FORMATS = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}


def info(entry):
    found = tarfile.TarInfo(entry["name"])
    found.type = entry.get("typeflag", "0").encode()
    for key in ("size", "mode", "uid", "gid", "uname", "gname", "linkname"):
        setattr(found, key, entry.get(key, getattr(found, key)))
    found.mtime = float(entry["mtime"])
    return found


def header(entry):
    """As tarfile writes it in its default format, base64."""
    return base64.b64encode(info(entry).tobuf()).decode()


def write(tar):
    """A whole tar of the format, base64; contents are repeated bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=FORMATS[tar["format"]]) as archive:
        for n, entry in enumerate(tar["entries"]):
            archive.addfile(info(entry), io.BytesIO(bytes([n % 255 + 1]) * entry["size"]))
    return base64.b64encode(file.getvalue()).decode()


def members(tar):
    """What tarfile reads of a tar in base64."""
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(tar))) as archive:
        return [
            {
                "name": found.name,
                "typeflag": found.type.decode(),
                "headerStart": found.offset,
                "start": found.offset_data,
                "size": found.size,
                "mtime": found.mtime,
                "mode": found.mode,
                "uid": found.uid,
                "gid": found.gid,
                "uname": found.uname,
                "gname": found.gname,
                "linkname": found.linkname,
            }
            for found in archive
        ]


def extracted(path):
    """Contents by name of a tar's regular files, base64."""
    with tarfile.open(path) as archive:
        files = [found for found in archive if found.isreg()]
        return {found.name: base64.b64encode(archive.extractfile(found).read()).decode() for found in files}


def append(request):
    """Appends to a tar as the package does; returns it, base64."""
    file = io.BytesIO(base64.b64decode(request["tar"]))
    with tarfile.open(fileobj=file, mode="a") as archive:
        for entry in request["entries"]:
            archive.addfile(info(entry), io.BytesIO(b"\1" * entry["size"]))
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    (name, inputs) = json.load(sys.stdin)
    json.dump([globals()[name](each) for each in inputs], sys.stdout)
