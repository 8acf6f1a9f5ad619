"""Datasets of records as those of GluonCV: images with boxes from a .rec, a DataLoader, transforms, a dataset of one's own."""

import sys

import mxnet as mx
import numpy as np
from mxnet import gluon, nd
from mxnet.gluon.data import DataLoader, dataset
from mxnet.gluon.data.vision import ImageFolderDataset, ImageRecordDataset, transforms
from mxnet.gluon.data.vision.datasets import ImageRecordDataset as Same

folder, rec = sys.argv[1:]


class RecordFileDetection(ImageRecordDataset):
    def __init__(self, filename, coord_normalized=True):
        super().__init__(filename)
        self._coord_normalized = coord_normalized

    def __getitem__(self, idx):
        img, label = super().__getitem__(idx)
        height, width, _ = img.shape
        header_width, object_width = int(label[0]), int(label[1])
        boxes = label[header_width:].reshape(-1, object_width)
        if self._coord_normalized:
            boxes = boxes[:, [1, 2, 3, 4, 0]] * np.array([width, height, width, height, 1])
        return img, boxes


writer = mx.recordio.MXIndexedRecordIO(folder + "/det.idx", folder + "/det.rec", "w")
for i in range(6):
    label = [4, 5, 40, 30, 0, 0.25, 0.5, 0.75, 1.0, 1, 0, 0, 0.5, 0.5]
    pixels = np.full((30, 40, 3), 40 * i, np.uint8)
    writer.write_idx(i, mx.recordio.pack_img(mx.recordio.IRHeader(0, label, i, 0), pixels, img_fmt=".png"))
writer.close()
detection = RecordFileDetection(folder + "/det.rec")
img, boxes = detection[5]
print(len(detection), img.shape, type(img).__name__, int(img.max().asscalar()), boxes.tolist())

records = ImageRecordDataset(rec)
print(Same is ImageRecordDataset, len(records), type(records[0][0]).__name__, [float(records[i][1]) for i in range(len(records))])
transform = transforms.Compose(
    [transforms.Resize(40, keep_ratio=True), transforms.CenterCrop(32), transforms.RandomFlipLeftRight(), transforms.ToTensor(),
     transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
)  # fmt: skip
loader = DataLoader(records.transform_first(transform), batch_size=3, shuffle=False, num_workers=2, last_batch="keep")
for images, labels in loader:
    print(images.shape, str(images.asnumpy().dtype), labels.asnumpy().tolist(), labels.dtype.__name__)
print(len(loader), sorted(int(label.asscalar()) for _, batch in DataLoader(records.transform_first(transform), 3, True) for label in batch))


class Both(gluon.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, idx):
        return nd.ones((2, 2)) * idx, idx, np.float32(idx)


for data in gluon.data.DataLoader(Both(), batch_size=2):
    print([part.shape for part in data], data[0].asnumpy().sum())
arrays = dataset.ArrayDataset(nd.arange(10).reshape((5, 2)), nd.arange(5))
print(arrays[3][0].asnumpy().tolist(), arrays[3][1], [len(batch[1]) for batch in gluon.data.DataLoader(arrays, 2, last_batch="discard")])
folders = ImageFolderDataset(folder + "/images")
print(folders.synsets, len(folders), folders[0][0].shape, folders[0][1])


class Doubled(gluon.nn.Block if hasattr(gluon.nn, "Block") else gluon.Block):
    def forward(self, x):
        return x * 2


print(Doubled()(nd.ones((2,))).asnumpy().tolist())
