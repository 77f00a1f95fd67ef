"""What a player of people's own needs: times of frames, and copies that browsers can play."""
