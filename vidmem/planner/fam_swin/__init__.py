"""What a FAM Swin costs."""
