"""Datasets for PyTorch. Skipped where torch is not installed; `make test-torch` runs all of them."""

from __future__ import annotations

import pickle
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import recordio

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, DistributedSampler  # noqa: E402

from recordio.loaders import ImageRecordIter  # noqa: E402
from recordio.loaders.torch import MXFaceDataset, RecordDataset, RecordIterableDataset  # noqa: E402

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
COUNT = 23
# Workers of both kinds, and none; torch's own warning about threads and fork is about programs that use its threads before.
WORKERS = [{}, {"num_workers": 2, "multiprocessing_context": "fork"}, {"num_workers": 2, "multiprocessing_context": "spawn"}]
IDS = ["none", "fork", "spawn"]


def write(path: Path, labels: list[Any], *, first: int = 0, side: int = 16, bad: tuple[int, ...] = ()) -> Path:
    """A set whose image number n has the grey level n: what comes out says which record it was."""
    with recordio.IndexedWriter(path) as writer:
        for number, label in enumerate(labels, first):
            image = np.full((side, side + 4, 3), (number, 2 * number, 3 * number), np.uint8)
            data = b"no image" if number in bad else recordio.encode(image, "png", 1)
            writer.write(number, recordio.pack(recordio.Header(0, label, number), data))
    return path


@pytest.fixture
def rec(tmp_path: Path) -> Path:
    return write(tmp_path / "set.rec", [float(number % 5) for number in range(COUNT)])


def numbers(loader: Any) -> list[int]:
    return [int(number) for images, _ in loader for number in images[:, 2, 0, 0]]


@pytest.mark.parametrize("given", [{}, {"dtype": "uint8"}, {"dtype": "int8", "layout": "NHWC"}, {"reuse_buffers": True}], ids=str)
def test_tensors_have_the_memory_of_batches(given: dict[str, Any], rec: Path) -> None:
    iterator = ImageRecordIter(path_imgrec=rec, data_shape=(3, 16, 20), batch_size=4, **given)
    for batch in iterator:
        images, labels = (torch.from_dlpack(each) for each in (batch.data[0], batch.label[0]))
        assert images.is_contiguous()
        assert (images.data_ptr(), labels.data_ptr()) == (batch.data[0].ctypes.data, batch.label[0].ctypes.data)
        assert np.array_equal(images.numpy(), batch.data[0])


def test_memory_that_a_tensor_has_is_not_written_again(rec: Path) -> None:
    iterator = ImageRecordIter(path_imgrec=rec, data_shape=(3, 16, 20), batch_size=4, prefetch_buffer=1)
    kept, copies = [], []
    for _ in range(3):
        for batch in iterator:
            kept.append(torch.from_dlpack(batch.data[0])[1:, 0])  # a view, when the array itself is gone
            copies.append(kept[-1].clone())
        iterator.reset()
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(kept, copies, strict=True))


def test_memory_stays_flat_over_fifty_epochs_of_a_data_loader(tmp_path: Path) -> None:
    rec = write(tmp_path / "large.rec", [float(number) for number in range(COUNT)], side=224)
    datasets = [RecordDataset(rec), RecordIterableDataset(rec, batch_size=4, shuffle=True)]

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc here")
    found = []
    for _ in range(50):
        for dataset in datasets:
            assert len([images.shape for images, _ in DataLoader(dataset, batch_size=4)]) == 6
        found.append(resident())
    assert max(found[30:]) - max(found[10:30]) < 4 << 20  # 200 kB an epoch; two batches have 1.2 MB


def test_images_are_rgb_planes_equal_to_opencvs() -> None:
    golden = GOLDEN / "loaders" / "small.rec"
    dataset = RecordDataset(golden)
    with recordio.IndexedReader(golden) as reader:
        for ordinal, payload in enumerate(reader):
            header, image = recordio.unpack(payload)
            tensor, label = dataset[ordinal]
            expected = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
            assert tensor.dtype == torch.uint8
            assert tensor.is_contiguous()
            assert np.array_equal(tensor.permute(1, 2, 0).numpy(), expected)
            assert label.dtype == torch.int64
            assert int(label) == header.label


def test_images_come_in_the_form_that_is_asked_for(rec: Path) -> None:
    assert RecordDataset(rec, image="array")[3][0].shape == (16, 20, 3)
    assert RecordDataset(rec, image="array")[3][0][0, 0].tolist() == [9, 6, 3]
    assert RecordDataset(rec, image="pil")[3][0].getpixel((0, 0)) == (9, 6, 3)
    assert RecordDataset(rec, image="pil", color="gray")[3][0].size == (20, 16)
    assert RecordDataset(rec, image="bytes")[3][0].startswith(b"\x89PNG")
    assert RecordDataset(rec, color="gray")[3][0].shape == (1, 16, 20)


