"""Labels into the project and out of it, on the Label page."""
