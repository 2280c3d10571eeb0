"""Models in and out of the ecosystem. Start reading in `huggingface`."""
