"""What answers. It imports rooms of bot; bot never imports it."""
