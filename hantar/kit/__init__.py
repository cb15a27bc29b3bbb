"""Words any program could use; this room knows no lead and no campaign."""
