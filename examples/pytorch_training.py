"""Train with PyTorch on a set packed by im2rec. Needs `pip install im2rec[torch]` (docs/training.md).

Usage: pytorch_training.py PREFIX     reads PREFIX_train.rec and PREFIX_val.rec with their .idx
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import torch
from torch import nn
from torch.utils.data import DataLoader

from recordio.loaders.torch import RecordDataset, RecordIterableDataset

CLASSES = 8
SIDE = 32
BATCH = 16


def train_transform(image: torch.Tensor) -> torch.Tensor:
    """Crop and mirror at random, as torchvision's transforms would."""
    top, left = (int(torch.randint(0, size - SIDE + 1, ())) for size in image.shape[1:])
    image = image[:, top : top + SIDE, left : left + SIDE]
    return scaled(image.flip(-1) if torch.rand(()) < 0.5 else image)


def val_transform(image: torch.Tensor) -> torch.Tensor:
    """The middle of the picture."""
    top, left = ((size - SIDE) // 2 for size in image.shape[1:])
    return scaled(image[:, top : top + SIDE, left : left + SIDE])


def scaled(image: torch.Tensor) -> torch.Tensor:
    """From 0..255 to about -2..2."""
    return (image.float() - 127) / 64


def perceptron() -> nn.Module:
    """Linear(128), ReLU, Linear(classes)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 128), nn.ReLU(), nn.Linear(128, CLASSES))


def block(channels: int, filters: int) -> nn.Module:
    """Convolution, BatchNorm, Activation."""
    return nn.Sequential(nn.Conv2d(channels, filters, 3, stride=2, padding=1), nn.BatchNorm2d(filters), nn.ReLU())


def convolutional() -> nn.Module:
    """Three blocks, the mean over the picture, Linear(classes)."""
    return nn.Sequential(block(3, 16), block(16, 32), block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def train(net: nn.Module, batches: DataLoader, others: Iterable, epochs: int) -> tuple[float, float, float]:
    """Return the losses of the first and of the last epoch, and the accuracy on the other images."""
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    losses = []
    for epoch in range(epochs):
        batches.dataset.set_epoch(epoch)  # a new order; persistent workers learn of it
        net.train()
        loss, count = 0.0, 0
        for images, labels in batches:
            optimizer.zero_grad()
            entropy = nn.functional.cross_entropy(net(images), labels)
            entropy.backward()
            optimizer.step()
            loss, count = loss + float(entropy.detach()) * len(labels), count + len(labels)
        losses.append(loss / count)
    return losses[0], losses[-1], accuracy(net, others)


def accuracy(net: nn.Module, batches: Iterable) -> float:
    """Share of the images that get their own class the highest score."""
    net.eval()
    right, count = 0, 0
    with torch.no_grad():
        for images, labels in batches:
            right += int((net(images).argmax(1) == labels).sum())
            count += len(labels)
    return right / count


def main() -> None:
    """Train both networks."""
    prefix = sys.argv[1]
    torch.manual_seed(1)
    train_set = RecordIterableDataset(f"{prefix}_train.rec", batch_size=BATCH, shuffle=True, transform=train_transform)
    batches = DataLoader(train_set, batch_size=BATCH, num_workers=2, persistent_workers=True)
    others = DataLoader(RecordDataset(f"{prefix}_val.rec", transform=val_transform), batch_size=BATCH)
    for network in (perceptron, convolutional):
        first, last, share = train(network(), batches, others, epochs=40)
        print(f"{network.__name__}: loss {first:.3f} to {last:.3f}, accuracy {share:.3f}")


if __name__ == "__main__":
    main()
