"""A face-recognition dataset as training code for PyTorch has it: mxnet only reads the records; key 0 holds the header."""

import numbers
import os
import random
import sys

import mxnet as mx
import numpy as np


class FaceDataset:
    def __init__(self, root, rank):
        self.rank = rank
        self.imgrec = mx.recordio.MXIndexedRecordIO(os.path.join(root, "identities.idx"), os.path.join(root, "identities.rec"), "r")
        header, _ = mx.recordio.unpack(self.imgrec.read_idx(0))
        if header.flag > 0:
            self.header0 = (int(header.label[0]), int(header.label[1]))
            self.imgidx = np.array(range(1, int(header.label[0])))
        else:
            self.imgidx = np.array(list(self.imgrec.keys))

    def identities(self):
        for key in range(*self.header0):
            header, rest = mx.recordio.unpack(self.imgrec.read_idx(key))
            assert header.flag == 2 and rest == b""
            yield key, int(header.label[0]), int(header.label[1])

    def __getitem__(self, index):
        header, img = mx.recordio.unpack(self.imgrec.read_idx(self.imgidx[index]))
        label = header.label
        if not isinstance(label, numbers.Number):
            label = label[0]
        sample = mx.image.imdecode(img).asnumpy()
        return sample, int(label)

    def __len__(self):
        return len(self.imgidx)


dataset = FaceDataset(sys.argv[1], 0)
print(len(dataset), dataset.header0, list(dataset.identities()))
print([(dataset[i][0].shape, str(dataset[i][0].dtype), dataset[i][1]) for i in range(len(dataset))])

# The same records in another order, in a new file.
order = dataset.imgidx.tolist()
random.seed(4)
random.shuffle(order)
writer = mx.recordio.MXIndexedRecordIO(os.path.join(sys.argv[2], "shuffled.idx"), os.path.join(sys.argv[2], "shuffled.rec"), "w")
for new, old in enumerate(order):
    header, img = mx.recordio.unpack(dataset.imgrec.read_idx(old))
    writer.write_idx(new, mx.recordio.pack(mx.recordio.IRHeader(0, header.label, new, 0), img))
print(order)  # and no close: the end of the program is enough
