"""What can be watched: files, uploads, addresses, cameras; and their pictures."""
