"""Loads the library in a session host, past everything it would do to a machine by itself when it is imported.

It would ask for the system's libmagic, fetch another binary from the internet when the versions differ, set up logging of its own
and log phone numbers. Here: our `magic`, no download but an error, one quiet log on standard error with numbers masked. Only a
child process calls `load`: the Go part inside cannot be unloaded, and when it panics it takes the process with it.
"""

import importlib
import importlib.metadata
import logging
import sys
import types
from dataclasses import dataclass
from typing import Any

from hantar.gateways.linked import magic, verdicts

VERSION = "0.5.2"
"""The one version of neonize this was read and tried with; its Python part and its Go part go together."""
LEAST_PROTOBUF = (7, 34, 1)
"""What its generated code was made with. Its own metadata says less, and then the import fails (measured)."""


class LibraryUnusable(Exception):
    """Linked devices cannot be used on this machine; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Neonize:
    """The parts of the library that we use."""

    client: Any  # neonize.aioze.client
    protos: Any  # neonize.proto.Neonize_pb2
    e2e: Any  # the messages themselves
    enums: Any  # neonize.utils.enum
    companion: Any  # how the device presents itself
    proxy: Any  # neonize._binder.ProxySettings
    error: type[Exception]  # neonize.exc.NeonizeError


def load() -> Neonize:
    """Check, import, and hand out the library; raises `LibraryUnusable`."""
    _check_versions()
    _quiet()
    sys.modules["magic"] = sys.modules[magic.__name__]
    sys.modules["neonize.download"] = _no_download()
    try:
        return Neonize(
            client=importlib.import_module("neonize.aioze.client"),
            protos=importlib.import_module("neonize.proto.Neonize_pb2"),
            e2e=importlib.import_module("neonize.proto.waE2E.WAWebProtobufsE2E_pb2"),
            enums=importlib.import_module("neonize.utils.enum"),
            companion=importlib.import_module("neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2"),
            proxy=importlib.import_module("neonize._binder").ProxySettings,
            error=importlib.import_module("neonize.exc").NeonizeError,
        )
    except Exception as error:  # whatever it is, this process is of no use
        words = verdicts.plain(f"{type(error).__name__}: {error}")
        raise LibraryUnusable(f"The library for linked devices (neonize {VERSION}) does not load here. {words}") from error


def _check_versions() -> None:
    try:
        found = importlib.metadata.version("neonize")
        protobuf = importlib.metadata.version("protobuf")
    except importlib.metadata.PackageNotFoundError as error:
        raise LibraryUnusable(f"Linked devices need the package {error.name}: install hantar with the extra `linked`.") from None
    if found != VERSION:
        raise LibraryUnusable(f"Linked devices need neonize {VERSION}, and {found} is installed.")
    if _numbers(protobuf) < LEAST_PROTOBUF:
        least = ".".join(map(str, LEAST_PROTOBUF))
        raise LibraryUnusable(f"Linked devices need protobuf {least} or newer, and {protobuf} is installed.")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def _no_download() -> types.ModuleType:
    """In place of the module that fetches a binary from the internet when the one in the package has another version."""

    def refuse() -> None:
        raise LibraryUnusable("the binary in the package has another version, and none is downloaded")

    blocked = types.ModuleType("neonize.download", "Downloads nothing.")
    blocked.__dict__.update({"__GONEONIZE_VERSION__": VERSION, "download": refuse})
    return blocked


class _Masked(logging.Filter):
    """The library's own words name people by their numbers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = verdicts.plain(record.getMessage()), ()
        record.exc_info = record.exc_text = None
        return True


def _quiet() -> None:
    """One handler on standard error, errors alone; with a handler in place the library adds none."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    handler.addFilter(_Masked())
    logging.getLogger().handlers[:] = [handler]
    for name in ("neonize", "neonize.utils.log", "whatsmeow", "Whatsmeow"):
        logging.getLogger(name).setLevel(logging.ERROR)  # the second one's level is also what the Go part goes by
