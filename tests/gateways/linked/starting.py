"""The type of what starts a linked driver for a test."""

from collections.abc import Awaitable, Callable

from tests.contract import rig_linked

Start = Callable[..., Awaitable[rig_linked.LinkedRig]]
