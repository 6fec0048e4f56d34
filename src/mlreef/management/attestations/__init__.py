"""What this instance vouches for: it checks what a build job tells of an image, and signs it."""
