"""mxnet.nd.random: numbers from NumPy's generator, which ``mxnet.random.seed`` starts anew. They are not MXNet's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from recordio.as_mxnet.context import Context, of_new
from recordio.as_mxnet.ndarray import NDArray, plain

_FLOAT: Final = np.float32  # MXNet's type where none is named


class Randomness:
    """The generator and what is drawn from it; parameters are numbers, or NDArrays of which each element has its own draws."""

    generator = np.random.default_rng()

    @classmethod
    def seed(cls, seed_state: int, ctx: Any = "all") -> None:  # noqa: ARG003  (MXNet's signature)
        """Start the generator anew."""
        cls.generator = np.random.default_rng(abs(int(seed_state)))

    @classmethod
    def _draw(cls, act: Callable[..., Any], given: tuple[Any, ...], shape: Any, dtype: Any, ctx: Context | None, out: Any) -> NDArray:
        values = [plain(one) for one in given]
        of_each = () if shape in (None, ()) else (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        size = of_each if out is None else out.shape
        if any(isinstance(one, np.ndarray) for one in values):
            first = np.broadcast_shapes(*(np.shape(one) for one in values))
            values = [np.broadcast_to(one, first).reshape(*first, *[1] * len(of_each)) for one in values]
            size = (*first, *of_each)
        drawn = NDArray(np.asarray(act(*values, size or 1)).astype(dtype or _FLOAT), of_new(ctx))
        return drawn if out is None else drawn.copyto(out)

    @classmethod
    def uniform(
        cls, low: Any = 0, high: Any = 1, shape: Any = (), dtype: Any = None, ctx: Context | None = None, out: Any = None, **_: Any
    ) -> NDArray:
        """Return numbers from *low* to *high*."""
        return cls._draw(cls.generator.uniform, (low, high), shape, dtype, ctx, out)

    @classmethod
    def normal(
        cls, loc: Any = 0, scale: Any = 1, shape: Any = (), dtype: Any = None, ctx: Context | None = None, out: Any = None, **_: Any
    ) -> NDArray:
        """Return normally distributed numbers."""
        return cls._draw(cls.generator.normal, (loc, scale), shape, dtype, ctx, out)

    @classmethod
    def randn(cls, *shape: int, loc: float = 0, scale: float = 1, dtype: Any = None, ctx: Context | None = None, **_: Any) -> NDArray:
        """Return normally distributed numbers."""
        return cls.normal(loc, scale, shape, dtype, ctx)

    @classmethod
    def randint(
        cls, low: int, high: int, shape: Any = (), dtype: Any = None, ctx: Context | None = None, out: Any = None, **_: Any
    ) -> NDArray:
        """Return integers from *low* to below *high*."""
        return cls._draw(cls.generator.integers, (low, high), shape, dtype or np.int32, ctx, out)

    @classmethod
    def exponential(
        cls, scale: Any = 1, shape: Any = (), dtype: Any = None, ctx: Context | None = None, out: Any = None, **_: Any
    ) -> NDArray:
        """Return exponentially distributed numbers."""
        return cls._draw(cls.generator.exponential, (scale,), shape, dtype, ctx, out)

    @classmethod
    def poisson(cls, lam: Any = 1, shape: Any = (), dtype: Any = None, ctx: Context | None = None, out: Any = None, **_: Any) -> NDArray:
        """Return Poisson-distributed numbers."""
        return cls._draw(cls.generator.poisson, (lam,), shape, dtype, ctx, out)

    @classmethod
    def gamma(
        cls, alpha: Any = 1, beta: Any = 1, shape: Any = (), dtype: Any = None, ctx: Context | None = None, out: Any = None, **_: Any
    ) -> NDArray:
        """Return gamma-distributed numbers."""
        return cls._draw(cls.generator.gamma, (alpha, beta), shape, dtype, ctx, out)

    @classmethod
    def multinomial(cls, data: NDArray, shape: Any = (), get_prob: bool = False, dtype: Any = "int32", **_: Any) -> NDArray:  # noqa: FBT001, FBT002
        """Return numbers of classes, drawn with the probabilities of each row."""
        if get_prob:
            raise ValueError("get_prob=True is not offered, expected False")
        shares = np.atleast_2d(np.asarray(plain(data), np.float64))
        of_each = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        drawn = [cls.generator.choice(len(row), of_each or 1, p=row / row.sum()) for row in shares]
        return NDArray(np.asarray(drawn[0] if data.ndim == 1 else np.stack(drawn).reshape(len(shares), *of_each)).astype(dtype))

    @classmethod
    def shuffle(cls, data: NDArray, **_: Any) -> NDArray:
        """Return the rows in another order."""
        return NDArray(cls.generator.permutation(plain(data)), data.context)


OFFERED: Final = {
    name: getattr(Randomness, name)
    for name in ("seed", "uniform", "normal", "randn", "randint", "exponential", "poisson", "gamma", "multinomial", "shuffle")
}
