"""Addresses and cameras: connecting, sampling by time, decoding in a child process."""
