"""What runs made to be looked at and worked on: pictures of visualizations, datasets of data operations."""
