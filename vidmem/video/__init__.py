"""Files, time and pixels; knows no model."""
