"""The first schema: accounts, devices, leads, media, outbox, campaigns."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything from the SQL file beside this one."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in script.split("\n--;;\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
