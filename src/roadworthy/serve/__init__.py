"""Answering without torch: a bundle in ONNX Runtime."""
