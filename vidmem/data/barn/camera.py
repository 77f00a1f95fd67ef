"""What the camera makes of a scene: day or infra-red night, noise, shake, a burnt-in clock."""

from __future__ import annotations

import bisect
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vidmem.data.barn.behaviour import BarnConfig, random_stream
from vidmem.data.barn.caching import remember
from vidmem.data.barn.pen import HEIGHT, WIDTH, Layout

_SWITCH_SECONDS = 0.8  # the infra-red filter of a camera takes this long to swing in
_SHAKE_SECONDS = 7.0
_GAIN_BITS = 7
_MAX_GAIN = 256  # 255 * 256 still fits in 16 bits
_INFRARED = (0.42, 0.38, 0.20, 0)  # what red, green and blue give under infra-red
_NOISE_SIDE = 64  # rows and columns by which the bank of noise is larger than a frame


class Camera:
    """Light and lens of one barn: scene colours to the pixels of a video."""

    def __init__(self, config: BarnConfig, layout: Layout) -> None:
        self._config, self._layout = config, layout
        rng = random_stream(config.seed, "camera")
        self._gain = 0.86 + 0.26 * rng.random()
        self._night_gain = 0.98 + 0.3 * rng.random()
        self._warmth = 0.02 + 0.07 * rng.random()
        self._noise_level = 0.7 + 0.8 * rng.random()
        self._window = (rng.random(), rng.random())
        self._drift = (60 + 120 * rng.random(), 2 * math.pi * rng.random())
        self._clock_corner = int(4 * rng.random())
        self._start_minutes = int(60 * ((4.5, 16.5)[rng.random() < 0.5] + 2 * rng.random()))
        self._camera_number = 1 + int(12 * rng.random())
        self._is_night_first = rng.random() < 0.5
        self._switches = self._draw_switches()
        self._gains = remember(self._draw_gains, maxsize=8)
        self._noise = remember(self._draw_noise, maxsize=4)
        self._font = ImageFont.load_default(size=22)
        self._clock_patch = remember(self._draw_clock, maxsize=8)

    def _draw_switches(self) -> list[float]:
        rng = random_stream(self._config.seed, "light")
        times, now = [], 0.0
        while now < self._config.duration_seconds:
            now += self._config.light_seconds * (0.6 + 0.8 * rng.random())
            times.append(now)
        return times

    def night_share(self, seconds: float) -> float:
        """0 in daylight, 1 under infra-red, between in the moment of a switch."""
        if self._config.light != "auto":
            return float(self._config.light == "night")
        passed = bisect.bisect_right(self._switches, seconds)
        night = float(self._is_night_first ^ (passed % 2 == 1))
        if passed:
            share = min((seconds - self._switches[passed - 1]) / _SWITCH_SECONDS, 1.0)
            return night + (1 - share) * (1 - 2 * night)
        return night

    def shake(self, seconds: float) -> tuple[int, int]:
        """Displacement of the picture, in units: mostly none, now and then a gate bangs."""
        number = int(seconds / _SHAKE_SECONDS)
        rng = random_stream(self._config.seed, "shake", number)
        if rng.random() > 0.22:
            return (0, 0)
        since = seconds - number * _SHAKE_SECONDS
        swing = 2.6 * math.exp(-1.1 * since)
        return (
            round(swing * math.cos(17 * since)),
            round(0.8 * swing * math.sin(13 * since + 6 * rng.random())),
        )

    def develop(self, scene: Image.Image, seconds: float) -> NDArray[np.uint8]:
        """Light a scene, add noise and the clock.

        Args:
            scene: Colours under white light, mode RGBX.
            seconds: Time in the video.

        Returns:
            uint8 `[H, W, 3]`.
        """
        night = self.night_share(seconds)
        if 0 < night < 1:
            day, dark = self._day(scene, seconds), self._night(scene)
            pixels = (day + night * (dark.astype(np.float32) - day)).astype(np.int16)
        else:
            pixels = self._night(scene) if night else self._day(scene, seconds)
        pixels += self._noise_tile(scene.width, scene.height, seconds, night > 0.5)
        np.clip(pixels, 0, 255, out=pixels)
        picture = np.empty((scene.height, scene.width, 3), np.uint8)
        picture[...] = pixels
        self._burn_clock(picture, seconds)
        return picture

    def _day(self, scene: Image.Image, seconds: float) -> NDArray[np.int16]:
        """`[H, W, 3]`; the daylight drifts in steps too small to see."""
        period, phase = self._drift
        drift = math.sin(2 * math.pi * seconds / period + phase)
        gain = self._gains(scene.width, scene.height, round(16 * drift))
        pixels = np.asarray(scene.convert("RGB")).astype(np.uint16)
        return ((pixels * gain) >> _GAIN_BITS).view(np.int16)

    def _night(self, scene: Image.Image) -> NDArray[np.int16]:  # [H, W, 1]
        grey = scene.convert("RGB").convert("L", _INFRARED)
        gain = self._gains(scene.width, scene.height, None)
        return ((np.asarray(grey).astype(np.uint16)[..., None] * gain) >> _GAIN_BITS).view(np.int16)

    def _draw_gains(self, width: int, height: int, drift: int | None) -> NDArray[np.uint16]:
        """Brightness over the picture, in units of 2 ** -_GAIN_BITS.

        By day `[H, W, 3]`: light from a window, a slight vignette, the warm lamp over the nest. At
        night (`drift` None) `[H, W, 1]`: the camera's own lamps, a hot centre and dark corners.
        """
        x = (np.arange(width, dtype=np.float32) + 0.5) / width * WIDTH
        y = ((np.arange(height, dtype=np.float32) + 0.5) / height * HEIGHT)[:, None]
        far = np.hypot((x - WIDTH / 2) / 367, (y - HEIGHT / 2) / 367)
        lamp_x, lamp_y = self._layout.nest.centre
        glow = np.exp(-((x - lamp_x) ** 2 + (y - lamp_y) ** 2) / (2 * 58**2))[..., None]
        if drift is None:
            level = (0.26 + 0.66 * np.exp(-(far**2) / 0.42))[..., None] * self._night_gain
            gain = level + 0.14 * glow
        else:
            wx, wy = self._window
            slope = 0.32 * ((x / WIDTH - 0.5) * (wx - 0.5) + (y / HEIGHT - 0.5) * (wy - 0.5))
            level = (1.05 - 0.26 * far**2 + slope)[..., None] * self._gain
            tint = np.array((1 + self._warmth, 1, 1 - self._warmth - 0.02 * drift / 16))
            lamp = glow * np.array((0.24, 0.07, -0.03))
            gain = level * tint * (1 + 0.07 * drift / 16) + lamp
        scaled = np.clip(gain * (1 << _GAIN_BITS) + 0.5, 0, _MAX_GAIN)
        return scaled.astype(np.uint16)

    def _noise_tile(
        self, width: int, height: int, seconds: float, is_night: bool
    ) -> NDArray[np.int16]:
        """Another part of a tile of noise for each moment: `[H, W, 3]`, at night `[H, W, 1]`."""
        tick = round(seconds * 1000)
        # Multiplied by Knuth's hash, so that neighbouring moments take parts far from each other.
        row = (tick * 2654435761 >> 7) % _NOISE_SIDE
        column = (tick * 40503 >> 3) % _NOISE_SIDE
        noise = self._noise(width, height, is_night)
        return noise[row : row + height, column : column + width]

    def _draw_noise(self, width: int, height: int, is_night: bool) -> NDArray[np.int16]:
        # A small frame is the mean of many pixels of the sensor, and coding has smoothed them.
        shrink = min(width / WIDTH, 1.0) ** 0.5 * min(height / HEIGHT, 1.0) ** 0.5
        level = self._noise_level * (4.4 if is_night else 2.4)
        level *= shrink if shrink == 1 else 0.4 * shrink
        rng = np.random.Generator(np.random.PCG64(self._config.seed ^ 0xBA21))
        shape = (height + _NOISE_SIDE, width + _NOISE_SIDE, 1 if is_night else 3)
        total = rng.integers(0, 256, shape, np.uint8).astype(np.float32)
        total += rng.integers(0, 256, shape, np.uint8)
        triangular = (total - 255) / 104  # of variance 1
        return np.rint(triangular * level).astype(np.int16)

    def _burn_clock(self, pixels: NDArray[np.uint8], seconds: float) -> None:
        height, width, _ = pixels.shape
        patch = self._clock_patch(int(seconds), width, height)
        rows, columns, _ = patch.shape
        top = 0 if self._clock_corner < 2 else height - rows
        left = 0 if self._clock_corner % 2 == 0 else width - columns
        area = pixels[top : top + rows, left : left + columns]
        np.maximum((area * np.float32(0.62)).astype(np.uint8), patch, out=area)

    def _draw_clock(self, second: int, width: int, height: int) -> NDArray[np.uint8]:
        total = self._start_minutes * 60 + int(second * self._config.pace)
        text = (
            f"CAM {self._camera_number:02d}  2026-04-{11 + total // 86400:02d}  "
            f"{total // 3600 % 24:02d}:{total // 60 % 60:02d}:{total % 60:02d}"
        )
        image = Image.new("L", (392, 36), 0)
        ImageDraw.Draw(image).text((12, 5), text, fill=235, font=self._font)
        size = (max(round(196 * width / WIDTH), 1), max(round(18 * height / HEIGHT), 1))
        small = image.resize(size, Image.Resampling.BOX)
        return np.repeat(np.asarray(small)[..., None], 3, axis=-1)
