#!/bin/sh
# YOLO11n and YOLO26n with random weights as .onnx, for benchmarks/finding_speed.py --yolo to be measured beside.
#
#     sh benchmarks/yolo_networks.sh FOLDER
#
# Built from their configs (80 classes, as these have them, and a class alone) for frames of 1,280 x 720, which
# they take as 1,280 x 736: sides that are multiples of 32, and no more.  All is installed in FOLDER/venv (1.7 GB,
# some ten minutes); nothing of it is part of this project.  Needs python3 with venv, and a package index.
set -eu
mkdir -p "$1"
place=$(cd "$1" && pwd)
python3 -m venv "$place/venv"
pip="$place/venv/bin/pip install --quiet --disable-pip-version-check"
$pip torch==2.13.0 numpy pillow pyyaml requests psutil polars matplotlib scipy \
    opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxslim==0.1.98 onnxruntime==1.32.0
# torchvision does not load beside builds of torch from another index.  Ultralytics asks for its version when it is
# imported, and for nothing else of it on this way: a name and a version are enough.
$pip --no-deps ultralytics==8.4.190 ultralytics-thop==2.2.3
packages=$("$place/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$packages/torchvision-0.28.0.dist-info"
printf 'Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n' > "$packages/torchvision-0.28.0.dist-info/METADATA"
cd "$place"
YOLO_CONFIG_DIR=$place YOLO_AUTOINSTALL=false venv/bin/python - <<'PYTHON'
from pathlib import Path

import torch
import ultralytics
from ultralytics import YOLO

torch.set_num_threads(1)
torch.manual_seed(0)
configs = Path(ultralytics.__file__).parent / "cfg" / "models"
for name in ("yolo11", "yolo26"):
    text = (configs / name.removeprefix("yolo") / f"{name}.yaml").read_text()
    assert text.count("nc: 80") == 1
    for classes in (80, 1):
        folder = Path(f"classes-{classes}")
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(text.replace("nc: 80", f"nc: {classes}"))
        model = YOLO(str(folder / f"{name}n.yaml"), task="detect")  # n is the size, and in no file's name
        parameters = sum(weights.numel() for weights in model.model.parameters())
        made = model.export(format="onnx", imgsz=(736, 1280), simplify=True, device="cpu", verbose=False)
        Path(made).rename(f"{name}n-{classes}.onnx")
        print(f"{name}n-{classes}.onnx: {parameters:,} parameters in training")
PYTHON
