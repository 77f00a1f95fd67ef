from vidmem.planner.encoders.known import encoder_shape as BackboneShape
from vidmem.planner.encoders.piece import encoding_peak_bytes as backbone_peak_bytes


def backbone_flops(s, h, w):
    return s.flops(h, w)


def backbone_parameters(s):
    return s.num_parameters


def backbone_table_bytes(s):
    return s.table_bytes


def named_backbone(name, tokens):
    return None
