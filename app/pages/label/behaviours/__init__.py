"""The behaviours of the project on the Label page: their card, and their editor."""
