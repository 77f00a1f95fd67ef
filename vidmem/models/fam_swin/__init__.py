"""FAM Swin: a Video Swin with a bounded queue of feedback attention memory."""