def test_an_image_with_alpha_keeps_it_when_it_is_wanted_as_stored(tmp_path: Path) -> None:
    with recordio.IndexedWriter(tmp_path / "alpha.rec") as writer:
        image = np.full((4, 5, 4), (1, 2, 3, 77), np.uint8)
        writer.write(0, recordio.pack(recordio.Header(0, 0.0, 0), recordio.encode(image, "png", 1)))
    tensor, _ = RecordDataset(tmp_path / "alpha.rec", color="unchanged")[0]
    assert tensor.shape == (4, 4, 5)
    assert tensor[:, 0, 0].tolist() == [3, 2, 1, 77]


def test_labels_come_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    rec = write(tmp_path / "set.rec", [[1.0, 0.0, 0.5], [0.0, 1.0, 2.5]])
    images, labels = next(iter(DataLoader(RecordDataset(rec, label="vector", label_width=3), batch_size=2)))
    assert images.shape == (2, 3, 16, 20)
    assert labels.dtype == torch.float32
    assert labels.tolist() == [[1.0, 0.0, 0.5], [0.0, 1.0, 2.5]]
    assert RecordDataset(rec, label="scalar")[0][1].tolist() == 1.0
    with pytest.raises(recordio.BadSample, match=r"set\.rec: key 1: 3 label\(s\), expected label_width=2$"):
        RecordDataset(rec, label="vector", label_width=2)[1]
    with pytest.raises(recordio.BadSample, match=r"set\.rec: key 0: 3 labels, expected one whole number for label='class'"):
        RecordDataset(rec)[0]


@pytest.mark.parametrize("label", [0.5, float("nan"), float("inf"), 1e30])
def test_a_label_that_is_no_class_is_not_cut_to_one(tmp_path: Path, label: float) -> None:
    with pytest.raises(recordio.BadSample, match="key 0: label"):
        RecordDataset(write(tmp_path / "set.rec", [label]))[0]


def test_transforms_are_applied(rec: Path) -> None:
    dataset = RecordDataset(rec, transform=lambda image: image[:, :2, :3].float(), target_transform=lambda label: label + 100)
    image, label = dataset[7]
    assert image.shape == (3, 2, 3)
    assert image.dtype == torch.float32
    assert int(label) == 102


@pytest.mark.parametrize("workers", WORKERS, ids=IDS)
def test_every_sample_comes_once_whatever_the_workers(rec: Path, workers: dict[str, Any]) -> None:
    assert numbers(DataLoader(RecordDataset(rec), batch_size=4, **workers)) == list(range(COUNT))


def test_several_files_are_read_as_one(tmp_path: Path) -> None:
    first = write(tmp_path / "a.rec", [0.0] * 5)
    second = write(tmp_path / "b.rec", [1.0] * 7, first=5)
    for given in ([first, second], f"{first};{second}", tmp_path):
        dataset = RecordDataset(given)
        assert numbers(DataLoader(dataset, batch_size=5)) == list(range(12))
        assert [int(dataset[at][1]) for at in (0, 4, 5, 11, -1)] == [0, 0, 1, 1, 1]


def test_a_file_without_an_index_is_read_all_the_same(rec: Path) -> None:
    rec.with_suffix(".idx").unlink()
    assert numbers(DataLoader(RecordDataset(rec), batch_size=5)) == list(range(COUNT))


def test_an_ordinal_beyond_the_end_is_an_index_error(rec: Path) -> None:
    dataset = RecordDataset(rec)
    for ordinal in (COUNT, -COUNT - 1):
        with pytest.raises(IndexError, match=f"of {COUNT}"):
            dataset[ordinal]
    assert len(list(dataset)) == COUNT  # the old protocol of iteration ends with that error


def test_a_pickled_dataset_is_the_same(rec: Path) -> None:
    dataset = pickle.loads(pickle.dumps(RecordDataset(rec)))
    assert torch.equal(dataset[4][0], RecordDataset(rec)[4][0])


