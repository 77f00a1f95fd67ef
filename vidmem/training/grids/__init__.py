"""Many runs that differ in a few keys: which ones, and how they are run."""
