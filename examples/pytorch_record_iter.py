"""Train with PyTorch on batches of ImageRecordIter, whose memory the tensors share. Needs PyTorch (docs/training.md).

Usage: pytorch_record_iter.py PREFIX     reads PREFIX_train.rec and PREFIX_val.rec with their .idx

The networks are those of pytorch_training.py; here the iterator decodes, crops, mirrors, normalises and batches, in threads.
"""

from __future__ import annotations

import sys

import torch
from pytorch_training import BATCH, SIDE, convolutional, perceptron
from torch import nn

from recordio.loaders import DataBatch, ImageRecordIter


def reader(rec: str, *, train: bool) -> ImageRecordIter:
    """Random crops and mirrors for training, the middle for validation; each batch is done with when the next is asked for."""
    return ImageRecordIter(
        path_imgrec=rec, path_imgidx=rec[:-4] + ".idx", data_shape=(3, SIDE, SIDE), batch_size=BATCH, shuffle=train, rand_crop=train,
        rand_mirror=train, mean_r=127, mean_g=127, mean_b=127, scale=1 / 64, seed=1, last_batch="short", reuse_buffers=True,
    )  # fmt: skip


def tensors(batch: DataBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """The images of a batch as they lie in memory, and the classes as whole numbers."""
    return torch.from_dlpack(batch.data[0]), torch.from_dlpack(batch.label[0]).long()


def train(net: nn.Module, batches: ImageRecordIter, others: ImageRecordIter, epochs: int) -> tuple[float, float, float]:
    """Return the losses of the first and of the last epoch, and the accuracy on the other images."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    losses = []
    for _ in range(epochs):
        net.train()
        loss, count = 0.0, 0
        for images, labels in map(tensors, batches):
            optimizer.zero_grad()
            entropy = nn.functional.cross_entropy(net(images), labels)
            entropy.backward()
            optimizer.step()
            loss, count = loss + float(entropy.detach()) * len(labels), count + len(labels)
        losses.append(loss / count)
        batches.reset()
    return losses[0], losses[-1], accuracy(net, others)


def accuracy(net: nn.Module, batches: ImageRecordIter) -> float:
    """Share of the images that get their own class the highest score."""
    net.eval()
    right, count = 0, 0
    with torch.no_grad():
        for images, labels in map(tensors, batches):
            right += int((net(images).argmax(1) == labels).sum())
            count += len(labels)
    return right / count


def main() -> None:
    """Train both networks."""
    prefix = sys.argv[1]
    torch.manual_seed(1)
    for network in (perceptron, convolutional):
        with reader(f"{prefix}_train.rec", train=True) as batches, reader(f"{prefix}_val.rec", train=False) as others:
            first, last, share = train(network(), batches, others, epochs=40)
        print(f"{network.__name__}: loss {first:.3f} to {last:.3f}, accuracy {share:.3f}")


if __name__ == "__main__":
    main()