@pytest.mark.parametrize(
    "option",
    [{"image": "numpy"}, {"color": "bgr"}, {"label": "int"}, {"on_bad": "ignore"}, {"label_width": 2}, {"color": "gray", "image": "bytes"}],
)
def test_a_value_that_no_option_has_is_refused(rec: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        RecordDataset(rec, **option)


def test_a_bad_record_is_named_by_its_key(tmp_path: Path) -> None:
    rec = write(tmp_path / "set.rec", [0.0] * 6, first=40, bad=(43,))
    with pytest.raises(recordio.BadSample, match=r"set\.rec: key 43: cannot be decoded"):
        RecordDataset(rec)[3]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_a_bad_record_is_named_when_a_worker_finds_it(tmp_path: Path, context: str) -> None:
    rec = write(tmp_path / "set.rec", [0.0] * 6, bad=(3,))
    loader = DataLoader(RecordDataset(rec), batch_size=2, num_workers=1, multiprocessing_context=context)
    with pytest.raises(Exception, match=r"set\.rec: key 3: cannot be decoded"):
        numbers(loader)


def test_a_bad_record_that_is_skipped_is_told_and_replaced_by_the_next(tmp_path: Path) -> None:
    rec = write(tmp_path / "set.rec", [0.0] * 6, bad=(2, 3, 5))
    with pytest.warns(UserWarning, match="key") as told:
        assert numbers(DataLoader(RecordDataset(rec, on_bad="skip"), batch_size=6)) == [0, 1, 4, 4, 4, 0]
    assert {str(each.message).split(": ")[2] for each in told} == {"key 2", "key 3", "key 5"}
    found: list[recordio.BadSample] = []
    assert numbers(DataLoader(RecordDataset(rec, on_bad=found.append), batch_size=6)) == [0, 1, 4, 4, 4, 0]
    assert [bad.where for bad in found] == [f"{rec}: key {key}" for key in (2, 3, 3, 5)]


def test_a_file_of_bad_records_only_ends_with_an_error(tmp_path: Path) -> None:
    rec = write(tmp_path / "set.rec", [0.0] * 3, bad=(0, 1, 2))
    with pytest.warns(UserWarning, match="left out"), pytest.raises(recordio.BadSample, match="key"):
        RecordDataset(rec, on_bad="skip")[1]


def test_torchs_distributed_sampler_cuts_a_dataset_into_equal_parts(rec: Path) -> None:
    dataset = RecordDataset(rec)
    parts = []
    for rank in range(4):
        shares = DistributedSampler(dataset, num_replicas=4, rank=rank, seed=3)
        shares.set_epoch(2)
        parts.append(numbers(DataLoader(dataset, batch_size=3, sampler=shares)))
    assert {len(part) for part in parts} == {6}
    assert set(chain.from_iterable(parts)) == set(range(COUNT))


@pytest.mark.parametrize(("balance", "length"), [("pad", 6), ("drop", 5)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_ranks_get_equal_shares_of_an_epoch(rec: Path, balance: str, length: int, *, shuffle: bool) -> None:
    shares = [
        RecordIterableDataset(rec, batch_size=2, shuffle=shuffle, seed=1, rank=rank, world_size=4, balance=balance) for rank in range(4)
    ]
    parts = [numbers(DataLoader(share, batch_size=2)) for share in shares]
    assert [len(part) for part in parts] == [length] * 4 == [len(share) for share in shares]
    everything = list(chain.from_iterable(parts))
    assert len(set(everything)) == (COUNT if balance == "pad" else 4 * length)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes")
@pytest.mark.parametrize("workers", WORKERS[1:], ids=IDS[1:])
def test_batches_are_the_same_for_any_number_of_workers(rec: Path, workers: dict[str, Any]) -> None:
    def batches(**options: Any) -> list[list[int]]:
        dataset = RecordIterableDataset(rec, batch_size=4, shuffle=True, seed=9)
        loader = DataLoader(dataset, batch_size=4, **options)
        assert len(loader) == 6
        return [images[:, 2, 0, 0].tolist() for images, _ in loader]

    alone = batches()
    assert sorted(chain.from_iterable(alone)) == list(range(COUNT))
    assert batches(**workers) == alone
    assert batches(**{**workers, "num_workers": 3}) == alone


def test_the_order_follows_from_seed_and_epoch(rec: Path) -> None:
    dataset = RecordIterableDataset(rec, batch_size=4, shuffle=True, seed=5)
    loader = DataLoader(dataset, batch_size=4)
    epochs = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        epochs.append(numbers(loader))
    assert epochs[0] == epochs[2] != epochs[1]
    other = RecordIterableDataset(rec, batch_size=4, shuffle=True, seed=6)
    assert numbers(DataLoader(other, batch_size=4)) != epochs[0]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_persistent_workers_learn_of_the_epoch(rec: Path, context: str) -> None:
    alone = RecordIterableDataset(rec, batch_size=4, shuffle=True)
    dataset = RecordIterableDataset(rec, batch_size=4, shuffle=True)
    loader = DataLoader(dataset, batch_size=4, num_workers=2, persistent_workers=True, multiprocessing_context=context)
    for epoch in range(3):
        alone.set_epoch(epoch)
        dataset.set_epoch(epoch)
        assert numbers(loader) == numbers(DataLoader(alone, batch_size=4))


def test_training_goes_on_in_the_middle_of_an_epoch(rec: Path) -> None:
    dataset = RecordIterableDataset(rec, batch_size=4, shuffle=True)
    loader = DataLoader(dataset, batch_size=4, num_workers=2)
    dataset.set_epoch(3)
    whole = numbers(loader)
    dataset.set_epoch(3, start=8)
    assert numbers(loader) == whole[8:]
    with pytest.raises(ValueError, match="start 3, expected a multiple of the batch size 4"):
        dataset.set_epoch(3, start=3)


def test_a_rank_without_a_world_is_refused(rec: Path) -> None:
    with pytest.raises(ValueError, match="expected both or neither"):
        RecordIterableDataset(rec, rank=1)
    with pytest.raises(ValueError, match="part 4 of 4"):
        RecordIterableDataset(rec, rank=4, world_size=4)


def faces(folder: Path) -> Path:
    folder.mkdir()
    for suffix in (".rec", ".idx"):
        shutil.copy(GOLDEN / "recordio" / f"identities{suffix}", folder / f"train{suffix}")
    return folder


def test_an_identity_file_gives_the_images_that_its_header_names(tmp_path: Path) -> None:
    dataset = MXFaceDataset(str(faces(tmp_path / "faces")), 0)
    assert list(dataset.imgidx) == list(range(1, 8))
    assert dataset.header0 == (8, 11)
    assert len(dataset) == 7
    assert [int(dataset[at][1]) for at in range(7)] == [0, 0, 0, 1, 1, 2, 2]
    assert dataset[0][1].dtype == torch.int64
    assert dataset[0][1].shape == ()


def test_faces_are_normalised_as_torchvision_does_and_flipped_at_random(tmp_path: Path) -> None:
    folder = faces(tmp_path / "faces")
    with recordio.IndexedReader(folder / "train.rec") as reader:
        _, data = recordio.unpack(reader.read(2))
    rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    plain = (rgb.transpose(2, 0, 1).astype(np.float32) / 255 - 0.5) / 0.5
    still = MXFaceDataset(folder, flip=0)[1][0]
    assert still.dtype == torch.float32
    assert np.allclose(still.numpy(), plain, atol=1e-6)
    assert np.allclose(MXFaceDataset(folder, flip=1)[1][0].numpy(), plain[:, :, ::-1], atol=1e-6)
    torch.manual_seed(0)
    draws = [bool(torch.equal(MXFaceDataset(folder)[1][0], still)) for _ in range(40)]
    torch.manual_seed(0)
    assert draws == [not bool(torch.rand(1) < 0.5) for _ in range(40)]


def test_a_file_without_a_header_record_gives_all_its_images(rec: Path) -> None:
    dataset = MXFaceDataset(rec, flip=0)
    assert dataset.header0 is None
    assert list(dataset.imgidx) == list(range(COUNT))
    assert [int(dataset[at][1]) for at in range(5)] == [0, 1, 2, 3, 4]


def test_the_first_of_several_labels_is_the_identity(tmp_path: Path) -> None:
    rec = write(tmp_path / "set.rec", [[3.0, 0.25], [4.0, 0.5]], first=1)
    assert [int(label) for _, label in MXFaceDataset(rec)] == [3, 4]


def test_a_flip_beside_a_transform_would_have_no_effect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"flip=0\.3 has no effect with a transform"):
        MXFaceDataset(tmp_path, flip=0.3, transform=lambda image: image)


@pytest.mark.parametrize("labels", [[1e9, 2e9], [float("nan"), 2.0], [0.0, 2.0], [5.0]])
def test_a_header_record_that_cannot_be_right_is_refused(tmp_path: Path, labels: list[float]) -> None:
    with recordio.IndexedWriter(tmp_path / "set.rec") as writer:
        writer.write(0, recordio.pack(recordio.Header(2, labels, 0)))
    with pytest.raises(recordio.BadHeader, match=r"set\.rec: offset 0: the record with the key 0 has the labels"):
        MXFaceDataset(tmp_path / "set.rec")


def test_an_image_that_is_missing_is_reported(tmp_path: Path) -> None:
    folder = faces(tmp_path / "faces")
    idx = folder / "train.idx"
    idx.write_text("".join(line for line in idx.read_text().splitlines(keepends=True) if not line.startswith("3\t")))
    dataset = MXFaceDataset(folder, flip=0)
    with pytest.raises(recordio.BadSample, match=r"train\.rec: key 3: the \.idx has no such key"):
        dataset[2]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_faces_come_through_workers(tmp_path: Path, context: str) -> None:
    dataset = MXFaceDataset(faces(tmp_path / "faces"), transform=_corner)
    loader = DataLoader(dataset, batch_size=7, num_workers=2, multiprocessing_context=context)
    images, labels = next(iter(loader))
    assert images.shape == (7, 3, 8, 8)
    assert labels.tolist() == [0, 0, 0, 1, 1, 2, 2]


def _corner(image: Any) -> Any:
    return image[:, :8, :8].float()
