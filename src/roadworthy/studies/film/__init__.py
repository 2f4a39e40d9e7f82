"""The film that presents the gradient-norm studies: one file a part of it."""
