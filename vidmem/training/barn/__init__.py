"""How the bundled models are trained on drawn barns."""
