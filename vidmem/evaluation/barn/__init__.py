"""How the bundled models are scored on drawn barns they have not seen."""
