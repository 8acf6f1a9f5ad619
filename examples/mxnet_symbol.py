"""Train with MXNet's Symbol and Module API on a set packed by im2rec. Needs MXNet 1.9.1 (docs/training.md).

Usage: mxnet_symbol.py PREFIX [--plot NAME]     reads PREFIX_train.rec and PREFIX_val.rec with their .idx

Three networks: a perceptron, one with a convolution, and one with two outputs.
"""

import argparse
import logging

import mxnet as mx
import numpy as np

CLASSES = 8
SHAPE = (3, 32, 32)
BATCH = 16


def reader(rec, train):
    """MXNet's own iterator on our file: random crops and mirrors for training, the middle for validation."""
    return mx.io.ImageRecordIter(
        path_imgrec=rec, path_imgidx=rec[:-4] + ".idx", data_shape=SHAPE, batch_size=BATCH, shuffle=train, rand_crop=train,
        rand_mirror=train, mean_r=127, mean_g=127, mean_b=127, scale=1 / 64, seed=1, preprocess_threads=2, verbose=False,
    )  # fmt: skip


def perceptron():
    """FullyConnected(128), relu, FullyConnected(classes), softmax."""
    hidden = mx.sym.FullyConnected(mx.sym.Flatten(mx.sym.Variable("data")), num_hidden=128, name="hidden")
    scores = mx.sym.FullyConnected(mx.sym.Activation(hidden, act_type="relu", name="relu"), num_hidden=CLASSES, name="scores")
    return mx.sym.SoftmaxOutput(scores, name="softmax")


def block(data, filters, name):
    """Convolution, BatchNorm, Activation."""
    data = mx.sym.Convolution(data, num_filter=filters, kernel=(3, 3), stride=(2, 2), pad=(1, 1), name=f"{name}_conv")
    data = mx.sym.BatchNorm(data, fix_gamma=False, name=f"{name}_norm")
    return mx.sym.Activation(data, act_type="relu", name=f"{name}_relu")


def features():
    """Three blocks and the mean over the picture."""
    data = mx.sym.Variable("data")
    for number, filters in enumerate((16, 32, 64)):
        data = block(data, filters, f"block{number}")
    return mx.sym.Flatten(mx.sym.Pooling(data, global_pool=True, pool_type="avg", kernel=(1, 1), name="mean"))


def convolutional():
    """The features with a softmax."""
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(features(), num_hidden=CLASSES, name="scores"), name="softmax")


def two_outputs():
    """The features with a softmax for the class, and a regression for the class number as a value."""
    shared = features()
    classes = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(shared, num_hidden=CLASSES, name="scores"), name="softmax")
    value = mx.sym.FullyConnected(shared, num_hidden=1, name="value")
    return mx.sym.Group([classes, mx.sym.LinearRegressionOutput(value, grad_scale=0.1, name="regression")])


class TwoLabels(mx.io.DataIter):
    """Gives each label twice: to the softmax, and from 0 to 1 to the regression."""

    def __init__(self, inner):
        super().__init__(BATCH)
        self.inner = inner
        self.provide_data = inner.provide_data
        self.provide_label = [inner.provide_label[0], mx.io.DataDesc("regression_label", (BATCH, 1))]

    def reset(self):
        """Start a new epoch."""
        self.inner.reset()

    def next(self):
        """Return the next batch."""
        batch = self.inner.next()
        (label,) = batch.label
        batch.label = [label, label.reshape((-1, 1)) / (CLASSES - 1)]
        return batch


def train(symbol, train_set, val_set, epochs):
    """Bind a network, train it; return the losses of the first and of the last epoch, and the accuracy on the other images."""
    labels = [each.name for each in train_set.provide_label]
    module = mx.mod.Module(symbol, label_names=labels)
    module.bind(data_shapes=train_set.provide_data, label_shapes=train_set.provide_label)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.002})
    losses = []
    for _ in range(epochs):
        train_set.reset()
        loss, count = 0.0, 0
        for batch in train_set:
            module.forward(batch, is_train=True)
            scores = module.get_outputs()[0].asnumpy()
            right = scores[np.arange(BATCH), batch.label[0].asnumpy().astype(int)]
            loss, count = loss - np.log(right + 1e-9).sum(), count + BATCH
            module.backward()
            module.update()
        losses.append(loss / count)
    return losses[0], losses[-1], accuracy(module, val_set)


def accuracy(module, val_set):
    """Share of the images that get their own class the highest score."""
    right, count = 0, 0
    val_set.reset()
    for batch in val_set:
        module.forward(batch, is_train=False)
        found = module.get_outputs()[0].asnumpy().argmax(axis=1)
        whole = BATCH - batch.pad
        right += int((found == batch.label[0].asnumpy())[:whole].sum())
        count += whole
    return right / count


def main():
    """Train all three networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix")
    parser.add_argument("--plot", help="write the graph of the convolutional network as NAME.gv")
    args = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    mx.random.seed(1)
    np.random.seed(1)

    print("arguments:", " ".join(perceptron().list_arguments()))
    print("outputs:", " ".join(two_outputs().list_outputs()))
    for symbol in (perceptron, convolutional, two_outputs):
        sets = [reader(f"{args.prefix}_{part}.rec", part == "train") for part in ("train", "val")]
        if symbol is two_outputs:
            sets = [TwoLabels(each) for each in sets]
        first, last, share = train(symbol(), *sets, epochs=40)
        print(f"{symbol.__name__}: loss {first:.3f} to {last:.3f}, accuracy {share:.3f}")
    if args.plot:
        graph = mx.viz.plot_network(convolutional(), shape={"data": (BATCH, *SHAPE)}, save_format="svg")
        print("graph:", graph.save(f"{args.plot}.gv"))


if __name__ == "__main__":
    main()
