"""Builds the page into the package. Asks for Node only when the built page does not belong to today's sources."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface):
    """Runs before the wheel, or an editable installation, is made."""

    def dependencies(self) -> list[str]:
        page = self._page()
        return [page.NODE] if page else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        page = self._page()
        if page:
            page.build()

    def _page(self) -> ModuleType | None:
        """The module that builds the page, or None when there is nothing to build."""
        path = Path(self.root, "frontend", "build.py")
        if self.target_name != "wheel" or os.environ.get("HANTAR_SKIP_UI") == "1":
            return None
        if not path.with_name("package.json").is_file():
            print("frontend/package.json is not here: the package is built without pages.", file=sys.stderr)
            return None
        spec = importlib.util.spec_from_file_location("hantar_page", path)
        assert spec is not None  # noqa: S101 narrows the type
        assert spec.loader is not None  # noqa: S101 likewise
        page = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(page)
        return None if page.is_current() else page
