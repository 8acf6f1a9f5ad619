"""Subclasses of ImageIter and ImageDetIter that override what MXNet calls for each sample; what they get, and what comes of it."""

import os
import sys

import cv2
import mxnet as mx
import numpy as np

folder = sys.argv[1]
seen = set()


def note(hook, *given):
    for each in given:
        seen.add(hook + " " + (type(each).__name__ if not isinstance(each, list) else "list of " + type(each[0]).__name__))


def write(name, labels):
    random = np.random.RandomState(0)
    record = mx.recordio.MXIndexedRecordIO(os.path.join(folder, name + ".idx"), os.path.join(folder, name + ".rec"), "w")
    with open(os.path.join(folder, name + ".lst"), "w") as listed:
        for number, label in enumerate(labels):
            image = random.randint(0, 256, (10 + number, 12, 3)).astype(np.uint8)
            header = mx.recordio.IRHeader(0, label, number, 0)
            record.write_idx(number, mx.recordio.pack_img(header, image, quality=3, img_fmt=".png"))
            cv2.imwrite(os.path.join(folder, "image%d.png" % number), image)
            listed.write("%d\t%s\talias%d.png\n" % (number, label, number))
    record.close()


def show(iterator):
    for batch in iterator:
        data, label = batch.data[0], batch.label[0]
        print(type(data).__name__, data.shape, data.dtype.__name__, float(data.sum().asscalar()), label.asnumpy().tolist(), batch.pad)
    print(sorted(seen))
    seen.clear()


def halved(src):
    note("augmenter", src)
    return src.astype("float32") / 2


class Whole(mx.image.ImageIter):
    def check_data_shape(self, data_shape):
        note("check_data_shape", data_shape)
        super().check_data_shape(data_shape)

    def next_sample(self):
        label, image = super().next_sample()
        note("next_sample", label, image)
        return label + 10, image

    def read_image(self, fname):
        note("read_image", fname)
        return super().read_image(fname.replace("alias", "image"))

    def imdecode(self, s):
        image = super().imdecode(s)
        note("imdecode", s, image)
        return image

    def check_valid_image(self, data):
        note("check_valid_image", data)
        super().check_valid_image(data)
        if data.shape[0] == 13:
            raise RuntimeError("an unlucky height")

    def augmentation_transform(self, data):
        note("augmentation_transform", data)
        for augmenter in self.auglist:
            data = augmenter(data)
        return mx.nd.flip(super().augmentation_transform(data), axis=1)

    def postprocess_data(self, datum):
        note("postprocess_data", datum)
        return super().postprocess_data(datum + 1) * 2


class Objects(mx.image.ImageDetIter):
    def next_sample(self):
        label, image = super().next_sample()
        note("next_sample", label, image)
        return np.array([*label[:2], label[2] + 5, *label[3:]]), image

    def check_valid_image(self, data):
        note("check_valid_image", data)
        super().check_valid_image(data)
        if data[0].shape[0] == 11:
            raise RuntimeError("an unlucky height")

    def augmentation_transform(self, data, label):
        note("augmentation_transform", data, label)
        data, label = super().augmentation_transform(data, label)
        return mx.nd.flip(data, axis=0), label


class Shifted(mx.image.DetAugmenter):
    def __call__(self, src, label):
        note("detection augmenter", src, label)
        label[:, 0] += 1
        return src, label


class Own(mx.image.ImageIter):
    """Brings its own samples."""

    def reset(self):
        self.numbers = iter(range(3))
        super().reset()

    def next_sample(self):
        number = next(self.numbers)
        with open(os.path.join(folder, "image%d.png" % number), "rb") as file:
            return number, file.read()


class Copied(mx.image.ImageIter):
    """Reads as MXNet's own method does."""

    def next_sample(self):
        if self.seq is None:
            record = self.imgrec.read()
            if record is None:
                raise StopIteration
            header, image = mx.recordio.unpack(record)
            return header.label, image
        if self.cur >= self.num_image:
            raise StopIteration
        key = self.seq[self.cur]
        self.cur += 1
        if self.imgrec is None:
            label, name = self.imglist[key]
            return label, self.read_image(name.replace("alias", "image"))
        header, image = mx.recordio.unpack(self.imgrec.read_idx(key))
        return header.label, image


write("plain", [float(number) for number in range(7)])
files = {"path_imgrec": os.path.join(folder, "plain.rec"), "path_imgidx": os.path.join(folder, "plain.idx")}
augmenters = [mx.image.CenterCropAug((8, 8)), mx.image.SequentialAug([halved, mx.image.CastAug()])]
show(Whole(4, (3, 8, 8), aug_list=augmenters, **files))
show(Whole(4, (3, 8, 8), aug_list=augmenters, path_imglist=os.path.join(folder, "plain.lst"), path_root=folder))
for given in (files, {"path_imgrec": files["path_imgrec"]}, {"path_imglist": os.path.join(folder, "plain.lst"), "path_root": folder}):
    iterator = Copied(7, (3, 8, 8), aug_list=[mx.image.CenterCropAug((8, 8))], **given)
    for _ in range(2):
        show(iterator)
        iterator.reset()
try:
    next(mx.image.ImageIter(1, (3, 8, 8), path_imglist=os.path.join(folder, "plain.lst"), path_root=folder))
except (RuntimeError, OSError) as error:
    print("alias0.png" in str(error))
show(Own(3, (3, 8, 8), aug_list=[mx.image.CenterCropAug((8, 8))], **files))
write("objects", [[2, 5, number, 0.25, 0.25, 0.75, 1] for number in range(4)])
files = {"path_imgrec": os.path.join(folder, "objects.rec"), "path_imgidx": os.path.join(folder, "objects.idx")}
augmenters = [Shifted(), mx.image.DetBorrowAug(mx.image.ForceResizeAug((12, 10), 0)), mx.image.DetBorrowAug(mx.image.CastAug())]
show(Objects(3, (3, 10, 12), aug_list=augmenters, **files))
