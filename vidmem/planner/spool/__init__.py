"""What a Spool costs."""
