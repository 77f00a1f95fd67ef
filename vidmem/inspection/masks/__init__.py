"""Who may attend to whom: every mask as a matrix, as blocks, and in words."""
