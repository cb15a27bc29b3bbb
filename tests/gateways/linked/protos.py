"""The library's protocol buffers without the library: entered past the package's first file, which would load the Go part."""

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import pytest


def _open() -> None:
    found = importlib.util.find_spec("neonize")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("the extra `linked` is not installed", allow_module_level=True)
    if "neonize" not in sys.modules:
        package = types.ModuleType("neonize")
        package.__path__ = list(found.submodule_search_locations)
        package.__spec__ = found
        package.__file__ = str(Path(package.__path__[0]) / "__init__.py")
        sys.modules["neonize"] = package


_open()
events: Any = importlib.import_module("neonize.proto.Neonize_pb2")
e2e: Any = importlib.import_module("neonize.proto.waE2E.WAWebProtobufsE2E_pb2")
history: Any = importlib.import_module("neonize.proto.waHistorySync.WAWebProtobufsHistorySync_pb2")
web: Any = importlib.import_module("neonize.proto.waWeb.WAWebProtobufsWeb_pb2")


def jid(user: str, server: str = "s.whatsapp.net") -> Any:
    return events.JID(User=user, Server=server, Device=0, RawAgent=0, Integrator=0, IsEmpty=False)
