"""ImageDetIter, its augmenters, and a wrapper of ImageDetRecordIter."""

import sys

import mxnet as mx
import numpy as np
from mxnet import image

d, o = sys.argv[1:]
it = mx.image.ImageDetIter(
    batch_size=3,
    data_shape=(3, 48, 48),
    path_imgrec=d + "/det.rec",
    path_imgidx=d + "/det.idx",
    shuffle=False,
    mean=np.array([123, 117, 104]),
    std=np.array([1, 1, 1]),
)
for b in it:
    print(b.data[0].shape, b.label[0].shape, b.label[0].asnumpy()[:, 0].round(3).tolist(), b.pad)
print(it.label_shape)
it2 = mx.image.ImageDetIter(batch_size=3, data_shape=(3, 48, 48), path_imgrec=d + "/det.rec", path_imgidx=d + "/det.idx")
it2.reshape(label_shape=(5, 5))
it.reset()
try:
    it2 = it.sync_label_shape(it2)
    print(it.label_shape, it2.label_shape, it.provide_label)
except Exception as e:
    print(type(e).__name__)
augs = mx.image.CreateDetAugmenter((3, 48, 48), resize=50, rand_mirror=True)
print(augs[0].dumps())
im = mx.image.imread(d + "/images/cat/eye.JPEG")
lab = np.array([[0, 0.1, 0.2, 0.5, 0.6]])
for a in augs:
    im, lab = a(im, lab)
    print(type(a).__name__, type(im).__name__, type(lab).__name__, im.shape, lab.shape)
a = mx.image.DetHorizontalFlipAug(1.0)
im2, l2 = a(im, np.array([[0, 0.1, 0.2, 0.5, 0.6]]))
print(l2.round(2).tolist(), (im2.asnumpy() == im.asnumpy()[:, ::-1]).all())
a = mx.image.DetRandomCropAug(
    min_object_covered=0.5, aspect_ratio_range=(0.75, 1.33), area_range=(0.5, 1.0), min_eject_coverage=0.3, max_attempts=50
)
print(a(im, np.array([[0, 0.1, 0.2, 0.5, 0.6]]))[1].shape)
a = mx.image.DetRandomPadAug((0.75, 1.33), (1.0, 3.0), 50, (127,) * 3)
print(a(im, np.array([[0, 0.1, 0.2, 0.5, 0.6]]))[1].shape)
a = mx.image.CreateMultiRandCropAugmenter(
    min_object_covered=[0.1, 0.5], aspect_ratio_range=[(0.75, 1.33), (0.9, 1.1)], area_range=[(0.1, 1), (0.5, 1)]
)
print(type(a).__name__)


class MyDet(mx.image.DetAugmenter):
    def __call__(self, src, label):
        return src * 0.5, label


it = mx.image.ImageDetIter(
    3,
    (3, 24, 24),
    path_imgrec=d + "/det.rec",
    path_imgidx=d + "/det.idx",
    aug_list=[mx.image.DetBorrowAug(mx.image.ForceResizeAug((24, 24))), mx.image.DetBorrowAug(mx.image.CastAug()), MyDet()],
)
b = it.next()
print(b.data[0].shape, b.data[0].asnumpy().mean((1, 2, 3)).round(1))
it = mx.io.ImageDetRecordIter(
    path_imgrec=d + "/det.rec",
    path_imgidx=d + "/det.idx",
    batch_size=3,
    data_shape=(3, 48, 48),
    label_pad_width=30,
    label_pad_value=-1,
    shuffle=False,
    mean_r=10,
    mean_g=10,
    mean_b=10,
    std_r=1,
    std_g=1,
    std_b=1,
    resize_mode="force",
)
for b in it:
    lab = b.label[0].asnumpy()
    print(b.data[0].shape, lab.shape, lab[0, :12].round(2).tolist(), b.pad)
it.reset()
first = next(iter(it))
lab = first.label[0]
print(lab[:, 4:].shape, mx.nd.slice_axis(lab, axis=1, begin=4, end=14).reshape((0, -1, 5)).shape)


class DetRecordIter(mx.io.DataIter):
    def __init__(self, path, batch_size, shape):
        super(DetRecordIter, self).__init__()
        self.rec = mx.io.ImageDetRecordIter(
            path_imgrec=path,
            label_pad_width=30,
            label_pad_value=-1,
            batch_size=batch_size,
            data_shape=shape,
            mean_r=0,
            std_r=1,
            std_g=1,
            std_b=1,
        )
        self.provide_label = None
        self._get_batch()
        if not self.provide_label:
            raise RuntimeError("Invalid ImageDetRecordIter: " + path)
        self.reset()

    @property
    def provide_data(self):
        return self.rec.provide_data

    def reset(self):
        self.rec.reset()

    def iter_next(self):
        return self._get_batch()

    def next(self):
        if self.iter_next():
            return self._batch
        raise StopIteration

    def _get_batch(self):
        self._batch = self.rec.next() if self._more() else None
        if not self._batch:
            return False
        if self.provide_label is None:
            first = self._batch.label[0][0].asnumpy()
            self.batch_size = self._batch.label[0].shape[0]
            self.label_header_width = int(first[4])
            self.label_object_width = int(first[5])
            self.label_start = 4 + self.label_header_width
            self.max_objects = (first.size - self.label_start) // self.label_object_width
            self.label_shape = (self.batch_size, self.max_objects, self.label_object_width)
            self.provide_label = [("label", self.label_shape)]
        lab = self._batch.label[0].asnumpy()
        lab = lab[:, self.label_start : self.label_start + self.max_objects * self.label_object_width].reshape(
            (self.batch_size, self.max_objects, self.label_object_width)
        )
        self._batch.label = [mx.nd.array(lab)]
        return True

    def _more(self):
        self.n = getattr(self, "n", 0) + 1
        return self.n <= 2


r = DetRecordIter(d + "/det.rec", 3, (3, 32, 32))
print(r.provide_data[0].name, r.provide_label, r.next().label[0].asnumpy()[0, 0].round(2).tolist())
