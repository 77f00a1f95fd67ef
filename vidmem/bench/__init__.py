"""What models cost on this machine, measured: each part beside its counterpart, as ratios."""
