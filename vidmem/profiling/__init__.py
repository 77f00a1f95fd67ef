"""What a model costs: memory and time, measured."""

from vidmem.profiling.process import ProcessGauge

__all__ = ["ProcessGauge"]
