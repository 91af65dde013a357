"""Other systems, measured in environments of their own: nothing here imports ours."""
