"""Write the images of a set to folders by label through MXNet's reader, one after the other. Runs in MXNet's environment.

As InsightFace's script does it, each image is decoded and encoded again; with --bytes its bytes are written as they are.

Usage: mxnet_extract.py PREFIX FOLDER [--bytes]
"""

import os
import sys

import cv2
import mxnet as mx


def main():
    prefix, folder = sys.argv[1:3]
    keeps_bytes = "--bytes" in sys.argv
    records = mx.recordio.MXIndexedRecordIO(prefix + ".idx", prefix + ".rec", "r")
    for key in records.keys:
        header, image = mx.recordio.unpack(records.read_idx(key))
        place = os.path.join(folder, str(int(header.label)))
        os.makedirs(place, exist_ok=True)
        path = os.path.join(place, f"{key}.jpg")
        if keeps_bytes:
            with open(path, "wb") as file:
                file.write(image)
        else:
            cv2.imwrite(path, mx.image.imdecode(image).asnumpy()[:, :, ::-1])


if __name__ == "__main__":
    main()
