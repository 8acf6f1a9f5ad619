"""Train with MXNet's Gluon on a set packed by im2rec, and move arrays to NumPy and back. Needs MXNet 1.9.1 (docs/training.md).

Usage: mxnet_gluon.py PREFIX     reads PREFIX_train.rec and PREFIX_val.rec with their .idx
"""

import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn

CLASSES = 8
SHAPE = (3, 32, 32)
BATCH = 16


def reader(rec, train):
    """MXNet's ImageIter, the one in Python, on our file."""
    return mx.image.ImageIter(
        BATCH, SHAPE, path_imgrec=rec, path_imgidx=rec[:-4] + ".idx", shuffle=train, rand_crop=train, rand_mirror=train,
        mean=np.array([127.0] * 3), std=np.array([64.0] * 3),
    )  # fmt: skip


def perceptron():
    """Dense(128), relu, Dense(classes)."""
    net = nn.HybridSequential()
    net.add(nn.Dense(128, activation="relu"), nn.Dense(CLASSES))
    return net


def block(filters):
    """Convolution, BatchNorm, Activation."""
    net = nn.HybridSequential()
    net.add(nn.Conv2D(filters, kernel_size=3, strides=2, padding=1), nn.BatchNorm(), nn.Activation("relu"))
    return net


def convolutional():
    """Three blocks, the mean over the picture, Dense(classes)."""
    net = nn.HybridSequential()
    net.add(block(16), block(32), block(64), nn.GlobalAvgPool2D(), nn.Dense(CLASSES))
    return net


def train(net, train_set, val_set, epochs):
    """Return the losses of the first and of the last epoch, and the accuracy on the other images."""
    net.initialize(mx.init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.002})
    entropy = gluon.loss.SoftmaxCrossEntropyLoss()
    losses = []
    for _ in range(epochs):
        train_set.reset()
        loss, count = 0.0, 0
        for batch in train_set:
            with autograd.record():
                assert autograd.is_training()
                each = entropy(net(batch.data[0]), batch.label[0])
            each.backward()
            trainer.step(BATCH)
            loss, count = loss + each.sum().asscalar(), count + BATCH
        losses.append(loss / count)
    return losses[0], losses[-1], accuracy(net, val_set)


def accuracy(net, val_set):
    """Share of the images that get their own class the highest score."""
    assert not autograd.is_training()
    right, count = 0, 0
    val_set.reset()
    for batch in val_set:
        whole = BATCH - batch.pad
        found = net(batch.data[0]).asnumpy().argmax(axis=1)
        right += int((found == batch.label[0].asnumpy())[:whole].sum())
        count += whole
    return right / count


def to_numpy_and_back(rec):
    """A batch leaves MXNet, is changed by NumPy, and comes back."""
    images = reader(rec, train=False).next().data[0]
    array = images.asnumpy()
    back = mx.nd.array(array[:, :, :, ::-1])
    found = "equal" if (back.flip(axis=3) == images).min().asscalar() else "different"
    print(f"arrays: {type(images).__name__} {images.shape} to {type(array).__name__} {array.dtype} and back: {found}")


def main():
    """Train both networks."""
    prefix = sys.argv[1]
    mx.random.seed(1)
    np.random.seed(1)
    to_numpy_and_back(f"{prefix}_train.rec")
    for network in (perceptron, convolutional):
        net = network()
        net.hybridize()
        first, last, share = train(net, reader(f"{prefix}_train.rec", train=True), reader(f"{prefix}_val.rec", train=False), epochs=40)
        print(f"{network.__name__}: loss {first:.3f} to {last:.3f}, accuracy {share:.3f}")


if __name__ == "__main__":
    main()
