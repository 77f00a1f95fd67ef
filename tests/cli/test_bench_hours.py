"""`vidmem bench hours`: what it counts, on a short video."""

from __future__ import annotations

from tests.data.footage import write_pen
from vidmem.bench.hours import HoursBench, bench_as_text
from vidmem.data.barn.looping import loop_video
from vidmem.video import probe_video


def test_a_looped_video_goes_on_where_it_ended(tmp_path):
    once, thrice = tmp_path / "once.mp4", tmp_path / "thrice.mp4"
    write_pen(once, 6, width=64, height=64, fps=8)
    loop_video(once, thrice, 3)
    short, long = probe_video(once), probe_video(thrice)
    assert abs(long.duration_seconds - 3 * short.duration_seconds) < 0.1


def test_minutes_and_slopes_are_of_the_videos_time():
    bench = HoursBench(full_at_seconds=60.0, wall_seconds=120.0)
    for number in range(1800):
        late = number >= 850
        bench.video_seconds.append(4.0 * (number + 1))
        bench.model_seconds.append(0.022 if late else 0.02)
        bench.cpu_seconds.append(0.02)
        bench.resident_bytes.append(10**8 + 1000 * number)
        bench.decoder_bytes.append(10**7)
    assert bench.last_minute_seconds == 3540.0
    text = bench_as_text(bench)
    assert "20.00 ms in minute 1, 22.00 ms in the other, ratio 1.100" in text
    assert "this process +0.86 MiB, the decoder +0.00 MiB" in text
