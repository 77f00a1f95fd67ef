"""What lies on the disk: the folder, the database in it, its copies, and who holds what."""
