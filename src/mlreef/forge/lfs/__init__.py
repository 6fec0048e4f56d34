"""Git LFS: batch, transfer, verification and locks. Holding an object's hash never grants access to it."""
