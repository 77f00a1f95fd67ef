"""From uint8 pixels to the clip a model takes, and the size to decode at for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad


def decode_size(
    source_width: int, source_height: int, *, frame_width: int, frame_height: int, resize: str
) -> tuple[int, int]:
    """Width and height to decode at, for a model whose frames have a given size.

    Args:
        source_width: As displayed.
        source_height: As displayed.
        frame_width: Of the model's frames.
        frame_height: Of the model's frames.
        resize: "squash" gives exactly the model's size. "crop" keeps the shape, the smaller side
            fitting, and `to_clip` cuts the middle out. "letterbox" keeps the shape, the larger side
            fitting, and `to_clip` fills up what is left.

    Raises:
        ValueError: If `resize` is none of them.
    """
    scales = frame_width / source_width, frame_height / source_height
    if resize == "squash":
        return frame_width, frame_height
    if resize == "crop":
        width, height = (round(side * max(scales)) for side in (source_width, source_height))
        return max(frame_width, width), max(frame_height, height)
    if resize == "letterbox":
        width, height = (round(side * min(scales)) for side in (source_width, source_height))
        return min(frame_width, max(width, 1)), min(frame_height, max(height, 1))
    raise ValueError(f'resize must be "squash", "crop" or "letterbox", got {resize!r}')


def centre_crop(pixels: Tensor, crop: tuple[int, int]) -> Tensor:
    """The middle of pictures `[..., H, W, C]`, `crop` being height and width; a view.

    Raises:
        ValueError: If the pictures are smaller than that.
    """
    height, width = pixels.shape[-3:-1]
    if crop[0] > height or crop[1] > width:
        raise ValueError(f"crop must fit into {height} x {width} pixels, got {crop[0]} x {crop[1]}")
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    return pixels[..., top : top + crop[0], left : left + crop[1], :]


def letterbox_edges(size: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int, int, int]:
    """Pixels above, below, left and right of a picture in the middle of a frame.

    Args:
        size: Height and width of the picture.
        frame: Height and width of the frame.

    Raises:
        ValueError: If the picture is larger than that.
    """
    down, across = frame[0] - size[0], frame[1] - size[1]
    if down < 0 or across < 0:
        raise ValueError(
            f"pictures must fit into a letterbox of {frame[0]} x {frame[1]} pixels, got "
            f"{size[0]} x {size[1]}"
        )
    # Where it cannot be even, there is one more above and on the left.
    return down - down // 2, down // 2, across - across // 2, across // 2


def resized(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures uint8 `[N, H, W, C]` at another width and height; what is finer is averaged.

    Pictures that have the size already are returned as they are.
    """
    width, height = size
    if pixels.shape[1:3] == (height, width) or not len(pixels):
        return pixels.reshape(len(pixels), height, width, pixels.shape[-1])
    pixels_NCHW = interpolate(
        pixels.permute(0, 3, 1, 2), (height, width), mode="bilinear", antialias=True
    )
    return pixels_NCHW.permute(0, 2, 3, 1).contiguous()


def to_clip(
    pixels: Tensor,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    crop: tuple[int, int] | None = None,
    letterbox: tuple[int, int] | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Pixels to a normalised clip.

    Args:
        pixels: uint8 `[T, H, W, 3]`.
        mean: Of each colour, for values from 0 to 1.
        std: Of each colour.
        crop: Height and width to cut out of the middle; None for everything.
        letterbox: Height and width of a frame in whose middle the pictures are put; around them the
            clip is exactly 0, which is the mean colour. None: no frame.
        dtype: Of the clip. The arithmetic is in float32.
        device: Pixels travel there as bytes, a quarter of the floats.

    Returns:
        `[1, T, 3, H, W]`, contiguous.

    Raises:
        ValueError: If `pixels` has another shape or type.
    """
    if pixels.ndim != 4 or pixels.shape[-1] != 3 or pixels.dtype != torch.uint8:
        raise ValueError(
            f"pixels must be uint8 [T, H, W, 3], got {pixels.dtype} {list(pixels.shape)}"
        )
    if crop is not None:
        pixels = centre_crop(pixels, crop)
    pixels_TCHW = sent(pixels, device).permute(0, 3, 1, 2)
    scale, shift = _normalisation(tuple(mean), tuple(std), torch.device(device))
    clip_TCHW = pixels_TCHW.to(torch.float32, memory_format=torch.contiguous_format)
    clip_TCHW = clip_TCHW.mul_(scale).add_(shift).to(dtype)
    if letterbox is not None:
        height, width = clip_TCHW.shape[-2:]
        top, bottom, left, right = letterbox_edges((height, width), letterbox)
        clip_TCHW = pad(clip_TCHW, (left, right, top, bottom))
    return clip_TCHW[None]


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A tensor on a device; to a GPU it is copied without waiting, from pinned memory."""
    if torch.device(device).type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    # Torch keeps the pinned memory until the copy is through (`torch.Tensor.pin_memory`).
    return tensor.pin_memory().to(device, non_blocking=True)


@lru_cache(maxsize=64)
def _normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """What bytes are multiplied by, and what is then added, by colour; on the device for good."""
    scale = torch.tensor([1 / (255 * s) for s in std], device=device)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=device)
    return scale.view(3, 1, 1), shift.view(3, 1, 1)
