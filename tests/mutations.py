"""Faults put into a copy of the code, one at a time, each of which a test has to catch.

    python tests/mutations.py            # all of them
    python tests/mutations.py queue pool # those whose name has one of the words

What is written here stays as it is: the code is copied into a temporary folder and mutated there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("vidmem", "app", "tests")
LINKED = ("assets", "notebooks", "docs")


@dataclass(frozen=True)
class Mutation:
    """One fault."""

    name: str
    folder: str
    """Where `old` stands, exactly once in all of its Python files: files may move inside."""

    old: str
    new: str
    tests: tuple[str, ...]
    """What should catch it, as words for pytest."""


MUTATIONS = [
    Mutation(
        "sampling takes the frame after",
        "vidmem/video",
        "(sample * per_sample + tolerance) // parts",
        "(sample * per_sample + tolerance) // parts + 1",
        ("tests/video/test_sampling.py",),
    ),
    Mutation(
        "sampling forgets the last sampled frame",
        "vidmem/video",
        "return max(0, -(-seconds * self.fps // 1))",
        "return max(0, seconds * self.fps // 1)",
        ("tests/video/test_sampling.py",),
    ),
    Mutation(
        "decoding takes a slow child for a hanging one",
        "vidmem/video",
        "now - max(started, self._last_heard) > limit",
        "now - started > limit",
        ("tests/video/test_frame_feed.py", "-k", "slow_is_not_hanging"),
    ),
    Mutation(
        "queue evicts one slot too far",
        "vidmem/nn",
        "slots + (slots >= evicted[:, None])",
        "slots + (slots > evicted[:, None])",
        ("tests/nn/test_memory.py",),
    ),
    Mutation(
        "queue is written by streams that skip the clip",
        "vidmem/nn",
        "return torch.where(is_write[:, None], moved, slots)",
        "return moved",
        ("tests/nn/test_memory.py",),
    ),
    Mutation(
        "queue holds one anchor more",
        "vidmem/nn",
        "(self.slot_clips < self.anchors)",
        "(self.slot_clips <= self.anchors)",
        ("tests/nn/test_memory.py",),
    ),
    Mutation(
        "mask of lookback heads is a frame short",
        "vidmem/nn",
        "(frames_back >= 0) & (frames_back <= local_frame_range)",
        "(frames_back >= 0) & (frames_back < local_frame_range)",
        ("tests/nn/test_masks.py",),
    ),
    Mutation(
        "mask of the memory hides the no-memory token",
        "vidmem/nn",
        "(kv_idx == 0) | is_valid[b, slot]",
        "(kv_idx < 0) | is_valid[b, slot]",
        ("tests/nn/test_masks.py",),
    ),
    Mutation(
        "model writes to its memory at the wrong clips",
        "vidmem/models",
        "is_write = index % self.config.memory.memory_every == 0",
        "is_write = index % self.config.memory.memory_every == 1",
        ("tests/models/test_fam_swin.py", "-m", "not slow"),
    ),
    Mutation(
        "model loads weights of another shape",
        "vidmem/models",
        "if tensor.shape != got[key].shape:",
        "if tensor.ndim != got[key].ndim:",
        ("tests/models/test_checkpoint.py", "tests/models/test_spool_checkpoint.py"),
    ),
    Mutation(
        "stream goes on a clip's length further instead of a stride",
        "vidmem/streaming",
        "if is_cut else window.start_frame + self.settings.window_stride,",
        "if is_cut else window.start_frame + self.settings.clip_frames,",
        ("tests/streaming/test_windows.py",),
    ),
    Mutation(
        "stream merges scores by their first window",
        "vidmem/streaming",
        "sum(column) / len(spans)",
        "column[0]",
        ("tests/streaming/test_bouts.py",),
    ),
    Mutation(
        "pool waits for others beyond the time that is due",
        "vidmem/streaming",
        "if next_look_seconds(waiting, coming_until_seconds) <= now_seconds:",
        "if next_look_seconds(waiting, coming_until_seconds) < now_seconds:",
        ("tests/streaming/pool/test_schedule.py",),
    ),
    Mutation(
        "pool lets all streams share a batch",
        "vidmem/streaming",
        "num_running if num_running < 4 else -(-num_running // 2)",
        "num_running",
        ("tests/streaming/pool",),
    ),
    Mutation(
        "saving keeps rows beyond what the state knows of",
        "vidmem/streaming",
        "            os.ftruncate(self._descriptor, mark.num_bytes)\n            os.lseek",
        "            pass\n            os.lseek",
        ("tests/streaming/saving/test_predictions_csv.py", "tests/streaming/test_recorder.py"),
    ),
    Mutation(
        "inspection turns the sign of an effect",
        "vidmem/inspection",
        "return self.score.log_odds - self.without.log_odds",
        "return self.without.log_odds - self.score.log_odds",
        ("tests/inspection/attribution/test_effects.py",),
    ),
    Mutation(
        "inspection leaves the bias of offsets out",
        "vidmem/inspection",
        "scores_AQFP += bias_AQF[..., None]",
        "scores_AQFP += 0 * bias_AQF[..., None]",
        ("tests/inspection/attention/test_weights.py", "-m", "not slow"),
    ),
    Mutation(
        "planner takes a clip's length for the time between clips",
        "vidmem/planner",
        "between = request.window_stride / request.fps",
        "between = request.size.clip_frames / request.fps",
        ("tests/planner/test_plan.py",),
    ),
    Mutation(
        "planner uses what is to stay free",
        "vidmem/planner",
        "int(request.device_bytes * (1 - request.free_share))",
        "int(request.device_bytes)",
        ("tests/planner/test_plan.py",),
    ),
    Mutation(
        "planner names the limit that binds last",
        "vidmem/planner",
        "return min(self.limits, key=",
        "return max(self.limits, key=",
        ("tests/planner/test_plan.py",),
    ),
    Mutation(
        "decoding forgets what a child has held",
        "vidmem/video",
        "max(self.last_rss_bytes, _peak_bytes(self._process.pid))",
        "self.last_rss_bytes",
        ("tests/video/child/test_memory.py",),
    ),
    Mutation(
        "decoding counts no other decoders' memory",
        "vidmem/video",
        "sum(one.last_rss_bytes for one in running)",
        "child.last_rss_bytes",
        ("tests/video/test_limits.py",),
    ),
    Mutation(
        "decoding is done outside its box",
        "vidmem/video",
        "if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:",
        "if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:",
        ("tests/video/child/test_sandbox.py",),
    ),
    Mutation(
        "time line takes one rogue stamp for a jump",
        "vidmem/video",
        "elif self._is_alone(i):",
        "elif False:",
        ("tests/video/test_one_line.py", "tests/video/test_failing_files.py"),
    ),
    Mutation(
        "guard answers by any name",
        "app/guard",
        "if host.lower() not in allowed:",
        "if not host:",
        ("tests/app/guard/test_layer.py",),
    ),
    Mutation(
        "guard lets any page send",
        "app/guard",
        "if not is_own and not is_link_to_page(scope):",
        "if is_own and not is_own:",
        ("tests/app/guard/test_layer.py",),
    ),
    Mutation(
        "guard asks for no pass",
        "app/guard",
        "if self._has_pass(scope) or await self._brings_token(scope):",
        "if not self._access.is_open:",
        ("tests/app/guard/test_layer.py",),
    ),
    Mutation(
        "guard counts no guesses",
        "app/guard",
        "if seconds := guesses.begin(peer):",
        "if (seconds := guesses.begin(peer)) < 0:",
        ("tests/app/guard",),
    ),
    Mutation(
        "budget gives one run all places",
        "app",
        "if is_own_full:",
        "if is_own_full and not self._held:",
        ("tests/app/test_budget.py",),
    ),
    Mutation(
        "saving writes over what is read",
        "vidmem/streaming",
        "if file in read:",
        "if file in written and file in read:",
        ("tests/streaming/saving", "tests/cli/test_outputs.py"),
    ),
    Mutation(
        "saving lets two runs write one file",
        "vidmem/streaming",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        ("tests/streaming/saving", "tests/cli/test_outputs.py"),
    ),
    Mutation(
        "saving believes a state that was changed",
        "vidmem/streaming",
        "if has_checksum and not _is_as_saved(",
        "if not has_checksum and not _is_as_saved(",
        ("tests/streaming/saving",),
    ),
    Mutation(
        "saving believes rows that were changed",
        "vidmem/streaming",
        "is_same = self._digest.hexdigest() == mark.sha256",
        "is_same = True",
        ("tests/streaming/saving",),
    ),
    Mutation(
        "step takes what is no number for a prediction",
        "vidmem/streaming",
        "is_bad = ~logits.isfinite().all(-1)",
        "is_bad = logits.isfinite().all(-1) & False",
        ("tests/streaming",),
    ),
    Mutation(
        "run moves the playhead ahead of the clock",
        "app/run",
        "playhead if self._is_real_time and not self._is_paused else end_seconds",
        "end_seconds",
        ("tests/app/run/test_pacing.py",),
    ),
    Mutation(
        "run leaves predictions provisional for ever",
        "app/run",
        "get(index, replace(one, is_final=True))",
        "get(index, one)",
        ("tests/app/run/results/test_provisional.py",),
    ),
    Mutation(
        "run is held by a page that was closed",
        "app/run",
        "if entry is not None and not entry.was_just_closed(page, self._clock()):",
        "if entry is not None:",
        ("tests/app/run/test_registry.py",),
    ),
    Mutation(
        "run draws nothing for the classes without a row",
        "app/run",
        "shown.append(max(0.0, 1.0 - sum(shown)))",
        "shown.append(0.0)",
        ("tests/app/run/results/test_timeline.py",),
    ),
    Mutation(
        "page measures two rates at once",
        "app/pages",
        "raise SettingError(BUSY)",
        "pass",
        ("tests/app/pages/test_planner.py", "-k", "at_once"),
    ),
    Mutation(
        "page takes regions whose names differ in case alone",
        "app/pages",
        "while free.casefold() in ",
        "while free in ",
        ("tests/app/pages/test_streams_routes.py", "tests/app/pages/test_streams.py"),
    ),
    Mutation(
        "clock rounds up",
        "vidmem",
        "int(seconds + 1e-6) * 10",
        "round(seconds) * 10",
        ("tests/test_units.py",),
    ),
    Mutation(
        "labels: a new state hides what it overlaps, instead of cutting it",
        "vidmem/labels",
        'if not is_overlap or on_overlap == "cut":',
        "if not is_overlap:",
        ("tests/labels/test_labels.py",),
    ),
    Mutation(
        "labels: a time belongs to the bout that ends there",
        "vidmem/labels",
        'np.searchsorted(np.rint(starts), ticks, side="right") - 1',
        'np.searchsorted(np.rint(starts), ticks, side="left") - 1',
        ("tests/labels/test_sampling.py",),
    ),
    Mutation(
        "results: a labelled bout is found twice",
        "vidmem/labels/results",
        "ious[best] >= iou_percent / 100 - 1e-9 and best not in taken",
        "ious[best] >= iou_percent / 100 - 1e-9",
        ("tests/labels/results/test_scores.py",),
    ),
    Mutation(
        "results: edges where the scoring began count as chosen",
        "vidmem/labels/results",
        "open_at > start, until < end))",
        "True, until < end))",
        ("tests/labels/results/test_scores.py",),
    ),
    Mutation(
        "projects: an edit of what changed underneath is done",
        "vidmem/projects",
        "if since >= now.revision:",
        "if True:",
        ("tests/projects/test_two_writers.py",),
    ),
    Mutation(
        "projects: a model's bout becomes a label by itself",
        "vidmem/projects",
        "    if not bout.is_human:\n        raise ProjectError(",
        "    if False:\n        raise ProjectError(",
        ("tests/projects/test_edits.py",),
    ),
    Mutation(
        "projects: an import takes what contradicts",
        "vidmem/projects",
        "merged = merge(mine, theirs, on_conflict=on_conflict).labels",
        'merged = merge(mine, theirs, on_conflict="take").labels',
        ("tests/projects/test_importing.py",),
    ),
    Mutation(
        "media: a part of a file ends a byte early",
        "app/pages",
        "min(num_bytes, int(last) + 1) if last",
        "min(num_bytes, int(last)) if last",
        ("tests/app/pages/test_file_ranges.py",),
    ),
    Mutation(
        "media: links are followed",
        "app/projects",
        'names = ("O_NOFOLLOW", ',
        "names = (",
        ("tests/app/projects/test_videos.py",),
    ),
    Mutation(
        "media: a file that was changed is played",
        "app/projects",
        'if video.path is None or state != "here":',
        "if video.path is None:",
        ("tests/app/projects/test_videos.py",),
    ),
    Mutation(
        "media: of several times in a name one is taken",
        "app/projects",
        "return found.pop() if len(found) == 1 else None",
        "return found.pop() if found else None",
        ("tests/app/projects/test_recording_start.py",),
    ),
    Mutation(
        "media: a copy counts from the zero of the container",
        "vidmem/video/playing",
        "ticks = shown.pts - info.start_pts",
        "ticks = shown.pts",
        ("tests/video/playing/test_proxy.py",),
    ),
    Mutation(
        "media: frames stored behind a later one are missed in a part",
        "vidmem/video/playing",
        "packet.dts is not None and packet.dts > behind:",
        "packet.dts is not None:",
        ("tests/video/playing/test_frame_times.py",),
    ),
    Mutation(
        "labels: an edit that is sent again is done again",
        "vidmem/projects",
        "if mark is not None and was_made(connection, mark.edit_id):",
        "if mark is None and was_made(connection, ''):",
        ("tests/projects/test_edits.py", "-k", "of_an_id"),
    ),
    Mutation(
        "labels: of edits that are one step the last alone is undone",
        "vidmem/projects",
        "return [first, *sorted(row[0] for row in rest)]",
        "return [max([first, *(row[0] for row in rest)])]",
        ("tests/projects/test_edits.py", "-k", "continue"),
    ),
    Mutation(
        "labels: what a page has not seen is edited all the same",
        "app/pages/label",
        "break  # somebody else's came first",
        "pass",
        ("tests/app/pages/label/test_coding.py", "-k", "wait_until"),
    ),
    Mutation(
        "labels: a prediction becomes a label by being sent",
        "app/pages/label",
        'return bout.changed(source="human")',
        "return bout",
        ("tests/app/pages/label/test_coding.py", "-k", "prediction"),
    ),
    Mutation(
        "features: motion sees a flicker of the whole picture",
        "vidmem/models/features",
        "away_NHW = (difference_NHW - shift).abs()",
        "away_NHW = (difference_NHW - 0 * shift).abs()",
        ("tests/models/features/test_motion.py", "-k", "flicker"),
    ),
    Mutation(
        "features: motion takes a dark row of a picture for a bar",
        "vidmem/models/features",
        "is_zero_NHW = (grey_NHW == 0) & (before_NHW == 0)",
        "is_zero_NHW = grey_NHW == 0",
        (
            "tests/models/features/test_motion.py",
            "tests/models/features/test_letterboxed_motion.py",
        ),
    ),
    Mutation(
        "features: noise of dark footage counts as changed pixels",
        "vidmem/models/features",
        "limit = torch.clamp(NOISES * noise, min=CHANGED)",
        "limit = torch.clamp(0 * noise, min=CHANGED)",
        ("tests/models/features/test_motion.py",),
    ),
    Mutation(
        "features: components are scaled up to equal size",
        "vidmem/models/features",
        "spread = (values[-1].clamp(min=_SMALL) / max(len(rows) - 1, 1)).sqrt().float()",
        "spread = (values[-num:].flip(0).clamp(min=_SMALL) / max(len(rows) - 1, 1))"
        ".sqrt().float()[:, None]",
        ("tests/models/features/test_reduction.py",),
    ),
    Mutation(
        "features: signs of components are those of the solver",
        "vidmem/models/features",
        "directions = directions * directions.sum(1, keepdim=True).sign()",
        "directions = directions * 1",
        ("tests/models/features/test_reduction.py", "-k", "signs"),
    ),
    Mutation(
        "features: what lies outside of the components is not looked at",
        "vidmem/models/features",
        "return torch.maximum(within, rest).float()",
        "return torch.maximum(within, 0 * rest).float()",
        ("tests/models/features/test_reduction.py",),
    ),
    Mutation(
        "features: the limit comes from footage that was fitted to",
        "vidmem/models/features",
        "other._fit_components(raw[rows])",
        "other._fit_components(raw)",
        ("tests/models/features/test_reduction.py",),
    ),
    Mutation(
        "features: a linear head sees its neighbours in the wrong order",
        "vidmem/models/features",
        "offsets = torch.arange(-reach, reach + 1, device=means_BTF.device).clamp(-back, ahead)",
        "offsets = -torch.arange(-reach, reach + 1, device=means_BTF.device).clamp(-back, ahead)",
        ("tests/models/features/test_linear_head.py",),
    ),
    Mutation(
        "features: another image encoder of that name is taken",
        "vidmem/models/features",
        "if config.backbone_sha256 and backbone.fingerprint() != config.backbone_sha256:",
        "if config.backbone_sha256 and not backbone.fingerprint():",
        ("tests/models/features/test_encoder.py",),
    ),
    Mutation(
        "store: rows that were changed on the disk are believed",
        "vidmem/models/features",
        "if crc32 != record.crc32:",
        "if crc32 < 0:",
        ("tests/models/features/storage",),
    ),
    Mutation(
        "store: a record is written before all of its rows",
        "vidmem/models/features",
        "arrays[name] = append_rows(self._entry.array(name), before, rows)\n"
        "            self._record = replace(self._record, arrays=arrays)\n"
        "            self._entry.write(self._record)",
        "longer = append_rows(self._entry.array(name), before, rows)\n"
        "                arrays[name] = longer\n"
        "                self._record = replace(self._record, arrays=arrays)\n"
        "                self._entry.write(self._record)",
        ("tests/models/features/storage",),
    ),
    Mutation(
        "store: what is in use is deleted",
        "vidmem/models/features",
        "return all(try_lock(file.fileno()) for file in files)",
        "return len(files) >= 0",
        ("tests/models/features/storage", "-k", "in_use"),
    ),
    Mutation(
        "store: what is used often is deleted first",
        "vidmem/models/features",
        "for item in sorted(self._items(), key=lambda item: item.used_ns):",
        "for item in sorted(self._items(), key=lambda item: -item.used_ns):",
        ("tests/models/features/storage",),
    ),
    Mutation(
        "store: features do not depend on when a file was written",
        "vidmem/models/features",
        'return f"{about.st_size}-{about.st_mtime_ns}-{digest.hexdigest()}"',
        'return f"{about.st_size}-{digest.hexdigest()}"',
        ("tests/models/features/storage",),
    ),
    Mutation(
        "backbone: a picture is padded at its start, where TensorFlow pads its end",
        "vidmem/models/backbones",
        "return total // 2, total - total // 2",
        "return total - total // 2, total // 2",
        ("tests/models/backbones/test_efficientnet_lite.py",),
    ),
    Mutation(
        "backbone: any file is unpacked",
        "vidmem/models/backbones",
        "if got != self.sha256:",
        "if not got:",
        ("tests/models/backbones/test_efficientnet_lite.py",),
    ),
    Mutation(
        "backbone: a token is a row of cells too low",
        "vidmem/models/backbones",
        "maps_NDhw = encoded.patches.transpose(1, 2).unflatten(-1, grid)",
        "maps_NDhw = encoded.patches.transpose(1, 2).unflatten(-1, grid).roll(1, 2)",
        ("tests/models/backbones/test_backbone.py", "-k", "pooled"),
    ),
    Mutation(
        "backbone: two encoders have one fingerprint",
        "vidmem/models/backbones",
        "digest.update(memoryview(data.numpy()))",
        "digest.update(b'')",
        ("tests/models/backbones/test_backbone.py", "-k", "fingerprint"),
    ),
    Mutation(
        "backbone: a frozen encoder is trained",
        "vidmem/models/backbones",
        "self.encoder.train(mode and not self.config.is_frozen)",
        "self.encoder.train(mode)",
        ("tests/models/backbones/test_backbone.py", "-k", "frozen"),
    ),
    Mutation(
        "teaching: unlabelled frames count as the first class",
        "vidmem/teaching",
        "classes = np.where(one.is_counted[span], one.video.classes[:, span], NO_CLASS)",
        "classes = np.where(one.is_counted[span], one.video.classes[:, span], 0)",
        ("tests/teaching/test_learning.py", "-k", "no_class_in_a_segment"),
    ),
    Mutation(
        "teaching: what is kept to test with is learnt from",
        "vidmem/teaching",
        "classes = np.where(one.is_counted[span], one.video.classes[:, span], NO_CLASS)",
        "classes = one.video.classes[:, span]",
        ("tests/teaching/test_learning.py", "-k", "unlabelled_or_kept and gru"),
    ),
    Mutation(
        "teaching: parts lie a gap too near",
        "vidmem/teaching",
        "missing = gap_seconds - (after.start_seconds - before.end_seconds)",
        "missing = gap_seconds / 2 - (after.start_seconds - before.end_seconds)",
        ("tests/teaching/test_splits.py",),
    ),
    Mutation(
        "teaching: a piece that its gaps swallowed leaves its neighbours too near",
        "vidmem/teaching",
        "return cut if len(cut) == len(pieces) else _with_gaps(cut, gap_seconds, keep)",
        "return cut",
        ("tests/teaching/test_splits.py",),
    ),
    Mutation(
        "teaching: a split may have a class that nothing is learnt from",
        "vidmem/teaching",
        'if min(_supports(split.pieces, videos, "learn")) == 0:',
        'if min(_supports(split.pieces, videos, "learn")) < 0:',
        ("tests/teaching/test_splits.py",),
    ),
    Mutation(
        "teaching: the end of learning stays, not the best of it",
        "vidmem/teaching",
        "self._learner.network.load_state_dict(best_weights, strict=False)",
        "self._learner.network.load_state_dict({}, strict=False)",
        ("tests/teaching/test_learning.py", "-k", "harm"),
    ),
    Mutation(
        "teaching: a gain by chance counts",
        "vidmem/teaching",
        "return bool(gains.mean() > max(error, LEAST_GAIN * before.mean()))",
        "return bool(gains.mean() > LEAST_GAIN * before.mean())",
        ("tests/teaching/test_learning.py", "-k", "gain or harm"),
    ),
    Mutation(
        "teaching: rare classes weigh what common ones do",
        "vidmem/teaching",
        "weights = 1 / np.sqrt(np.maximum(counts, 1))",
        "weights = np.ones(len(counts))",
        ("tests/teaching/test_learning.py", "-k", "rare"),
    ),
    Mutation(
        "teaching: what a person could not tell is suggested to be labelled",
        "vidmem/teaching",
        "is_free = exam.is_unlabelled(video).all(0)",
        "is_free = ~video.is_labelled",
        ("tests/teaching/test_insight.py", "-k", "label_next"),
    ),
    Mutation(
        "teaching: the reduction sees the videos that are kept to test with",
        "vidmem/teaching",
        "if key not in split.tested_only]",
        "if key not in ()]",
        ("tests/teaching/test_teach.py", "-k", "kept_to_test_with"),
    ),
    Mutation(
        "teaching: a group with damage inside is kept",
        "vidmem/teaching",
        "return gap.start_seconds < self.end_seconds and gap.end_seconds > self.start_seconds",
        "return gap.start_seconds < self.start_seconds and gap.end_seconds > self.start_seconds",
        ("tests/teaching/test_encoding.py", "-k", "damage or hole"),
    ),
    Mutation(
        "teaching: features of one region are those of another",
        "vidmem/teaching",
        '"region": one.place, "decoded_at": size}',
        '"region": "", "decoded_at": size}',
        ("tests/teaching/test_regions.py", "-k", "of_all_pens"),
    ),
    Mutation(
        "teaching: labels beyond the end of a video are taken",
        "vidmem/teaching",
        "beyond = [one for one in bouts if one.end_seconds > duration_seconds + 0.5]",
        "beyond = [one for one in bouts if one.end_seconds < 0]",
        ("tests/teaching/test_teach.py", "-k", "refused_before"),
    ),
    Mutation(
        "teaching: a model is good whatever a guess would get",
        "vidmem/teaching",
        "if f1 < majority + 0.05:",
        "if f1 < 0:",
        ("tests/teaching/test_insight.py", "-k", "over_a_guess"),
    ),
    Mutation(
        "teaching: none of these is a class where nobody looked",
        "vidmem/teaching",
        "table = [*(code.get(one, NO_CLASS) for one in samples.class_names[:-1]), none, NO_CLASS]",
        "table = [*(code.get(one, NO_CLASS) for one in samples.class_names[:-1]), none, none]",
        ("tests/teaching/test_insight.py",),
    ),
]


class LostError(Exception):
    """A mutation does not fit the code any more."""


def place_of(mutation: Mutation, root: Path) -> Path:
    """The one file that holds what is to be changed.

    Raises:
        LostError: If there is none, or it stands there more than once.
    """
    texts = {path: path.read_text() for path in sorted((root / mutation.folder).rglob("*.py"))}
    counts = {path: text.count(mutation.old) for path, text in texts.items()}
    places = [path for path, count in counts.items() for _ in range(count)]
    if len(places) != 1:
        raise LostError(
            f"{mutation.name}: {mutation.old!r} stands {len(places)} times in {mutation.folder}; "
            "say in tests/mutations.py what the code says now"
        )
    return places[0]


def copy_code(folder: Path) -> None:
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "pyproject.toml", folder)


def is_caught(mutation: Mutation, root: Path) -> bool:
    """Whether the tests fail with it; they have to find something to run."""
    path = place_of(mutation, root)
    text = path.read_text()
    path.write_text(text.replace(mutation.old, mutation.new))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *mutation.tests], cwd=root, env=environment, capture_output=True, text=True
        )
    finally:
        path.write_text(text)
    if done.returncode not in (0, 1):  # not even run
        raise LostError(f"{mutation.name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 1


def main(words: list[str]) -> int:
    wanted = [one for one in MUTATIONS if not words or any(word in one.name for word in words)]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        copy_code(Path(folder))
        for mutation in wanted:
            try:
                verdict = "caught" if is_caught(mutation, Path(folder)) else "SURVIVED"
            except LostError as error:
                verdict = f"LOST: {error}"
            bad += verdict != "caught"
            sys.stdout.write(f"{mutation.name}: {verdict}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(wanted) - bad} of {len(wanted)} caught\n")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
