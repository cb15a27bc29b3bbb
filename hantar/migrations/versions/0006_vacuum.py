"""Vacuum messages at a pace that leaves the engine its processor."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in script.split("\n--;;\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
