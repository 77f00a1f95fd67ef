"""Networks on pixels: FAM Swin, Spool, and what they are held against."""
