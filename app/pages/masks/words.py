"""The words of the Masks page, by key."""

WORDS = {
    "mask_choice": "Masks: who may attend to whom",
    "mask": "Mask",
    "mask_head": "Head",
    "mask_matrix": "Matrix, token by token",
    "mask_keys": "Arrow keys pick a cell, its reason is read below; Escape clears the selection.",
    "mask_pick": "Point at a cell to read why it may attend or not; click, or use the arrow keys, "
    "to keep one.",
    "mask_blocks": "Blocks, as the kernel computes them",
    "mask_blocks_hint": "Full blocks are computed without asking the mask, partial ones ask it for "
    "each pair, empty ones are skipped.",
    "mask_numbers": "Its numbers",
    "mask_counts": "What the mask comes to, over all tokens",
    "mask_allowed": "{low} to {high}",
    "mask_empty": "Rows with nothing to attend to:",
    "mask_more_empty": "and {count} more places",
    "mask_png": "Download PNG",
    "mask_json": "Data, JSON",
    "mask_npz": "Data, NPZ",
    "masks_of": "Of {model}, as it is now",
    "masks_all": "Any mask",
    "masks_yours": "Yours",
    "mask_saved": "A saved mask \N{HORIZONTAL ELLIPSIS}",
    "mask_saved_hint": "A table of booleans, true where a pair may attend: .npy, .pt (weights "
    "only) or .safetensors, up to 4 million pairs. It is looked at and not kept. A function is "
    "never run here: `vidmem mask FILE.py:my_mask` does that.",
    "mask_file": "Mask",
    "mask_other": "Compare with",
    "mask_found": "What was found",
    "mask_sound": "Nothing is wrong with it.",
    "mask_mistake": "Mistake",
    "mask_note": "Note",
    "mask_differs": "Compared",
}
