"""Session hosts and what they speak, with a scripted library in place of the real one."""
