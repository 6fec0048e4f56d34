"""Jobs: their rows, terminal states, artifacts and the routes that show and steer them."""
