"""Who receives: one person per workspace, whatever names the service gives them."""
