"""What every driver must do, the simulator first."""
