"""Container images without a container engine: pulled from registries, verified, unpacked, kept by content."""
