"""One sign with OpenCV alone: python examples/opencv_python.py NAME.onnx TEMPERATURE PICTURE.png.

NAME.onnx in full precision, NAME_preprocess.py beside it (roadworthy export RUN --to NAME.onnx --for opencv).
Prints the number of the class, in the manifest's order, and the confidence.  Nothing of Roadworthy is needed.
"""

import sys
from pathlib import Path

import cv2
import numpy as np


def main(bundle: Path, temperature: float, picture: str) -> None:
    sys.path.insert(0, str(bundle.parent))
    preprocess = __import__(f"{bundle.stem}_preprocess").preprocess
    rgb = cv2.imread(picture)[..., ::-1]  # OpenCV's channels are BGR
    net = cv2.dnn.readNetFromONNX(str(bundle), cv2.dnn.ENGINE_NEW)
    net.setInput(np.ascontiguousarray(preprocess(rgb)[None]), "images")
    logits = net.forward()[0] / temperature
    shares = np.exp(logits - logits.max())
    print(int(logits.argmax()), f"{shares.max() / shares.sum():.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3])
